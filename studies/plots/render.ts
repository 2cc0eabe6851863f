import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { Resvg } from '@resvg/resvg-js';
import * as vega from 'vega';
import { compile, type TopLevelSpec } from 'vega-lite';

const FONT = 'DejaVu Sans';
const fontFolder = join(
  dirname(createRequire(import.meta.url).resolve('dejavu-fonts-ttf/package.json')),
  'ttf',
);

/** Look of every chart: thin grey lines, one font, and a palette that survives colour blindness and grey print. */
const CONFIG: NonNullable<TopLevelSpec['config']> = {
  font: FONT,
  background: 'white',
  view: { stroke: null },
  axis: { labelFontSize: 10, titleFontSize: 11, titleFontWeight: 'normal', gridColor: '#e6e6e6' },
  legend: { labelFontSize: 11, titleFontSize: 11, titleFontWeight: 'normal', orient: 'top' },
  header: { labelFontSize: 12, labelFontWeight: 'bold', titleFontSize: 11 },
  title: { fontSize: 13, anchor: 'start' },
};

/** Draws a Vega-Lite specification as SVG text; the same specification always gives the same text. */
export async function renderSvg(spec: TopLevelSpec): Promise<string> {
  const compiled = compile(spec, { config: CONFIG }).spec;
  const view = new vega.View(vega.parse(compiled), { renderer: 'none' });
  // Vega counts clip paths on from chart to chart.
  vega.resetSVGDefIds();
  try {
    return await view.toSVG();
  } finally {
    view.finalize();
  }
}

/**
 * An SVG as PNG, with the package's own font files: without them labels would vanish silently, and with the
 * system's the picture would differ from machine to machine.
 *
 * @param scale pixels per SVG unit
 */
export function renderPng(svg: string, scale = 2): Uint8Array {
  const font = {
    loadSystemFonts: false,
    fontFiles: ['DejaVuSans.ttf', 'DejaVuSans-Bold.ttf'].map((file) => join(fontFolder, file)),
    defaultFontFamily: FONT,
    sansSerifFamily: FONT,
  };
  return new Resvg(svg, { font, fitTo: { mode: 'zoom', value: scale } }).render().asPng();
}

/** Minified builds that a page needs to draw a specification, in the order in which they depend on each other. */
const SCRIPTS = [
  'vega/build/vega.min.js',
  'vega-lite/build/vega-lite.min.js',
  'vega-embed/build/vega-embed.min.js',
];

/** A specification as one HTML page that needs nothing else: the drawing libraries are in it. Points show tooltips. */
export function renderHtml(spec: TopLevelSpec, title: string): string {
  const require = createRequire(import.meta.url);
  const scripts = SCRIPTS.map((script) => {
    const [name, ...rest] = script.split('/') as [string, ...string[]];
    const folder = packageFolder(require.resolve(name), name);
    return readFileSync(join(folder, ...rest), 'utf8').replaceAll('</script', '<\\/script');
  });
  const data = JSON.stringify({ ...spec, config: CONFIG }).replaceAll('<', '\\u003c');
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<title>${title.replaceAll('&', '&amp;').replaceAll('<', '&lt;')}</title>
<div id="chart"></div>
${scripts.map((text) => `<script>${text}</script>`).join('\n')}
<script>
vegaEmbed('#chart', ${data}, { renderer: 'svg' });
</script>
</html>
`;
}

/** Packages do not export their package.json, so their folder is found from their entry. */
function packageFolder(entry: string, name: string): string {
  const at = entry.lastIndexOf(join('node_modules', name));
  return join(entry.slice(0, at), 'node_modules', name);
}

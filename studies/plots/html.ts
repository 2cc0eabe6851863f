import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { type Chart, printableChart } from './chart.ts';
import { escaped } from './escaped.ts';
import { chartConfig, colourDeclarations, styledColours } from './theme.ts';

/** Minified builds that a page needs to draw a specification, in the order in which they depend on each other. */
const LIBRARIES = [
  'vega/build/vega.min.js',
  'vega-lite/build/vega-lite.min.js',
  'vega-embed/build/vega-embed.min.js',
];
/** Our own, which measure a chart's figure and draw it. */
const OWN = ['fitChart.mjs', 'drawCharts.mjs'];

/** Fonts of a page's charts: it holds none, which would weigh more than everything else. */
const PAGE_FONT = "'DejaVu Sans', system-ui, sans-serif";
const PAGE_FONT_PX = 11;

/** Colours of the theme as custom properties, which a page may use for its own text, and the look of figures and tooltips. */
export const CHART_STYLE = `
:root{color-scheme:light dark;${colourDeclarations('light')}}
@media screen and (prefers-color-scheme:dark){:root{${colourDeclarations('dark')}}}
figure.chart{margin:0 0 2rem;color:var(--chart-ink);font-family:${PAGE_FONT}}
figure.chart figcaption{margin:0 0 .5rem;line-height:1.4;overflow-wrap:anywhere}
figure.chart .chart-title{display:block;font-weight:600;font-size:1.05rem}
figure.chart .chart-note{display:block;color:var(--chart-soft);font-size:.85rem}
figure.chart .chart-drawing{display:block;width:100%;overflow-x:auto}
figure.chart .chart-drawing svg{display:block;max-width:100%;height:auto}
figure.chart{break-inside:avoid}
#vg-tooltip-element.chart-theme{background:var(--chart-paper);color:var(--chart-ink);border:1px solid var(--chart-line);
max-width:min(26rem,92vw);font-family:${PAGE_FONT};font-size:12px}
#vg-tooltip-element.chart-theme table tr td.key{color:var(--chart-soft)}
#vg-tooltip-element.chart-theme table tr td{overflow-wrap:anywhere;white-space:normal;max-width:none}
`;

/** What a page of charts has once, behind its last figure, in this order: the drawing libraries, and what draws every figure. About 0.8 MB. */
export function chartScriptTexts(): string[] {
  const require = createRequire(import.meta.url);
  const libraries = LIBRARIES.map((script) => {
    const [name, ...rest] = script.split('/') as [string, ...string[]];
    return readFileSync(join(packageFolder(require.resolve(name), name), ...rest), 'utf8');
  });
  const own = OWN.map((file) =>
    readFileSync(new URL(`./page/${file}`, import.meta.url), 'utf8').replaceAll(/^export /gm, ''),
  );
  const look = JSON.stringify({
    colours: styledColours(),
    config: { ...chartConfig(PAGE_FONT, PAGE_FONT_PX), background: 'transparent' },
  });
  const scripts = [...libraries, `(() => {\n${own.join('\n')}\ndrawCharts(${look});\n})();`];
  return scripts.map((text) => text.replaceAll('</script', '<\\/script'));
}

/** A chart in a page: its title and notes as text, and its data, which `chartScriptTexts` draw as wide as the figure is. */
function chartFigure(chart: Chart): string {
  const printable = printableChart(chart);
  const { title, subtitle } = printable;
  const data = JSON.stringify(printable).replaceAll('<', '\\u003c');
  const notes = subtitle.map((line) => `<span class="chart-note" dir="auto">${escaped(line)}</span>`);
  return `<figure class="chart">
<figcaption><span class="chart-title" dir="auto">${escaped(title)}</span>${notes.join('')}</figcaption>
<div class="chart-drawing" role="img" aria-label="${escaped(title)}"></div>
<script type="application/json">${data}</script>
</figure>`;
}

/** One chart as one HTML page that needs nothing else, fills its window and follows the reader's colour scheme. */
export function chartPage(chart: Chart): string {
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="${PAGE_POLICY}">
<title>${escaped(printableChart(chart).title)}</title>
<style>body{margin:0;padding:1rem;background:var(--chart-paper)}main{max-width:60rem;margin:0 auto}</style>
<style>${CHART_STYLE}</style>
<main>
${chartFigure(chart)}
</main>
${chartScriptTexts()
  .map((text) => `<script>${text}</script>`)
  .join('\n')}
</html>
`;
}

/** Nothing from outside; Vega compiles its expressions by Function. */
const PAGE_POLICY =
  "default-src 'none'; script-src 'unsafe-inline' 'unsafe-eval'; style-src 'unsafe-inline'; img-src data:";

/** Packages do not export their package.json, so their folder is found from their entry. */
function packageFolder(entry: string, name: string): string {
  const at = entry.lastIndexOf(join('node_modules', name));
  return join(entry.slice(0, at), 'node_modules', name);
}

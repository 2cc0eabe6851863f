import { Resvg } from '@resvg/resvg-js';
import * as vega from 'vega';
import { compile, type TopLevelSpec } from 'vega-lite';
import { type Chart, printableChart } from './chart.ts';
import { escaped } from './escaped.ts';
import { FONT_FILES } from './fonts.ts';
import type { ThemeName } from './lookNames.ts';
import { fitChart } from './page/fitChart.mjs';
import { type ChartWidth, chartWidth } from './size.ts';
import { measureWithFont, textWidth } from './textWidth.ts';
import { chartConfig, coloursOf, FONT } from './theme.ts';

measureWithFont();

/** What a drawing looks like: its colours, and how wide it is. */
export interface Look {
  theme: ThemeName;
  width: ChartWidth;
}

export const SCREEN_LOOK: Look = { theme: 'light', width: chartWidth('screen') };

/** The chart as a Vega-Lite specification that holds its data, colours and sizes: any viewer draws it alike. */
export async function chartSpec(chart: Chart, { theme, width }: Look = SCREEN_LOOK): Promise<TopLevelSpec> {
  const look = {
    width: width.px,
    colours: coloursOf(theme),
    config: chartConfig(FONT),
    titled: true,
    textWidth,
  };
  return fitChart(printableChart(chart), look, async (spec) => sizeOf(await drawn(spec)).width);
}

/** A chart as SVG text; the same chart always gives the same text. */
export async function renderSvg(chart: Chart, look: Look = SCREEN_LOOK): Promise<string> {
  const svg = asPicture(await drawn(await chartSpec(chart, look)), printableChart(chart));
  return look.width.mm === null ? svg : inMillimetres(svg, look.width.mm / look.width.px);
}

/**
 * The drawing as one picture with a name, in place of hundreds of named marks, and in hundredths of a pixel: half the size, and the same
 * text wherever the last digit of a sine differs.
 */
function asPicture(svg: string, { title, subtitle }: Chart): string {
  return svg
    .replaceAll(/ aria-label="[^"]*"/g, '')
    .replaceAll(/ (?:d|transform)="[^"]*"/g, (geometry) =>
      geometry.replaceAll(/-?\d+\.\d{3,}(?:e-\d+)?/g, (digits) =>
        String(Math.round(Number(digits) * 100) / 100),
      ),
    )
    .replace('<svg ', `<svg role="img" aria-label="${escaped([title, ...subtitle].join('. '))}" `);
}

/** What Vega-Lite warns of is not drawn as it was meant: a mistake of a chart's, which nobody may overlook. */
const STRICT = {
  level: () => STRICT,
  error: refuse,
  warn: refuse,
  info: () => STRICT,
  debug: () => STRICT,
};

function refuse(...message: readonly unknown[]): never {
  throw new Error(`chart: ${message.join(' ')}`);
}

async function drawn(spec: TopLevelSpec): Promise<string> {
  const view = new vega.View(vega.parse(compile(spec, { logger: STRICT }).spec), { renderer: 'none' });
  // Vega counts clip paths on from chart to chart.
  vega.resetSVGDefIds();
  try {
    return await view.toSVG();
  } finally {
    view.finalize();
  }
}

const SIZE = / width="([\d.]+)" height="([\d.]+)"/;

/** Pixels of an SVG that Vega has written. */
export function sizeOf(svg: string): { width: number; height: number } {
  const found = SIZE.exec(svg);
  if (found === null) throw new Error('a drawing without width and height');
  return { width: Number(found[1]), height: Number(found[2]) };
}

function inMillimetres(svg: string, mmPerPx: number): string {
  const { width, height } = sizeOf(svg);
  const mm = (px: number) => `${Number((px * mmPerPx).toFixed(2))}mm`;
  return svg.replace(SIZE, ` width="${mm(width)}" height="${mm(height)}"`);
}

/** Of a screen, and of a printer where the drawing has millimetres. */
const SCREEN_SCALE = 2;
const PRINT_SCALE = 300 / 96;

/**
 * An SVG as PNG, with the package's own font files: without them labels would vanish silently, and with the
 * system's the picture would differ from machine to machine.
 *
 * @param scale pixels per SVG unit
 */
export function renderPng(svg: string, scale = SCREEN_SCALE): Uint8Array {
  const font = {
    loadSystemFonts: false,
    fontFiles: Object.values(FONT_FILES),
    defaultFontFamily: FONT,
    sansSerifFamily: FONT,
  };
  return new Resvg(svg, { font, fitTo: { mode: 'zoom', value: scale } }).render().asPng();
}

/** A chart as PNG: twice as fine as a screen, or 300 dots to the inch of paper. */
export async function chartPng(chart: Chart, look: Look = SCREEN_LOOK): Promise<Uint8Array> {
  const svg = await renderSvg(chart, { ...look, width: { ...look.width, mm: null } });
  return renderPng(svg, look.width.mm === null ? SCREEN_SCALE : PRINT_SCALE);
}

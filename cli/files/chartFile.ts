import { shown, UserError } from '../../model/input/userError.ts';
import type { Chart } from '../../studies/plots/chart.ts';
import type { Look } from '../../studies/plots/render.ts';
import { chartWidth } from '../../studies/plots/size.ts';
import type { ChartFlags } from '../flags/chart.ts';
import type { Output } from '../output.ts';
import { jsonText } from '../output.ts';
import { writeWholeFile } from './wholeFile.ts';

type Content = string | Uint8Array;
type Draw = (chart: Chart, look: Look) => Content | Promise<Content>;

/** How each format is made. Vega is loaded there: it takes longer than most commands. */
const FORMATS: Readonly<Record<string, () => Promise<Draw>>> = {
  '.svg': async () => (await import('../../studies/plots/render.ts')).renderSvg,
  '.png': async () => (await import('../../studies/plots/render.ts')).chartPng,
  '.pdf': async () => (await import('../../studies/plots/pdf.ts')).chartPdf,
  '.html': async () => (await import('../../studies/plots/html.ts')).chartPage,
  '.csv': async () => (await import('../../studies/plots/csv.ts')).chartCsv,
  '.vl.json': async () => {
    const { chartSpec } = await import('../../studies/plots/render.ts');
    return async (chart, look) => jsonText(await chartSpec(chart, look));
  },
};
const NAMES = Object.keys(FORMATS);
/** A page follows its reader's scheme and window, and data look like nothing. */
const WITHOUT_LOOK = ['.html', '.csv'];

/** @throws UserError for a name that says of no format that charts are drawn in, or for flags that the format has no use for. */
export function refuseOtherCharts({ out, theme, width }: ChartFlags, flag = '--out'): void {
  const format = formatOf(out);
  if (format === undefined)
    throw new UserError(`${flag} ${shown(out)}: expected a name that ends in ${NAMES.join(', ')}`);
  if (!WITHOUT_LOOK.includes(format)) return;
  const given = [
    ...(theme === undefined ? [] : [`--theme ${theme}`]),
    ...(width === undefined ? [] : [`--width ${width}`]),
  ];
  if (given.length > 0)
    throw new UserError(
      `${given.join(' ')}: has no effect on ${format}; leave it out, or write another format`,
    );
}

function formatOf(file: string): string | undefined {
  return NAMES.find((format) => file.endsWith(format));
}

/** Draws a chart in the format that its file's name says. */
export async function writeChart(
  chart: Chart,
  { out, theme, width }: ChartFlags,
  flag = '--out',
): Promise<void> {
  const draw = await FORMATS[formatOf(out)!]!();
  const content = await draw(chart, { theme: theme ?? 'light', width: chartWidth(width ?? 'screen') });
  writeWholeFile(out, content, flag);
}

/** Draws the chart of a `plot` command and names its file. */
export async function plotChart(chart: Chart, flags: ChartFlags, output: Output): Promise<void> {
  await writeChart(chart, flags);
  output.result(`${flags.out}\n`);
}

import { extname } from 'node:path';
import type { TopLevelSpec } from 'vega-lite';
import { renderPng, renderSvg } from '../experiments/charts.ts';
import { renderHtml } from '../experiments/plots/htmlPage.ts';
import { shown, UserError } from '../model/input/userError.ts';
import type { Output } from './output.ts';
import { writeWholeFile } from './wholeFile.ts';

/** How a chart becomes a file, by the file's ending. */
const WRITERS: Record<string, (spec: TopLevelSpec) => Promise<string | Uint8Array>> = {
  '.svg': renderSvg,
  '.png': async (spec) => renderPng(await renderSvg(spec)),
  '.html': async (spec) => renderHtml(spec),
};

/** @throws UserError for a file of another kind: better known before a long prediction. */
export function checkChartFile(file: string): void {
  if (Object.hasOwn(WRITERS, extname(file))) return;
  throw new UserError(`${shown(file)}: expected a name that ends in ${Object.keys(WRITERS).join(', ')}`);
}

/** Draws a chart into a file, as its ending says. */
export async function writeChart(file: string, spec: TopLevelSpec, output: Output): Promise<void> {
  checkChartFile(file);
  writeWholeFile(file, await WRITERS[extname(file)]!(spec));
  output.diagnostic(`wrote ${file}\n`);
}

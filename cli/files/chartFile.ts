import { extname } from 'node:path';
import type { TopLevelSpec } from 'vega-lite';
import { shown, UserError } from '../../model/input/userError.ts';
import { writeWholeFile } from './wholeFile.ts';

const FORMATS = ['.svg', '.png', '.html'];

/** @throws UserError for a name that says of no format that charts are drawn in. */
export function refuseOtherCharts(file: string, flag: string): void {
  if (FORMATS.includes(extname(file))) return;
  throw new UserError(`${flag} ${shown(file)}: expected a name that ends in ${FORMATS.join(', ')}`);
}

/** Draws a chart in the format that its file's name says. Vega is loaded here: it takes longer than most commands. */
export async function writeChart(
  spec: TopLevelSpec,
  title: string,
  file: string,
  flag: string,
): Promise<void> {
  const { renderHtml, renderPng, renderSvg } = await import('../../studies/plots/render.ts');
  const format = extname(file);
  const svg = async () => renderSvg(spec);
  const drawn =
    format === '.html' ? renderHtml(spec, title) : format === '.svg' ? await svg() : renderPng(await svg());
  writeWholeFile(file, drawn, flag);
}

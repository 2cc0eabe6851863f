// What a notebook asks and shows, in Deno's kernel.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const COMMAND_LINE = fileURLToPath(new URL('../../bin/chunkflow.mjs', import.meta.url));

declare const Deno: {
  jupyter: { display(forms: Record<string, string>, options: { raw: true }): Promise<void> };
};

/** Time (ms) between an output and the end of its cell. */
const SEND_MS = 500;

/**
 * Shows something, given in its forms by media type. A cell awaits it. The kernel hands outputs to a thread that sends them and
 * reports the end of a cell without waiting for that thread: of large outputs at the very end of a cell, one in five arrives
 * behind the report, and nbconvert drops what does. With this pause none of 150 did.
 */
async function show(forms: Record<string, string>): Promise<void> {
  await Deno.jupyter.display(forms, { raw: true });
  await new Promise((resolve) => setTimeout(resolve, SEND_MS));
}

/** Shows rows as a table: numbers with so many digits behind the point. */
export function showTable(rows: readonly Record<string, string | number>[], digits = 2): Promise<void> {
  const [first] = rows;
  if (first === undefined) throw new Error('a table needs a row');
  const names = Object.keys(first);
  const broken = (name: string) => rows.some((row) => typeof row[name] === 'number' && row[name] % 1 !== 0);
  const cell = (row: Record<string, string | number>, name: string) => {
    const value = row[name];
    return typeof value === 'number' && broken(name) ? value.toFixed(digits) : String(value);
  };
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`;
  const markdown = [
    line(names),
    line(names.map((name) => (typeof first[name] === 'number' ? '--:' : '---'))),
    ...rows.map((row) => line(names.map((name) => cell(row, name)))),
  ].join('\n');
  return show({ 'text/markdown': markdown, 'text/plain': markdown });
}

/** What a command of the command line prints. */
export function command(...words: string[]): string {
  const { status, stdout, stderr } = spawnSync('node', [COMMAND_LINE, ...words], { encoding: 'utf8' });
  if (status !== 0) throw new Error(stderr);
  return stdout;
}

/** Shows what `chunkflow plot` draws. */
export async function showPlot(...words: string[]): Promise<void> {
  const file = join(mkdtempSync(join(tmpdir(), 'chunkflow-')), 'chart.png');
  command('plot', ...words, '--out', file);
  await show({ 'image/png': readFileSync(file).toString('base64') });
}

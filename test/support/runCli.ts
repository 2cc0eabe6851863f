import { run } from '../../cli/program.ts';
import type { Layout } from '../../cli/text/layout.ts';

export interface CliResult {
  code: number;
  stdout: string;
  stderr: string;
}

/** Rows and sentences as a whole, so that tests read them by the line. */
const WIDE: Layout = { width: Number.POSITIVE_INFINITY, colour: false };

/** Runs a command line in this process and collects what it prints. */
export async function runCli(args: readonly string[], layout = WIDE): Promise<CliResult> {
  const result: CliResult = { code: -1, stdout: '', stderr: '' };
  result.code = await run(args, {
    result: (text) => {
      result.stdout += text;
    },
    diagnostic: (text) => {
      result.stderr += text;
    },
    terminal: false,
    layout,
  });
  return result;
}

import { run } from '../../cli/program.ts';

export interface CliResult {
  code: number;
  stdout: string;
  stderr: string;
}

/** Runs a command line in this process and collects what it prints. */
export async function runCli(args: readonly string[]): Promise<CliResult> {
  const result: CliResult = { code: -1, stdout: '', stderr: '' };
  result.code = await run(args, {
    result: (text) => {
      result.stdout += text;
    },
    diagnostic: (text) => {
      result.stderr += text;
    },
    terminal: false,
  });
  return result;
}

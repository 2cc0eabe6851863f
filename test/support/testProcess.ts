import { fork } from 'node:child_process';
import { join } from 'node:path';
import type { Outcome } from './child.ts';

const CHILD = join(import.meta.dirname, 'child.ts');

export interface TestProcessOptions {
  /** Time that one file may take. */
  timeoutMs: number;
  env: NodeJS.ProcessEnv;
  onOutcome: (file: string, outcome: Outcome, wallS: number) => void;
}

/** Runs test files one after another in one process; where one of them ends it early, the rest in the next. */
export async function runInOneProcess(files: readonly string[], options: TestProcessOptions): Promise<void> {
  for (let rest = files; rest.length > 0; ) rest = rest.slice(await runUpToACrash(rest, options));
}

/** How many of the files have an outcome, the last of which may be that it ended its process. */
function runUpToACrash(files: readonly string[], options: TestProcessOptions): Promise<number> {
  const { timeoutMs, env, onOutcome } = options;
  return new Promise((resolve) => {
    const child = fork(CHILD, files, { execArgv: ['--import', 'tsx'], silent: true, env });
    let output = '';
    let done = 0;
    let started = performance.now();
    let timedOut = false;
    const limit = setTimeout(() => {
      timedOut = true;
      child.kill('SIGKILL');
    }, timeoutMs);
    const report = (outcome: Outcome) => {
      onOutcome(files[done]!, outcome, (performance.now() - started) / 1000);
      done += 1;
      output = '';
      started = performance.now();
      limit.refresh();
    };
    for (const stream of [child.stdout!, child.stderr!]) {
      stream.on('data', (text: Buffer) => {
        output += text.toString();
      });
    }
    child.on('message', (message) => {
      const outcome = message as Outcome;
      const isEmpty = outcome.passed + outcome.failed + outcome.skipped.length === 0;
      report(isEmpty ? failure('declares no test: is test.run() missing?', output, outcome.cpuS) : outcome);
    });
    child.on('close', (code, signal) => {
      clearTimeout(limit);
      const why = timedOut ? `killed after ${timeoutMs} ms` : `ended early (${signal ?? `exit ${code}`})`;
      if (done < files.length) report(failure(why, output));
      resolve(done);
    });
  });
}

function failure(why: string, output: string, cpuS = 0): Outcome {
  return { passed: 0, failed: 1, skipped: [], errors: `${why}\n${output}`, cpuS };
}

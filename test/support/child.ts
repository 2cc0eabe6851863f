import '../../bin/v8Flags.mjs';
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import fc from 'fast-check';
import { cpuSeconds } from './cpuSeconds.ts';
import { skips } from './skip.ts';

/** What one test file came to; its process sends this to the runner, one after another where it runs several. */
export interface Outcome {
  passed: number;
  failed: number;
  /** Why each skipped test was skipped, one line each. */
  skipped: string[];
  errors: string;
  /** CPU time that the file took in its process and in those that it started and waited for, in seconds. */
  cpuS: number;
}

type SuiteResult = [errors: string | true, passed: number, skipped: number, total: number];

const uvu = globalThis as unknown as {
  UVU_DEFER: number;
  UVU_INDEX: number;
  UVU_QUEUE: (null | string | (() => Promise<SuiteResult>))[][];
};
// With UVU_DEFER uvu queues suites instead of starting them, and each resolves to exact counts.
uvu.UVU_DEFER = 1;
uvu.UVU_INDEX = 0;
uvu.UVU_QUEUE = [[]];

// A run is repeatable: other examples are asked for by FC_SEED, not by chance.
// FC_SHRINK=0 asks for whether a law holds, not for the smallest example that breaks it.
fc.configureGlobal({
  seed: Number(process.env.FC_SEED ?? 1),
  endOnFailure: process.env.FC_SHRINK === '0',
});

async function outcomeOf(file: string): Promise<Outcome> {
  const outcome: Outcome = { passed: 0, failed: 0, skipped: [], errors: '', cpuS: 0 };
  uvu.UVU_QUEUE[0] = [];
  const skippedBefore = skips().length;
  await import(pathToFileURL(resolve(file)).href);
  let skipCount = 0;
  for (const runSuite of uvu.UVU_QUEUE[0]) {
    if (typeof runSuite !== 'function') continue;
    const [errors, passed, skipped, total] = await runSuite();
    outcome.passed += passed;
    outcome.failed += total - passed;
    skipCount += skipped;
    if (errors !== true) outcome.errors += errors;
    else if (passed < total) outcome.errors += 'a before or after hook failed\n';
  }
  outcome.skipped.push(...skips().slice(skippedBefore));
  // Left over: test.skip without a reason, or tests beside a test.only.
  for (let left = skipCount - outcome.skipped.length; left > 0; left -= 1) {
    outcome.skipped.push('a test, no reason given: use skip(suite, name, why), and no test.only');
  }
  return outcome;
}

let failed = 0;
let cpuBeforeS = 0;
for (const file of process.argv.slice(2)) {
  const outcome = await outcomeOf(file);
  const cpuS = cpuSeconds();
  failed += outcome.failed;
  await new Promise((sent) => process.send!({ ...outcome, cpuS: cpuS - cpuBeforeS }, sent));
  cpuBeforeS = cpuS;
}
// Also if a file left a timer running.
process.exit(failed > 0 ? 1 : 0);

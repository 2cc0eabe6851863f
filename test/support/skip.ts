import type { Test } from 'uvu';

const reasons: string[] = [];

/** Skips a test and says why, in the runner's output; uvu's own `test.skip` keeps neither name nor reason. */
export function skip<Context>(suite: Test<Context>, name: string, why: string): void {
  suite.skip();
  reasons.push(`${name}: ${why}`);
}

/** The reasons given so far in this process, in order. */
export function skips(): readonly string[] {
  return reasons;
}

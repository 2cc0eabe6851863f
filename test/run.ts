import { fork } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { FULL_TIER } from './fullTier.ts';
import type { Outcome } from './support/child.ts';

/**
 * Runs every *.test.ts under test/ in a process of its own and closes with `N passed, N failed`. Without `--full`, those of the full
 * tier are named and left out. Another argument is a regular expression on the file's path, and runs whatever it matches;
 * TEST_TIMEOUT_MS is the time that one file may take.
 */
const TIMEOUT_MS = Number(process.env.TEST_TIMEOUT_MS ?? 1_800_000);
const CHILD = join(import.meta.dirname, 'support', 'child.ts');

const { full: isFull, patterns } = flagsOf(process.argv.slice(2));
const wanted = new RegExp(patterns[0] ?? '');
const found = readdirSync('test', { recursive: true, encoding: 'utf8' })
  .map((file) => join('test', file))
  .filter((file) => file.endsWith('.test.ts') && wanted.test(file))
  .sort();
const ofFullTier = FULL_TIER.filter(({ file }) => found.includes(file));
const leftOut = isFull || patterns.length > 0 ? [] : ofFullTier;
// The longest first, so that none of them is alone at the end.
const files = [
  ...ofFullTier.map(({ file }) => file),
  ...found.filter((file) => !ofFullTier.some((of) => of.file === file)),
].filter((file) => !leftOut.some((of) => of.file === file));

function flagsOf(args: readonly string[]): { full: boolean; patterns: string[] } {
  return { full: args.includes('--full'), patterns: args.filter((arg) => arg !== '--full') };
}

function runFile(file: string): Promise<Outcome> {
  return new Promise((resolve) => {
    const child = fork(CHILD, [file], { execArgv: ['--import', 'tsx'], silent: true });
    let output = '';
    let outcome: Outcome | undefined;
    let timedOut = false;
    const collect = (text: Buffer) => {
      output += text.toString();
    };
    child.stdout!.on('data', collect);
    child.stderr!.on('data', collect);
    child.on('message', (message) => {
      outcome = message as Outcome;
    });
    const timer = setTimeout(() => {
      timedOut = true;
      child.kill('SIGKILL');
    }, TIMEOUT_MS);
    child.on('close', (code, signal) => {
      clearTimeout(timer);
      if (outcome && outcome.passed + outcome.failed + outcome.skipped.length > 0) return resolve(outcome);
      let why = `ended early (${signal ?? `exit ${code}`})`;
      if (timedOut) why = `killed after ${TIMEOUT_MS} ms`;
      if (outcome) why = 'declares no test: is test.run() missing?';
      resolve({ passed: 0, failed: 1, skipped: [], errors: `${why}\n${output}` });
    });
  });
}

const total = { passed: 0, failed: 0, skipped: 0 };
const queue = [...files];

async function worker(): Promise<void> {
  for (let file = queue.shift(); file; file = queue.shift()) {
    const started = performance.now();
    const { passed, failed, skipped, errors } = await runFile(file);
    total.passed += passed;
    total.failed += failed;
    total.skipped += skipped.length;
    const seconds = ((performance.now() - started) / 1000).toFixed(1);
    console.log(`${failed > 0 ? 'FAIL' : 'ok  '} ${file} (${passed}/${passed + failed}, ${seconds} s)`);
    for (const why of skipped) console.log(`     skipped ${why}`);
    if (failed > 0) console.log(errors);
  }
}

await Promise.all(Array.from({ length: Math.min(availableParallelism(), files.length) }, worker));
for (const { file, why } of leftOut) console.log(`LEFT OUT: ${file}: ${why}`);
if (files.length === 0) console.log(`no test file matches ${wanted}`);
const skippedText = total.skipped > 0 ? `, ${total.skipped} skipped` : '';
console.log(`${total.passed} passed, ${total.failed} failed${skippedText}`);
process.exitCode = total.failed > 0 || total.passed === 0 ? 1 : 0;

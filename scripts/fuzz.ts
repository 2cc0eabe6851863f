import { fork } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Fuzzer, type Outcome } from '../test/fuzz/fuzz.ts';

/**
 * `npm run fuzz [inputs] [seed]`: gives damaged inputs of every format to what reads them, and ends with 1 where one of them
 * ends otherwise than with a result or with one line that names its place. Inputs run in a process that is watched: one
 * that takes longer than the limit is a failure, and the rest goes on in a fresh process.
 */
const LIMIT_MS = 60_000;

const [first, ...rest] = process.argv.slice(2);
if (first === '--child') await child(rest.map(Number) as [number, number, number]);
else await parent(Number(first ?? 3000), Number(rest[0] ?? 1));

async function child([seed, from, inputs]: [number, number, number]): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'chunkflow-fuzz-'));
  try {
    const fuzzer = await Fuzzer.in(folder, seed);
    for (let index = from; index < inputs; index += 1)
      process.send!({ index, outcome: await fuzzer.run(index) });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
  process.disconnect();
}

async function parent(inputs: number, seed: number): Promise<void> {
  const outcomes: (Outcome & { index: number; seconds: number })[] = [];
  for (let next = 0; next < inputs; ) {
    const add = (outcome: (typeof outcomes)[number]) => {
      outcomes.push(outcome);
      if (outcome.end === 'failed') showFailure(outcome, seed);
      if (outcomes.length % 250 === 0) console.error(`${outcomes.length} of ${inputs} inputs`);
    };
    const ended = await watched(seed, next, inputs, (index, outcome, seconds) => {
      add({ ...outcome, index, seconds });
      next = index + 1;
    });
    if (next === inputs) break;
    const folder = mkdtempSync(join(tmpdir(), 'chunkflow-fuzz-'));
    const { format, mutations } = (await Fuzzer.in(folder, seed)).describe(next);
    rmSync(folder, { recursive: true, force: true });
    add({ format, mutations, end: 'failed', why: ended, index: next, seconds: LIMIT_MS / 1000 });
    next += 1;
  }
  report(outcomes, seed);
}

function watched(
  seed: number,
  from: number,
  inputs: number,
  onOutcome: (index: number, outcome: Outcome, seconds: number) => void,
): Promise<string> {
  return new Promise((resolve) => {
    const process_ = fork(import.meta.filename, ['--child', ...[seed, from, inputs].map(String)], {
      execArgv: ['--import', 'tsx'],
    });
    let lastMs = performance.now();
    let why = 'the process ended early';
    const watch = () =>
      setTimeout(() => {
        why = `took longer than ${LIMIT_MS / 1000} s`;
        process_.kill('SIGKILL');
      }, LIMIT_MS);
    let timer = watch();
    process_.on('message', ({ index, outcome }: { index: number; outcome: Outcome }) => {
      clearTimeout(timer);
      timer = watch();
      onOutcome(index, outcome, (performance.now() - lastMs) / 1000);
      lastMs = performance.now();
    });
    process_.on('exit', () => {
      clearTimeout(timer);
      resolve(why);
    });
  });
}

function report(outcomes: readonly (Outcome & { index: number; seconds: number })[], seed: number): void {
  const formats = [...new Set(outcomes.map(({ format }) => format))];
  const row = (name: string, own: readonly (Outcome & { seconds: number })[]) => {
    const count = (end: Outcome['end']) =>
      String(own.filter((outcome) => outcome.end === end).length).padStart(9);
    const slowest = own.reduce((most, { seconds }) => Math.max(most, seconds), 0);
    return `${name.padEnd(20)}${count('accepted')}${count('refused')}${count('failed')}${slowest.toFixed(1).padStart(11)}`;
  };
  console.log(`seed ${seed}            accepted  refused   failed  slowest s`);
  for (const format of formats)
    console.log(
      row(
        format,
        outcomes.filter((outcome) => outcome.format === format),
      ),
    );
  console.log(row('all', outcomes));
  process.exitCode = outcomes.some(({ end }) => end === 'failed') ? 1 : 0;
}

function showFailure({ index, format, mutations, why }: Outcome & { index: number }, seed: number): void {
  console.log(`input ${index} of seed ${seed}: ${format}, ${mutations.join(', ')}\n${why}\n`);
}

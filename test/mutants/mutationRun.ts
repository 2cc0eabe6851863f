import { fork } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Outcome } from '../support/child.ts';
import { trackedFiles } from '../support/trackedFiles.ts';
import { mutatedText, type PlantedMutant } from './mutant.ts';

/** A mutated program may loop or fill the memory; both end its test file and count as noticed. */
const HEAP_MIB = 2048;
/** A test file that takes this much longer than unmutated, and a fixed time more, hangs. */
const HANGS_FACTOR = 6;
const HANGS_MS = 30_000;

export type Fate =
  /** A test failed, or its process ended or hung. */
  | { kind: 'killed'; by: string; why: 'failed' | 'ended early' | 'hung' }
  /** No related test noticed it. */
  | { kind: 'survived' }
  /** The row no longer matches its file. */
  | { kind: 'invalid'; message: string };

export interface MutantResult {
  mutant: PlantedMutant;
  fate: Fate;
  durationS: number;
}

export interface MutationRunOptions {
  /** The project's root, of which copies are made; nothing in it is changed. */
  root: string;
  /** Mutants that are run at a time, each in a copy of its own. */
  jobs: number;
  onProgress?: (text: string) => void;
  /** A test file may take no less than this before it counts as hung. */
  hangsMs?: number;
}

/**
 * Plants each mutant in a temporary copy of the project and runs its test files there, up to the first that fails.
 *
 * Every test file runs once without a mutant before, so that none counts as killed by a test that fails anyway.
 *
 * @throws Error where a test file fails without a mutant.
 */
export async function runMutants(
  mutants: readonly PlantedMutant[],
  { root, jobs, onProgress = () => undefined, hangsMs = HANGS_MS }: MutationRunOptions,
): Promise<MutantResult[]> {
  const folder = mkdtempSync(join(tmpdir(), 'chunkflow-mutants-'));
  const remove = () => rmSync(folder, { recursive: true, force: true });
  // Also after Ctrl-C, which the command turns into an exit.
  process.once('exit', remove);
  try {
    const copies = Array.from({ length: jobs }, (_, index) => copyOf(root, join(folder, String(index))));
    const allTests = [...new Set(mutants.flatMap(({ tests }) => tests))].sort();
    const usualMs = new Map<string, number>();
    await inParallel(copies, allTests, async (copy, test) => {
      const started = performance.now();
      const end = await runTest(copy, test, Number.POSITIVE_INFINITY);
      if (end.why !== null) throw new Error(`${test} fails without a mutant (${end.why})\n${end.output}`);
      usualMs.set(test, performance.now() - started);
      onProgress(`unmutated: ${test}`);
    });
    const results = new Map<PlantedMutant, MutantResult>();
    await inParallel(copies, mutants, async (copy, mutant) => {
      const started = performance.now();
      const fate = await fateOf(mutant, copy, (test) => HANGS_FACTOR * usualMs.get(test)! + hangsMs);
      const durationS = (performance.now() - started) / 1000;
      results.set(mutant, { mutant, fate, durationS });
      onProgress(
        `${results.size} of ${mutants.length}: ${fate.kind}, ${durationS.toFixed(1)} s: ${mutant.name}`,
      );
    });
    return mutants.map((mutant) => results.get(mutant)!);
  } finally {
    remove();
    process.removeListener('exit', remove);
  }
}

/** Files of the project, with their node_modules by a link. */
function copyOf(root: string, copy: string): string {
  for (const file of trackedFiles(root)) cpSync(join(root, file), join(copy, file));
  symlinkSync(join(root, 'node_modules'), join(copy, 'node_modules'), 'dir');
  return copy;
}

async function fateOf(mutant: PlantedMutant, copy: string, limitMs: (test: string) => number): Promise<Fate> {
  const file = join(copy, mutant.file);
  const text = readFileSync(file, 'utf8');
  let changed: string;
  try {
    changed = mutatedText(text, mutant);
  } catch (error) {
    return { kind: 'invalid', message: (error as Error).message };
  }
  writeFileSync(file, changed);
  try {
    for (const test of mutant.tests) {
      const { why } = await runTest(copy, test, limitMs(test));
      if (why !== null) return { kind: 'killed', by: test, why };
    }
    return { kind: 'survived' };
  } finally {
    writeFileSync(file, text);
  }
}

interface TestEnd {
  /** Null where all tests passed. */
  why: 'failed' | 'ended early' | 'hung' | null;
  output: string;
}

/** Runs one test file in a process of its own, as the project's runner does. */
function runTest(copy: string, test: string, limitMs: number): Promise<TestEnd> {
  return new Promise((resolve) => {
    const child = fork(join(copy, 'test', 'support', 'child.ts'), [test], {
      cwd: copy,
      env: { ...process.env, FC_SHRINK: '0' },
      execArgv: ['--import', 'tsx', `--max-old-space-size=${HEAP_MIB}`],
      silent: true,
    });
    let output = '';
    let outcome: Outcome | undefined;
    let hung = false;
    const collect = (text: Buffer) => {
      output = `${output}${text.toString()}`.slice(-4000);
    };
    child.stdout!.on('data', collect);
    child.stderr!.on('data', collect);
    child.on('message', (message) => {
      outcome = message as Outcome;
    });
    const timer = Number.isFinite(limitMs)
      ? setTimeout(() => {
          hung = true;
          child.kill('SIGKILL');
        }, limitMs)
      : undefined;
    child.on('close', () => {
      clearTimeout(timer);
      if (hung) return resolve({ why: 'hung', output });
      if (outcome === undefined || outcome.passed + outcome.failed === 0)
        return resolve({ why: 'ended early', output });
      resolve({ why: outcome.failed > 0 ? 'failed' : null, output: outcome.errors });
    });
  });
}

/** Works through a list, one item at a time in each place. */
async function inParallel<Place, Item>(
  places: readonly Place[],
  items: readonly Item[],
  work: (place: Place, item: Item) => Promise<void>,
): Promise<void> {
  const queue = [...items];
  await Promise.all(
    places.map(async (place) => {
      for (let item = queue.shift(); item !== undefined; item = queue.shift()) await work(place, item);
    }),
  );
}

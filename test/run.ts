import { readdirSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { FULL_TIER } from './fullTier.ts';
import { compilerCache, removeUnusedObjects } from './support/compilers.ts';
import { printCpu } from './support/cpuSeconds.ts';
import { runInOneProcess } from './support/testProcess.ts';

/**
 * Runs every *.test.ts under test/ and closes with `N passed, N failed`: those of the full tier each in a process of its own, of the
 * others many in one, since starting and compiling the sources costs more than most of them. Without `--full`, those of the full tier
 * are named and left out. Another argument is a regular expression on the file's path, and runs whatever it matches; TEST_TIMEOUT_MS
 * is the time that one file may take.
 */
const TIMEOUT_MS = Number(process.env.TEST_TIMEOUT_MS ?? 1_800_000);
/** Files of one process: at most this part of those that are left, within these limits. */
const SHARE = 1 / 4;
const FEWEST = 4;
const MOST = 24;

const { full: isFull, patterns } = flagsOf(process.argv.slice(2));
const wanted = new RegExp(patterns[0] ?? '');
const found = readdirSync('test', { recursive: true, encoding: 'utf8' })
  .map((file) => join('test', file))
  .filter((file) => file.endsWith('.test.ts') && wanted.test(file))
  .sort();
const ofFullTier = FULL_TIER.filter(({ file }) => found.includes(file));
const leftOut = isFull || patterns.length > 0 ? [] : ofFullTier;
// The longest first, so that none of them is alone at the end.
const alone = ofFullTier.filter((of) => !leftOut.includes(of)).map(({ file }) => [file]);
const queue = [...alone, ...groups(found.filter((file) => !ofFullTier.some((of) => of.file === file)))];

function flagsOf(args: readonly string[]): { full: boolean; patterns: string[] } {
  return { full: args.includes('--full'), patterns: args.filter((arg) => arg !== '--full') };
}

/**
 * Files that are neighbours in the list, and so share most of their modules: the same ones in every run. Many in each of the first
 * processes, few in the last ones, so that none of those is alone for long.
 */
function groups(files: readonly string[]): string[][] {
  const made: string[][] = [];
  for (let rest = files; rest.length > 0; rest = rest.slice(made.at(-1)!.length)) {
    made.push(rest.slice(0, Math.min(MOST, Math.max(FEWEST, Math.ceil(SHARE * rest.length)))));
  }
  return made;
}

const cache = compilerCache();
if (cache.CHUNKFLOW_KEPT_OBJECTS !== undefined) removeUnusedObjects(cache.CHUNKFLOW_KEPT_OBJECTS);

const total = { passed: 0, failed: 0, skipped: 0 };
const costs: { file: string; cpuS: number }[] = [];

async function worker(): Promise<void> {
  for (let files = queue.shift(); files; files = queue.shift()) {
    await runInOneProcess(files, {
      timeoutMs: TIMEOUT_MS,
      env: { ...process.env, ...cache },
      onOutcome: (file, { passed, failed, skipped, errors, cpuS }, wallS) => {
        total.passed += passed;
        total.failed += failed;
        total.skipped += skipped.length;
        costs.push({ file, cpuS });
        const times = `${wallS.toFixed(1)} s, CPU ${cpuS.toFixed(1)} s`;
        console.log(`${failed > 0 ? 'FAIL' : 'ok  '} ${file} (${passed}/${passed + failed}, ${times})`);
        for (const why of skipped) console.log(`     skipped ${why}`);
        if (failed > 0) console.log(errors);
      },
    });
  }
}

await Promise.all(Array.from({ length: Math.min(availableParallelism(), queue.length) }, worker));
for (const { file, why } of leftOut) console.log(`LEFT OUT: ${file}: ${why}`);
if (found.length === 0) console.log(`no test file matches ${wanted}`);
printCpu(costs);
const skippedText = total.skipped > 0 ? `, ${total.skipped} skipped` : '';
console.log(`${total.passed} passed, ${total.failed} failed${skippedText}`);
process.exitCode = total.failed > 0 || total.passed === 0 ? 1 : 0;

/**
 * Mutation tests of the core: plants each fault of test/mutants in a copy of the project and counts those that no related
 * test notices. Prints survivors by name; exits 1 where more than 5 % survive, one survives without a reason, or a row no
 * longer matches its file.
 *
 *   npm run mutants -- [--only REGEX] [--sample N [--seed N]] [--jobs N]
 *
 * Why not Stryker: it makes every change that it can, about 6,200 in these files, each of which runs test files for
 * seconds; and no runner of its own knows uvu, without which it cannot tell which tests reach a change.
 */
import { parseArgs } from 'node:util';
import { packageRoot } from '../model/input/packageFiles.ts';
import { randomNumbers } from '../model/leastSquares/multiStart.ts';
import { type PlantedMutant, planted } from '../test/mutants/mutant.ts';
import { runMutants } from '../test/mutants/mutationRun.ts';
import { mutationReport } from '../test/mutants/report.ts';
import { MUTANTS } from '../test/mutants/table.ts';

process.on('SIGINT', () => process.exit(130));
process.on('SIGTERM', () => process.exit(143));

const { values } = parseArgs({
  options: {
    only: { type: 'string', default: '' },
    sample: { type: 'string' },
    seed: { type: 'string', default: '1' },
    jobs: { type: 'string', default: '2' },
  },
});

/** Some of the mutants, by chance that the seed decides, in the order of the table. */
function sampled(mutants: readonly PlantedMutant[], count: number, seed: number): PlantedMutant[] {
  const random = randomNumbers(seed);
  const drawn = mutants.map((mutant) => ({ mutant, draw: random() })).sort((a, b) => a.draw - b.draw);
  const kept = new Set(drawn.slice(0, count).map(({ mutant }) => mutant));
  return mutants.filter((mutant) => kept.has(mutant));
}

function wholeNumber(flag: string, text: string, least: number): number {
  const number = Number(text);
  if (Number.isInteger(number) && number >= least) return number;
  process.stderr.write(`--${flag}: expected a whole number of at least ${least}, got "${text}"\n`);
  process.exit(2);
}

const matching = planted(MUTANTS).filter(({ name }) => new RegExp(values.only).test(name));
const seed = wholeNumber('seed', values.seed, 0);
const chosen =
  values.sample === undefined ? matching : sampled(matching, wholeNumber('sample', values.sample, 1), seed);
if (chosen.length === 0) {
  process.stderr.write(`--only "${values.only}": no mutant's name matches; names are FILE: WHAT IT BREAKS\n`);
  process.exit(2);
}
const started = performance.now();
const results = await runMutants(chosen, {
  root: packageRoot,
  jobs: wholeNumber('jobs', values.jobs, 1),
  onProgress: (text) => process.stderr.write(`${text}\n`),
});
const report = mutationReport(results);
const seconds = Math.round((performance.now() - started) / 1000);
process.stdout.write(`${report.lines.join('\n')}\n${report.summary}, ${seconds} s\n`);
process.exitCode = report.ok ? 0 : 1;

// Choices over what is not known of a machine against nominal ones: among plans that were measured, and against the optima of
// machines that a file may stand for. Quoted by docs/choices.md. `npx tsx bench/robustChoices.ts`, about ten minutes of CPU.
import { join } from 'node:path';
import { formatTable } from '../cli/text/table.ts';
import { packageRoot } from '../model/input/packageFiles.ts';
import { moved } from '../model/physics/variants/moved.ts';
import { loadSystem } from '../model/system/load.ts';
import { unknownsOf } from '../model/system/unknowns.ts';
import { readSteps } from '../studies/dataset/stepRecords.ts';
import {
  type Belief,
  type ChoicesCompared,
  compareChoices,
  robustChoices,
} from '../studies/regret/robustChoices.ts';
import { WORST_MACHINES, type WorstScenarios, worstScenarios } from './worstScenarios.ts';

const DATASETS = [
  'h100-choices/first',
  'h100-choices/again',
  'h100-headlines/first',
  'h100-headlines/again',
  'h200-steps/mirrored',
  'h200-steps/none-again',
];
/** Ranks that load at once in all of them. */
const RANKS = 2;

/** The machine that was fitted, the same before that, and machines that are off along one direction by more than they know of. */
function beliefs(): Belief[] {
  const fitted = loadSystem('h200-x1-fitted');
  const unfitted = loadSystem('h200-x1');
  // The widths of numbers that are defaults.
  const off = unknownsOf(loadSystem('h100-sxm-x1')).flatMap(({ direction, interval }) =>
    interval.map((factor) => ({
      name: `fitted, ${direction} x ${factor.toFixed(2)}`,
      system: moved(fitted, direction, factor, RANKS),
    })),
  );
  return [
    { name: 'fitted (h200-x1-fitted)', system: fitted },
    { name: 'by hand (h200-x1)', system: unfitted },
    ...off,
  ];
}

const files = DATASETS.map((dataset) => join(packageRoot, 'experiments', `${dataset}.jsonl`));
const runs = readSteps(files).filter(({ mode }) => mode === 'eager');
const choices = await robustChoices(runs, beliefs(), (cell) => process.stderr.write(`${cell}\n`));
const names = [...new Set(choices.map(({ belief }) => belief))];
const rows = [
  ...names.map((name) =>
    compareChoices(
      name,
      choices.filter(({ belief }) => belief === name),
    ),
  ),
  compareChoices('together', choices),
];
const percent = (share: number) => 100 * share;
process.stdout.write(
  formatTable<ChoicesCompared>(
    [
      { header: 'chosen by', value: ({ belief }) => belief },
      { header: 'questions', value: ({ questions }) => questions },
      { header: 'nominal mean %', value: ({ nominalMean }) => percent(nominalMean), digits: 2 },
      { header: 'robust mean %', value: ({ robustMean }) => percent(robustMean), digits: 2 },
      { header: 'nominal largest %', value: ({ nominalLargest }) => percent(nominalLargest), digits: 1 },
      { header: 'robust largest %', value: ({ robustLargest }) => percent(robustLargest), digits: 1 },
      { header: 'other plans', value: ({ changed }) => changed },
      { header: 'better', value: ({ better }) => better },
      { header: 'worse', value: ({ worse }) => worse },
      { header: 'cost %', value: ({ meanCost }) => percent(meanCost), digits: 3 },
    ],
    rows,
  ),
);

const worst: WorstScenarios[] = [];
for (const machine of WORST_MACHINES) {
  process.stderr.write(`${machine}\n`);
  worst.push(await worstScenarios(machine));
}
process.stdout.write(
  `\nlargest regret over what is not known, against each scenario's own optimum\n${formatTable<WorstScenarios>(
    [
      { header: 'machine', value: ({ machine }) => machine },
      { header: 'cases', value: ({ cases }) => cases },
      { header: 'other plans', value: ({ changed }) => changed },
      { header: 'nominal mean %', value: (row) => percent(row.nominalMean), digits: 1 },
      { header: 'largest %', value: (row) => percent(row.nominalLargest), digits: 1 },
      { header: 'robust mean %', value: (row) => percent(row.robustMean), digits: 1 },
      { header: 'largest %', value: (row) => percent(row.robustLargest), digits: 1 },
      { header: 'cost %', value: ({ meanCost }) => percent(meanCost), digits: 2 },
    ],
    worst,
  )}`,
);

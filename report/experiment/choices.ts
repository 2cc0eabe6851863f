import { GiB } from '../../model/input/byteUnits.ts';
import type { System } from '../../model/system/system.ts';
import { depthText } from '../../studies/dataset/programDepth.ts';
import { readSteps } from '../../studies/dataset/stepRecords.ts';
import type { Finding } from '../../studies/finding.ts';
import { readExperiment } from '../../studies/grid/experimentFile.ts';
import { fixedText, percentText } from '../../studies/numberText.ts';
import { measuredFront } from '../../studies/plots/measuredFront.ts';
import { cellFront } from '../../studies/regret/cellFront.ts';
import { regretFinding } from '../../studies/regret/finding.ts';
import { type RegretReport, regretReport } from '../../studies/regret/report.ts';
import { commandText } from '../parts/commandText.ts';
import { type Column, percentColumn, tablePart } from '../parts/table.ts';
import type { KeyFigure, Part, Section } from '../report.ts';
import type { ExperimentInput } from './input.ts';

/** How good an experiment's choices are, as it measured. */
export interface ChoicesOfReport {
  finding: Finding;
  figures: KeyFigure[];
  section: Section;
}

type Regret = RegretReport['regrets'][number];

/** A choice and the fastest plan within its cap. */
export const REGRET_COLUMNS: readonly Column<Regret>[] = [
  { header: 'cell', value: ({ cell }) => cell },
  { header: 'depth', value: ({ depth }) => depthText(depth) },
  { header: 'launch', value: ({ mode }) => mode },
  { header: 'cap GiB', value: ({ capBytes }) => capBytes / GiB, digits: 2 },
  { header: 'over', value: ({ transport }) => transport ?? 'any' },
  { header: 'choice', value: ({ choice }) => choice.plan },
  { header: 'GiB', value: ({ choice }) => choice.gpuBytes / GiB, digits: 2 },
  { header: 'step ms', value: ({ choice }) => choice.stepS * 1e3, digits: 2 },
  { header: 'best', value: ({ best, choice }) => (best === choice ? 'the choice' : best.plan) },
  { header: 'best ms', value: ({ best }) => best.stepS * 1e3, digits: 2 },
  percentColumn('regret %', ({ regret }) => regret, 2),
  percentColumn('noise %', ({ noise }) => noise, 2),
  { header: 'competitors', value: ({ competitors }) => competitors },
  { header: 'slower than', value: ({ slowerThan }) => slowerThan.join(' ') || null },
];

/** The choices of an experiment's cells against the best that was measured within their caps. */
export function choicesSection(
  { files, machine: named }: ExperimentInput,
  { file, modes }: NonNullable<ExperimentInput['choices']>,
  machine: System | null,
): ChoicesOfReport {
  const experiment = readExperiment(file);
  const runs = readSteps(files);
  const regrets = regretReport(experiment, runs, modes, machine);
  const words = [file, ...files, ...(named === null ? [] : ['--machine', named])];
  const command = commandText(['regret', ...words, '--mode', modes.length > 1 ? 'both' : modes[0]!]);
  const cells = regrets.curves.map(({ cell, mode }) => ({ cell, mode }));
  const fronts = cells.map(({ cell, mode }, index): Part => {
    const found = cellFront(experiment, runs, { cell, mode, machine });
    const { device, place, depth } = found.where;
    const subtitle = [
      `${depthText(depth)}, measured on ${device}, ${place}, ${mode} (median and range of the rounds), predicted for ${found.machine}`,
    ];
    return {
      ...{
        kind: 'chart',
        id: `front-${index + 1}`,
        chart: measuredFront(found.front, { title: cell, subtitle }),
      },
      says: frontText(found.front),
      command: commandText(['plot', 'front', ...words, '--cell', cell, '--mode', mode, '--out', 'front.svg']),
    };
  });
  return {
    finding: regretFinding(regrets),
    figures:
      regrets.mean === null
        ? []
        : [
            {
              label: 'Mean regret',
              value: percentText(regrets.mean, 2),
              note: `${regrets.compared} choices`,
            },
          ],
    section: {
      id: 'choices',
      title: 'Choices against the best that was measured',
      short: 'Choices',
      parts: [
        tablePart(
          'regret',
          `Choices of ${experiment.name} and the fastest plan within the cap of each`,
          REGRET_COLUMNS,
          regrets.regrets,
          { command },
        ),
        ...fronts,
        ...remarks(regrets),
      ],
    },
  };
}

function remarks({ problems, notes }: RegretReport): Part[] {
  const all = [...problems, ...notes];
  return all.length === 0 ? [] : [{ kind: 'notes', notes: all }];
}

function frontText({ choices, others }: ReturnType<typeof cellFront>['front']): string {
  const fastest = [...choices, ...others].reduce((best, dot) => (dot.stepS < best.stepS ? dot : best));
  const chosen = choices.map(
    ({ plan, gpuBytes, stepS }) =>
      `${plan} takes ${fixedText(stepS * 1e3, 1)} ms in ${fixedText(gpuBytes / GiB, 2)} GiB`,
  );
  return (
    `Step time against GPU memory of ${choices.length} chosen and ${others.length} other measured plans. ` +
    `${chosen.join('; ')}. The fastest of all is ${fastest.plan}, ${fixedText(fastest.stepS * 1e3, 1)} ms in ${fixedText(fastest.gpuBytes / GiB, 2)} GiB.`
  );
}

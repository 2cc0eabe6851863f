import { toolVersion } from '../../codegen/toolVersion.ts';
import { loadSystem } from '../../model/system/load.ts';
import type { System } from '../../model/system/system.ts';
import { DatasetReader } from '../../studies/dataset/stepRecords.ts';
import { type ComparedStep, compareSteps } from '../../studies/heldOut/compareSteps.ts';
import { ErrorsByNode } from '../../studies/heldOut/errorsByNode.ts';
import { type HeldOutReport, heldOutReport } from '../../studies/heldOut/report.ts';
import { countText } from '../../studies/numberText.ts';
import { stepRow } from '../../studies/plots/predictedVsMeasured.ts';
import { commandText } from '../parts/commandText.ts';
import { filesTable, NotedSteps } from '../parts/environment.ts';
import { classTables, nodeParts, orderTable, quantityTable } from '../parts/errorTables.ts';
import { machineSection } from '../parts/machine.ts';
import { distributionPart, scatterPart } from '../parts/stepCharts.ts';
import { stepVerdict } from '../parts/stepVerdict.ts';
import type { Report, Section } from '../report.ts';
import { choicesSection } from './choices.ts';
import { commandsSection } from './commands.ts';
import { type ExperimentInput, stepWords } from './input.ts';
import { noisiestTable, partsTable, stepsTable, worstTable } from './stepTables.ts';

const WORST = 10;

/**
 * Measured steps beside their predictions: how far off these are, by what they are used for; charts, tables, choices against the best
 * that was measured, noise, machine, environment and commands.
 *
 * @param onStep called behind each step.
 * @throws UserError as `compareSteps`, and as `regretReport` where there are choices.
 */
export function experimentReport(input: ExperimentInput, onStep: () => void = () => undefined): Report {
  const machine = input.machine === null ? null : loadSystem(input.machine);
  const noted = new NotedSteps(new DatasetReader(input.files), onStep);
  const byNode = new ErrorsByNode();
  const steps = compareSteps(noted, machine, (step, run) => byNode.add(step, run));
  const errors = heldOutReport(steps, WORST);
  const { device } = steps[0]!.run;
  const words = ['validate', ...stepWords(input), '--worst'];
  const validate = commandText([...words, String(errors.worst.length)]);
  const everyStep = commandText([...words, String(steps.length), '--json']);
  const charted = {
    ...{ rows: steps.map(stepRow), errors, words: stepWords(input) },
    what: `programs of ${errors.depth}`,
  };
  const choices = input.choices === null ? null : choicesSection(input, input.choices, machine);
  return {
    title: `${countText(steps.length, 'measured step')} on ${device.name}, predicted`,
    subtitle: `programs of ${errors.depth}; predicted from ${machineText(input, steps)}`,
    verdict: stepVerdict(errors, errors.depth, {
      findings: choices === null ? [] : [choices.finding],
      figures: choices?.figures ?? [],
    }),
    sections: [
      {
        id: 'predictions',
        title: 'Predicted and measured',
        parts: [
          scatterPart(charted, 'Simulated step times over measured ones', 'predicted-vs-measured'),
          distributionPart(charted, 'How the errors are distributed', 'error-distribution'),
        ],
      },
      {
        id: 'errors',
        title: 'Errors',
        parts: [
          ...classTables(errors, { prefix: 'errors', command: validate }),
          ...nodeParts(byNode.report(), `${validate} --by node`),
          ...quantityTable('quantities', quantitiesOf(errors), validate),
          ...partsTable(errors, validate),
          worstTable(errors, validate),
          orderTable('order', errors.orders, `${validate} --json`),
        ],
      },
      ...(choices === null ? [] : [choices.section]),
      { id: 'noise', title: 'Noise', parts: noisiestTable(steps, errors, everyStep) },
      { id: 'steps', title: 'Every step', parts: [stepsTable(steps, everyStep)] },
      machineSection(machinesOf(input, steps, machine)),
      environmentSection(input, noted),
      commandsSection(input),
    ],
    version: toolVersion(),
  };
}

function machineText({ machine }: ExperimentInput, steps: readonly ComparedStep[]): string {
  if (machine !== null) return machine;
  return `the machines that their plans were made for: ${ownMachines(steps).join(', ')}`;
}

function ownMachines(steps: readonly ComparedStep[]): string[] {
  return [...new Set(steps.map(({ run }) => run.cell.machine))];
}

function machinesOf(
  { machine: named }: ExperimentInput,
  steps: readonly ComparedStep[],
  machine: System | null,
) {
  if (machine !== null) return [{ system: machine, named }];
  return ownMachines(steps).map((name) => ({ system: loadSystem(name), named: name }));
}

function quantitiesOf({ memory, clock, energy }: HeldOutReport) {
  return [
    { what: 'GPU memory, claimed against the device', errors: memory },
    { what: 'clock', errors: clock },
    { what: 'energy of a step', errors: energy },
  ];
}

function environmentSection({ files, choices }: ExperimentInput, noted: NotedSteps): Section {
  const read = [...files, ...(choices === null ? [] : [choices.file])];
  return {
    id: 'environment',
    title: 'Environment',
    parts: [
      { kind: 'facts', facts: [...noted.facts(), ['this report', toolVersion()]] },
      filesTable(read, 'Read for this report'),
    ],
  };
}

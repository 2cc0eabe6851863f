import { toolVersion } from '../../codegen/toolVersion.ts';
import { loadSystem } from '../../model/system/load.ts';
import type { System } from '../../model/system/system.ts';
import { DatasetReader } from '../../studies/dataset/stepRecords.ts';
import { type ComparedStep, compareSteps } from '../../studies/heldOut/compareSteps.ts';
import { heldOutFindings, noiseFinding } from '../../studies/heldOut/findings.ts';
import { orderSummary } from '../../studies/heldOut/planOrder.ts';
import { type HeldOutReport, heldOutReport } from '../../studies/heldOut/report.ts';
import { countText, fixedText, percentText } from '../../studies/numberText.ts';
import { commandText } from '../parts/commandText.ts';
import { filesTable, NotedSteps } from '../parts/environment.ts';
import { classTables, orderTable, quantityTable } from '../parts/errorTables.ts';
import { machineSection } from '../parts/machine.ts';
import { verdictOf } from '../parts/verdict.ts';
import type { KeyFigure, Report, Section, Verdict } from '../report.ts';
import { type ChoicesOfReport, choicesSection } from './choices.ts';
import { commandsSection } from './commands.ts';
import { type ExperimentInput, stepWords } from './input.ts';
import { stepCharts } from './stepCharts.ts';
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
  const steps = compareSteps(noted, machine);
  const errors = heldOutReport(steps, WORST);
  const { device } = steps[0]!.run;
  const words = ['validate', ...stepWords(input), '--worst'];
  const validate = commandText([...words, String(errors.worst.length)]);
  const everyStep = commandText([...words, String(steps.length), '--json']);
  const choices = input.choices === null ? null : choicesSection(input, input.choices, machine);
  return {
    title: `${countText(steps.length, 'measured step')} on ${device.name}, predicted`,
    subtitle: `programs of ${errors.depth}; predicted from ${machineText(input, steps)}`,
    verdict: experimentVerdict(steps.length, errors, choices),
    sections: [
      { id: 'predictions', title: 'Predicted and measured', parts: stepCharts(steps, errors, input) },
      {
        id: 'errors',
        title: 'Errors',
        parts: [
          ...classTables(errors, { prefix: 'errors', command: validate }),
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

function experimentVerdict(count: number, errors: HeldOutReport, choices: ChoicesOfReport | null): Verdict {
  const { all, orders } = errors;
  const tau = orderSummary(orders).kendallTau;
  const figures: KeyFigure[] = [
    { label: 'Steps', value: fixedText(count, 0), note: errors.depth },
    {
      label: 'MAPE',
      value: percentText(all.simulated.mape),
      note: `closed form ${percentText(all.closedForm.mape)}`,
    },
    {
      label: '95 of 100 within',
      value: percentText(all.simulated.p95),
      note: `farthest ${percentText(all.simulated.largest)}`,
    },
    ...(tau === null
      ? []
      : [
          { label: "Kendall's tau", value: fixedText(tau.mean, 2), note: `least ${fixedText(tau.least, 2)}` },
        ]),
    ...(all.covered === null
      ? []
      : [{ label: 'Inside the interval', value: percentText(all.covered), note: 'of 95 % claimed' }]),
    ...(all.noise === null
      ? []
      : [{ label: 'Noise floor', value: percentText(all.noise), note: 'of the measurements' }]),
    ...(choices === null ? [] : choices.figures),
  ];
  const what = countText(count, 'step');
  return verdictOf(
    {
      findings: [...heldOutFindings(errors), ...(choices === null ? [] : [choices.finding])],
      beside: [noiseFinding(all)],
    },
    (standing, weak) =>
      ({
        holds: `These ${what} are predicted: 95 of 100 within ${percentText(all.simulated.p95)}${tau === null ? '' : `, and their plans in the order in which they measure (Kendall's tau ${fixedText(tau.mean, 2)})`}.`,
        'in part': `These ${what} are predicted in part; weak: ${weak}.`,
        fails: `These ${what} are not predicted well enough; weak: ${weak}.`,
        'not shown': `These ${what} show nothing.`,
      })[standing],
    figures,
  );
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

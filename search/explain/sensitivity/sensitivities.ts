import { closedForm } from '../../../model/analytic/closedForm.ts';
import { clockOf } from '../../../model/analytic/stepReport.ts';
import { rowsAt } from '../../../model/dit/tokens.ts';
import type { Plan } from '../../../model/plan/plan.ts';
import type { System } from '../../../model/system/system.ts';
import { bindRows } from '../../../model/workload/bind.ts';
import type { BoundWorkload, Workload } from '../../../model/workload/workload.ts';
import { type ClockResponse, clockResponse } from './clockResponse.ts';
import { derivativeOf } from './derivative.ts';
import { type MachineParameter, machineParameters, type ParameterUnit } from './parameters.ts';
import { type Secant, secantOf } from './secant.ts';
import { type ExpressedStep, expressStep } from './stepExpression.ts';

/** How a step answers to one parameter. */
export interface Slope {
  /** In the unit of the sensitivity. */
  dStep: number;
  /** Seconds of step per SI unit of the parameter. */
  dStepSI: number;
  /** Per cent of the step for one per cent of the parameter. */
  elasticity: number;
}

/** The derivative of a plan's step in one parameter, all others as they are. */
export interface Sensitivity extends Slope {
  parameter: string;
  /** With its unit. */
  value: string;
  /** Of `dStep`: `ms per GB/s`. */
  unit: string;
  /** A derivative of the step's expression, or the slope between two steps nearby. */
  how: 'symbolic' | 'numeric';
  /** Why there is no symbolic one; null where there is. */
  why: string | null;
  /** The derivative, SI units, mathjs syntax: `a = ...; b = ...; sum`. Null where there is none. */
  expression: string | null;
  /** With the clock that the power cap then allows; null where no cap holds the clock. What stands beside it is at a fixed clock. */
  withClock: Slope | null;
}

/** What the expression's derivative may differ from the slope to both sides by: a share of it, and of the whole step. */
const AGREES = { share: 1e-3, ofStep: 1e-6 };
/** Shares of a parameter to each side of it. */
const NEARBY = 1e-5;
const TOKENS_NEARBY = 0.1;
const CHUNK_NEARBY = 0.5;

const WATT: ParameterUnit = { name: 'W', si: 1 };
const THOUSAND_TOKENS: ParameterUnit = { name: 'thousand tokens', si: 1000 };
const MEBIBYTE: ParameterUnit = { name: 'MiB', si: 2 ** 20 };

/**
 * The sensitivities of a plan's step time in the closed form, at the clock at which it runs and with that clock's answer.
 *
 * The step is an expression of the machine's numbers in the regime in which the plan runs, and its derivative is mathjs's.
 * Each is held against steps a hair to both sides; where they disagree (a kink, at which the plan changes its regime, or a limit
 * that the expression does not know) or there is no expression, the slope between those steps is the answer and `why` says so.
 * Attention comes in whole waves and copies in whole chunks, so the slopes in tokens and chunk size are over 10 % and 50 % to
 * each side, with the plan's data as they are.
 *
 * Chunk size is left out for plans of whole blocks, the power cap where it holds no clock, and tokens for a profile.
 */
export function sensitivities(workload: Workload, system: System, plan: Plan): Sensitivity[] {
  const clock = clockOf(workload, system, plan);
  const step = expressStep(workload, system, plan, clock);
  const response = clockResponse(workload, system, plan, clock);
  return [
    ...machineParameters(workload, system, plan).map((parameter) =>
      machineSensitivity(parameter, { workload, plan, clock, step, response }),
    ),
    ...capSensitivity(system, step.stepTimeS, response),
    ...(workload.from === 'profile'
      ? []
      : [tokensSensitivity(workload, system, plan, clock, step.stepTimeS, response)]),
    ...chunkSensitivity(workload, system, plan, clock, step.stepTimeS, response),
  ];
}

interface Point {
  workload: Workload;
  plan: Plan;
  clock: number;
  step: ExpressedStep;
  response: ClockResponse | null;
}

function machineSensitivity(
  parameter: MachineParameter,
  { workload, plan, clock, step, response }: Point,
): Sensitivity {
  const { name, quantity, value, unit } = parameter;
  const { stepTimeS, expression } = step;
  const secant = secantOf(
    (factor) => closedForm(workload, parameter.times(factor), plan, clock).stepTimeS,
    NEARBY,
  );
  const numeric = secant.slope / value;
  const symbolic = expression === null ? null : derivativeOf(expression, quantity);
  const why = symbolic === null ? step.obstacle : disagreement(symbolic.value * value, secant, stepTimeS);
  const answer = symbolic !== null && why === null ? symbolic : { value: numeric, text: null };
  return {
    ...named(name, value, unit),
    ...slopeOf(answer.value, value, unit, stepTimeS),
    how: answer.text === null ? 'numeric' : 'symbolic',
    why,
    expression: answer.text,
    withClock: response && slopeOf(answer.value * response.onSlope, value, unit, stepTimeS),
  };
}

function disagreement(perWhole: number, { slope, below, above }: Secant, stepTimeS: number): string | null {
  const slack = (of: number) => AGREES.share * Math.abs(of) + AGREES.ofStep * stepTimeS;
  if (Math.abs(above - below) > slack(slope))
    return `at a kink: ${percent(below, stepTimeS)} below it and ${percent(above, stepTimeS)} above, per % of the parameter`;
  if (Math.abs(perWhole - slope) > slack(slope))
    return `the expression says ${percent(perWhole, stepTimeS)}, steps nearby ${percent(slope, stepTimeS)}, per % of the parameter`;
  return null;
}

function percent(perWhole: number, stepTimeS: number): string {
  return `${(perWhole / stepTimeS).toPrecision(3)} %`;
}

/** At a fixed clock a cap changes nothing. */
function capSensitivity(system: System, stepTimeS: number, response: ClockResponse | null): Sensitivity[] {
  const { power } = system.gpu;
  if (power === null || response === null) return [];
  return [
    {
      ...named('power cap', power.capW, WATT),
      ...slopeOf(0, power.capW, WATT, stepTimeS),
      ...{ how: 'numeric', expression: null },
      why: 'through the clock alone, by implicit differentiation of its fixed point',
      withClock: slopeOf(response.perCapWatt, power.capW, WATT, stepTimeS),
    },
  ];
}

function tokensSensitivity(
  workload: BoundWorkload,
  system: System,
  plan: Plan,
  clock: number,
  stepTimeS: number,
  response: ClockResponse | null,
): Sensitivity {
  const { model, size, batch, tokens, textRows, layout, compute } = workload;
  const at = (factor: number) =>
    bindRows(
      model,
      { ...rowsAt(model, tokens * factor, size.frames), t: textRows },
      { size, batch, ...layout, compute },
    );
  const perToken = (timeAt: (factor: number) => number) => secantOf(timeAt, TOKENS_NEARBY).slope / tokens;
  const fixed = perToken((factor) => closedForm(at(factor), system, plan, clock).stepTimeS);
  const settled = (factor: number) =>
    closedForm(at(factor), system, plan, clockOf(at(factor), system, plan)).stepTimeS;
  return {
    ...named('tokens', tokens, THOUSAND_TOKENS),
    ...slopeOf(fixed, tokens, THOUSAND_TOKENS, stepTimeS),
    ...{ how: 'numeric', expression: null },
    why: 'attention comes in whole waves: the slope from 10 % fewer tokens to 10 % more',
    withClock: response && slopeOf(perToken(settled), tokens, THOUSAND_TOKENS, stepTimeS),
  };
}

function chunkSensitivity(
  workload: Workload,
  system: System,
  plan: Plan,
  clock: number,
  stepTimeS: number,
  response: ClockResponse | null,
): Sensitivity[] {
  const { chunkBytes } = plan;
  if (plan.slots === 0 || !Number.isFinite(chunkBytes)) return [];
  const { slope } = secantOf(
    (factor) => closedForm(workload, system, { ...plan, chunkBytes: chunkBytes * factor }, clock).stepTimeS,
    CHUNK_NEARBY,
  );
  const perByte = slope / chunkBytes;
  return [
    {
      ...named('chunk size', chunkBytes, MEBIBYTE),
      ...slopeOf(perByte, chunkBytes, MEBIBYTE, stepTimeS),
      ...{ how: 'numeric', expression: null },
      why: 'copies come in whole chunks: the slope from half of the size to half as much again',
      withClock: response && slopeOf(perByte * response.onSlope, chunkBytes, MEBIBYTE, stepTimeS),
    },
  ];
}

function named(parameter: string, value: number, unit: ParameterUnit) {
  const shown = Number((value / unit.si).toPrecision(4));
  return { parameter, value: `${shown} ${unit.name}`, unit: `ms per ${unit.name}` };
}

function slopeOf(dStepSI: number, value: number, unit: ParameterUnit, stepTimeS: number): Slope {
  return {
    dStep: dStepSI * unit.si * 1e3,
    dStepSI,
    elasticity: (dStepSI * value) / stepTimeS,
  };
}

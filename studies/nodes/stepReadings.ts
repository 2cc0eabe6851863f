import type { StepRun } from '../dataset/stepRecords.ts';
import { samplesOf, whereOf } from '../heldOut/compareSteps.ts';
import { type NodeGpu, type Quantity, type Readings, ReadingsOfNode } from './quantity.ts';

/** What measured steps say of their node: how long they take, at what clock and power. */
export function stepReadings(steps: readonly StepRun[]): Readings[] {
  const readings = new ReadingsOfNode();
  for (const step of steps) {
    addStepTimes(readings, step);
    const { smHz, powerW } = step;
    const [where, item, gpu] = [placeOf(step), itemOf(step), ownGpu(step)];
    if (smHz !== null)
      readings.add(
        { name: `clock in steps, ${where}`, class: 'clock', unit: 'GHz', better: 'more' },
        ...([gpu, item, smHz / 1e9] as const),
      );
    if (powerW !== null && isPowerSettled(step))
      readings.add(
        { name: `power in steps, ${where}`, class: 'power', unit: 'W', better: null },
        ...([gpu, item, powerW] as const),
      );
  }
  return readings.all();
}

/** The rounds of a step, as readings of how long its plan takes. */
export function addStepTimes(readings: ReadingsOfNode, step: StepRun): void {
  const quantity: Quantity = { name: `steps, ${placeOf(step)}`, class: 'step', unit: 'ms', better: 'less' };
  const [item, gpu] = [itemOf(step), ownGpu(step)];
  for (const seconds of step.visitS) readings.add(quantity, gpu, item, seconds * 1e3);
}

/** Numbers of CTAs are items of one transport. */
function placeOf(step: StepRun): string {
  return whereOf(step).replace(/:.*/, '');
}

/** The same plan lowers to other operations after some changes, and then it is no longer the same measurement. */
function itemOf(step: StepRun): string {
  return `${samplesOf(step)}, ${step.stepProgram}`;
}

/** The driver's power is a mean over about a second, and is read halfway through a visit. */
const SETTLED_S = 1;

function isPowerSettled({ stepS, steps, visitS }: StepRun): boolean {
  return (stepS * steps) / visitS.length / 2 >= SETTLED_S;
}

/** The GPU that a step of one rank ran on: a step of several is none's own. */
function ownGpu({ gpus }: StepRun): NodeGpu | null {
  const [gpu, second] = gpus ?? [];
  return gpu === undefined || second !== undefined
    ? null
    : { rank: 0, pciBus: gpu.pciBus, uuid: gpu.uuid ?? null };
}

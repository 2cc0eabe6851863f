import type { StepRun } from '../dataset/stepRecords.ts';
import { samplesOf, whereOf } from '../heldOut/compareSteps.ts';
import { type NodeGpu, type Readings, ReadingsOfNode } from './quantity.ts';

/** What measured steps say of their node: how long they take, at what clock and power. */
export function stepReadings(steps: readonly StepRun[]): Readings[] {
  const readings = new ReadingsOfNode();
  for (const step of steps) {
    const { visitS, smHz, powerW, stepProgram } = step;
    // Numbers of CTAs are items of one transport.
    const where = whereOf(step).replace(/:.*/, '');
    // The same plan lowers to other operations after some changes, and then it is no longer the same measurement.
    const item = `${samplesOf(step)}, ${stepProgram}`;
    const gpu = ownGpu(step);
    for (const seconds of visitS)
      readings.add(
        { name: `steps, ${where}`, class: 'step', unit: 'ms', better: 'less' },
        gpu,
        item,
        seconds * 1e3,
      );
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

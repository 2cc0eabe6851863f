import { mean, sampleStandardDeviation } from 'simple-statistics';
import { randomNumbers } from '../../model/leastSquares/multiStart.ts';
import { pointAt } from '../../studies/sweep/points.ts';
import type { Sweep } from '../../studies/sweep/sweep.ts';
import { Tasks } from '../../studies/sweep/tasks.ts';
import { SweepAnswers } from './answers.ts';

export interface SweepEstimate {
  points: number;
  tasks: number;
  seed: number;
  /** Tasks that the sample is of, and points of them. */
  sampledTasks: number;
  sampledPoints: number;
  /** CPU seconds of a thousand points, with a 95 % interval of their mean. */
  cpuSPerThousand: number;
  interval: readonly [number, number];
  coreHours: number;
  coreHoursInterval: readonly [number, number];
}

/** Tasks of a sample, and points in a row of each: neighbours share work, so that single points would cost more than they do. */
const TASKS = 24;
const POINTS_OF_A_TASK = 100;
/** CPU that a sample takes at the most, beside the task that passes it. */
const MOST_CPU_S = 30;
/** Tasks that only warm up: compiled code is what a long sweep runs on. */
const WARM_UP_TASKS = 2;
const TWO_SIDED_95 = 1.96;

/**
 * CPU time of a sweep, from a random sample of its points: stretches of random tasks, answered in this thread. The same seed takes
 * the same points; how many of them the CPU's speed decides.
 */
export async function estimateSweep(
  sweep: Sweep,
  seed: number,
  onTask: () => void = () => {},
): Promise<SweepEstimate> {
  const tasks = new Tasks(sweep.grids);
  const random = randomNumbers(seed);
  const answers = new SweepAnswers(sweep);
  const costs: { points: number; cpuS: number }[] = [];
  let spentS = 0;
  for (
    let sample = 0;
    sample < TASKS + WARM_UP_TASKS && (spentS < MOST_CPU_S || costs.length < 2);
    sample += 1
  ) {
    // A point is chosen, not a task: grids of small tasks have no more weight than their points.
    const task = taskOfPoint(tasks, Math.floor(random() * sweep.points));
    const points = Math.min(task.points, POINTS_OF_A_TASK);
    const first = task.first + Math.floor(random() * (task.points - points + 1));
    const startS = cpuS();
    for (let point = first; point < first + points; point += 1) await answers.rowsOf(pointAt(sweep, point));
    const takenS = cpuS() - startS;
    spentS += takenS;
    if (sample >= WARM_UP_TASKS) costs.push({ points, cpuS: takenS });
    onTask();
  }
  return summary(sweep, tasks.count, seed, costs);
}

export const SAMPLED_TASKS = TASKS + WARM_UP_TASKS;

function summary(
  { points }: Sweep,
  tasks: number,
  seed: number,
  costs: readonly { points: number; cpuS: number }[],
): SweepEstimate {
  const perPoint = costs.map((cost) => cost.cpuS / cost.points);
  const middle = mean(perPoint);
  const half = (TWO_SIDED_95 * sampleStandardDeviation(perPoint)) / Math.sqrt(costs.length);
  const interval = [Math.max(0, middle - half), middle + half] as const;
  const hours = (cpuS: number) => (cpuS * points) / 3600;
  return {
    ...{ points, tasks, seed, sampledTasks: costs.length },
    sampledPoints: costs.reduce((sum, cost) => sum + cost.points, 0),
    cpuSPerThousand: 1000 * middle,
    interval: [1000 * interval[0], 1000 * interval[1]],
    coreHours: hours(middle),
    coreHoursInterval: [hours(interval[0]), hours(interval[1])],
  };
}

function taskOfPoint(tasks: Tasks, point: number) {
  let [low, high] = [0, tasks.count - 1];
  while (low < high) {
    const middle = Math.ceil((low + high) / 2);
    if (tasks.at(middle).first <= point) low = middle;
    else high = middle - 1;
  }
  return tasks.at(low);
}

/** User and system time of this process, with the compiler's and the collector's threads. */
function cpuS(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1e6;
}

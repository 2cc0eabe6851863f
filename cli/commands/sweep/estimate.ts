import { estimateSweep, SAMPLED_TASKS, type SweepEstimate } from '../../../library/sweep/estimate.ts';
import { UserError } from '../../../model/input/userError.ts';
import { countText, fixedText } from '../../../studies/numberText.ts';
import type { Sweep } from '../../../studies/sweep/sweep.ts';
import { jsonText, type Output } from '../../output.ts';
import { durationText } from '../../text/duration.ts';
import { startProgress } from '../../text/progress.ts';
import type { SweepFlags } from './command.ts';

/** Answers a sample and prints what the whole takes. */
export async function printEstimate(sweep: Sweep, flags: SweepFlags, output: Output): Promise<number> {
  if (flags.results !== undefined)
    throw new UserError(`--results ${flags.results}: an estimate keeps nothing; leave it out`);
  const progress = startProgress(output, 'sampled tasks', SAMPLED_TASKS);
  const estimate = await estimateSweep(sweep, flags.seed ?? 1, () => progress.advance());
  progress.end();
  output.result(flags.json === true ? jsonText(estimate) : estimateText(sweep, estimate));
  return 0;
}

function estimateText({ name, grids }: Sweep, estimate: SweepEstimate): string {
  const { points, tasks, seed, sampledTasks, sampledPoints, cpuSPerThousand, interval } = estimate;
  const range = ([low, high]: readonly [number, number], digits: number) =>
    `${fixedText(low, digits)} to ${fixedText(high, digits)}`;
  const axes = grids.map(
    (grid) =>
      `  ${grid.name}: ${grid.ask}, ${grid.axes.map(({ name, values }) => `${values.length} ${name}`).join(' x ')} = ${countText(grid.points, 'point')}`,
  );
  const coreS = 3600 * estimate.coreHours;
  return [
    `${name}: ${countText(points, 'point')} in ${countText(tasks, 'task')}`,
    ...axes,
    `${fixedText(cpuSPerThousand, 2)} CPU s a thousand points (${range(interval, 2)}), from ${countText(sampledPoints, 'point')} of ${countText(sampledTasks, 'task')}, seed ${seed}`,
    `${fixedText(estimate.coreHours, 2)} core-hours for all (${range(estimate.coreHoursInterval, 2)}): ${durationText(coreS)} on one core, ${durationText(coreS / 64)} on 64`,
    '',
  ].join('\n');
}

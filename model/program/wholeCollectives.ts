import { collectiveOf } from './labels.ts';
import type { Interval, Phase } from './timeline.ts';

/**
 * Intervals of a measured step as a simulated step has them: a staged collective, which is recorded as a beginning and an end, is
 * one interval from the start of the former to the end of the latter, on the track of its end. Others stay as they are.
 */
export function wholeCollectives(intervals: readonly Interval[]): Interval[] {
  const beginS = new Map<string, number>();
  const key = ({ rank, position, name }: Interval, phase: Phase) =>
    `${rank} ${position} ${collectiveOf(name, phase)}`;
  for (const mark of intervals) if (mark.phase === 'begin') beginS.set(key(mark, 'begin'), mark.startS);
  return intervals.flatMap((interval): Interval[] => {
    const { phase, ...whole } = interval;
    if (phase === undefined) return [interval];
    if (phase === 'begin') return [];
    // It lies within its collective; the simulator keeps it apart as well.
    if (phase === 'sum') return [{ ...whole, category: 'host' }];
    const startS = beginS.get(key(interval, 'end')) ?? interval.startS;
    return [{ ...whole, name: collectiveOf(interval.name, 'end'), startS }];
  });
}

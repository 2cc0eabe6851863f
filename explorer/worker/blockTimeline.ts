import { kindOf } from '../../model/program/labels.ts';
import type { Interval, LinkSeries, Timeline } from '../../model/program/timeline.ts';
import type { Scenario } from '../../model/scenario/scenario.ts';
import { simulate } from '../../sim/simulate.ts';
import type { BlockTimeline, TimelineInterval } from '../protocol.ts';

const KINDS = {
  ...({ compute: 'compute', collective: 'collective', prefetch: 'h2d' } as const),
  ...({ stall: 'wait', host: 'host' } as const),
};

/** Lanes from above to below; others follow by name. */
const LANES = ['compute', 'waits', 'collective', 'h2d', 'd2h', 'copy', 'stage-in', 'stage-out', 'host'];

/** The middle block of a simulated steady step of a scenario's only plan, as rank 0 has it. */
export function blockTimeline({ workload, system, plans }: Scenario): BlockTimeline {
  const [plan] = plans;
  const { timeline } = simulate(workload, system, plan!, { timeline: true, breakEven: false });
  const own = timeline!.intervals.filter(({ rank }) => rank === 0);
  // Of the last pass: what is copied for its blocks was issued in this step, too.
  const block = Math.floor(workload.blocks.length / 2);
  const { fromS, toS } = spanOf(own, (workload.passes - 1) * workload.blocks.length + block);
  const inside = own.filter(({ startS, endS }) => endS > fromS && startS < toS);
  const gpu = system.gpus[0]!;
  return {
    ...{ plan: plan!.name, block, durationS: toS - fromS },
    lanes: lanesOf(inside, workload.blocks.length).map(({ name, intervals }) => ({
      name,
      intervals: intervals.map((interval) => ({
        ...interval,
        beginS: Math.max(interval.beginS, fromS) - fromS,
        endS: Math.min(interval.endS, toS) - fromS,
      })),
    })),
    link: linkSteps(ratesOf(timeline!, `${gpu} down`, 'h2d'), ratesOf(timeline!, `${gpu} up`, 'd2h'), {
      ...{ fromS, toS },
    }),
  };
}

interface Span {
  fromS: number;
  toS: number;
}

/** From a block's first operation, or its wait for weights, to the next block's; the last block's goes on to its own last. */
function spanOf(own: readonly Interval[], position: number): Span {
  const running = own.filter(({ category }) => category !== 'prefetch' && category !== 'staging');
  const at = (wanted: number) => running.filter((interval) => interval.position === wanted);
  const startOf = (intervals: readonly Interval[]) => Math.min(...intervals.map(({ startS }) => startS));
  const fromS = startOf(at(position));
  const nextS = startOf(at(position + 1));
  return { fromS, toS: Number.isFinite(nextS) ? nextS : Math.max(...at(position).map(({ endS }) => endS)) };
}

function lanesOf(
  inside: readonly Interval[],
  blocks: number,
): { name: string; intervals: TimelineInterval[] }[] {
  const lanes = new Map<string, TimelineInterval[]>();
  for (const interval of inside) {
    const lane = lanes.get(interval.track) ?? [];
    lanes.set(interval.track, lane);
    lane.push({
      name: nameOf(interval, blocks),
      kind: interval.category === 'staging' ? directionOf(interval) : KINDS[interval.category],
      beginS: interval.startS,
      endS: interval.endS,
    });
  }
  const place = (name: string) => (LANES.includes(name) ? LANES.indexOf(name) : LANES.length);
  return [...lanes]
    .map(([name, intervals]) => ({ name, intervals }))
    .sort((a, b) => place(a.name) - place(b.name) || (a.name < b.name ? -1 : 1));
}

function directionOf({ track }: Interval): 'h2d' | 'd2h' {
  return track === 'd2h' || track === 'stage-out' ? 'd2h' : 'h2d';
}

/** Weights are of another block than the one that runs. */
function nameOf({ name, category, position }: Interval, blocks: number): string {
  return category === 'prefetch' ? `weights of block ${position % blocks}` : kindOf(name);
}

/**
 * The rate of a link over the step; of one that nothing can fill, which the simulator leaves out, what the copy engine moves.
 */
function ratesOf(
  { links, intervals }: Timeline,
  name: string,
  track: string,
): Pick<LinkSeries, 'timeS' | 'bytesPerS'> {
  const series = links.find((link) => link.name === name);
  if (series !== undefined) return series;
  const copies = intervals.filter((interval) => interval.rank === 0 && interval.track === track);
  const changes = copies
    .filter(({ startS, endS }) => endS > startS)
    .flatMap(({ startS, endS, bytes }): [number, number][] => [
      [startS, bytes / (endS - startS)],
      [endS, 0],
    ]);
  return { timeS: [0, ...changes.map(([at]) => at)], bytesPerS: [0, ...changes.map(([, rate]) => rate)] };
}

type Rates = Pick<LinkSeries, 'timeS' | 'bytesPerS'>;

/** Both directions of a link within a span, from its beginning on. */
function linkSteps(h2d: Rates, d2h: Rates, { fromS, toS }: Span): BlockTimeline['link'] {
  const times = [fromS, ...[...h2d.timeS, ...d2h.timeS].filter((at) => at > fromS && at < toS)];
  const sorted = [...new Set(times)].sort((a, b) => a - b);
  const steps = [h2d, d2h].map((rates) => sampled(rates, sorted));
  return sorted
    .map((at, index) => ({
      ...{ atS: at - fromS, h2dBytesPerS: steps[0]![index]!, d2hBytesPerS: steps[1]![index]! },
    }))
    .filter(
      (step, index, all) =>
        index === 0 ||
        step.h2dBytesPerS !== all[index - 1]!.h2dBytesPerS ||
        step.d2hBytesPerS !== all[index - 1]!.d2hBytesPerS,
    );
}

/** Values of a series at ascending times. */
function sampled({ timeS, bytesPerS }: Rates, times: readonly number[]): number[] {
  let at = 0;
  return times.map((time) => {
    while (at + 1 < timeS.length && timeS[at + 1]! <= time) at += 1;
    return bytesPerS[at]!;
  });
}

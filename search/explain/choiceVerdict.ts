import type { StepReport } from '../../model/analytic/report.ts';
import { NO_TRANSPORT } from '../../model/system/transport.ts';
import type { Workload } from '../../model/workload/workload.ts';
import type { Optimum } from '../optimise.ts';
import { streamingWords } from '../planWords.ts';
import { TIE } from '../search.ts';

/** Numbers of plans from here on say nothing by their digits. */
const LEAST_ROUNDED = 1e12;

/** No offload that a choice is held against. */
export interface Nones {
  /** On the machine's own transport, or the one that was named. */
  none: StepReport;
  /** On the choice's transport, which may be another one: what is gained by that is not gained by streaming. */
  onOwn: StepReport;
}

/**
 * One sentence on a choice: what it is, what it costs, how good that is and how much was looked at.
 *
 * @example "stream all 26.2 GiB ...: 3,180.0 ms a step, 1.002x of no offload on staged-copy, 0.887x of it on staged-sm, in 4.9 instead
 * of 29.8 GiB of GPU memory; no plan is faster than 3,180.0 ms (optimality gap 0.0 %); 483,840 plans considered, ..."
 */
export function choiceVerdict(optimum: Optimum, nones: Nones, workload: Workload): string {
  const what = `${streamingWords(optimum.plan, workload)}: ${cost(optimum.report, nones)}`;
  return [what, quality(optimum), effort(optimum)].join('; ');
}

function cost({ stepTimeS, gpuPeakBytes }: StepReport, { none, onOwn }: Nones): string {
  const over = ({ stepTimeS: noneS }: StepReport) => `${(stepTimeS / noneS).toFixed(3)}x`;
  const on = ({ transport }: StepReport) => (transport === NO_TRANSPORT ? '' : ` on ${transport}`);
  const elsewhere = onOwn.transport === none.transport ? '' : `, ${over(none)} of it${on(none)}`;
  const instead = gpuPeakBytes === none.gpuPeakBytes ? '' : ` instead of ${gibibytes(none.gpuPeakBytes)}`;
  return (
    `${milliseconds(stepTimeS)} a step, ${over(onOwn)} of no offload${on(onOwn)}${elsewhere}, ` +
    `in ${gibibytes(gpuPeakBytes)}${instead} GiB of GPU memory`
  );
}

/** A simulated step may be a hair below the bound, as their clocks are settled each by itself. */
function quality({ bound, report, gap, proven }: Optimum): string {
  const faster = Math.min(bound.stepTimeS, report.stepTimeS);
  // A small space is searched as a whole, which can prove more than the bound.
  const sure = proven && gap > TIE ? ', none of the whole space by more than 0.1 %' : '';
  return `no plan is faster than ${milliseconds(faster)} (optimality gap ${(100 * Math.max(0, gap)).toFixed(1)} %)${sure}`;
}

function effort({ counts: { considered, boundedAway, ranked, simulated } }: Optimum): string {
  const plans = considered < LEAST_ROUNDED ? whole(considered) : considered.toPrecision(2).replace('+', '');
  const share = `${((100 * boundedAway) / considered).toFixed(0)} %`;
  return `${plans} plans considered, ${share} excluded by bounds, ${whole(ranked)} ranked in closed form, ${whole(simulated)} simulated`;
}

function whole(count: number): string {
  return count.toLocaleString('en-US', { maximumFractionDigits: 0 });
}

function milliseconds(seconds: number): string {
  return `${(seconds * 1e3).toLocaleString('en-US', { minimumFractionDigits: 1, maximumFractionDigits: 1 })} ms`;
}

function gibibytes(bytes: number): string {
  return (bytes / 2 ** 30).toFixed(1);
}

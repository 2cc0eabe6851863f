import { hostShareBytes } from '../physics/memory.ts';
import type { System } from '../system/system.ts';
import type { Workload } from '../workload/workload.ts';
import type { BoundBy, StepReport } from './report.ts';
import { HIDDEN_SHARE } from './stepReport.ts';

/** Less than this would print as 0.0 ms. */
const NEGLIGIBLE_S = 50e-6;

/** What keeps a step that fits, and is not hidden, from being faster. */
const LIMITS: Readonly<Record<BoundBy, string>> = {
  link: 'the link is the limit',
  yield: 'the link idles for part of the step, which another schedule could use',
  host: 'the host is the limit, which launches more slowly than the GPU computes',
  compute: 'compute is the limit',
  collectives: 'collectives are the limit',
  memory: 'GPU memory is the limit',
  'host-memory': 'host memory is the limit',
};

/**
 * One sentence on a plan: hidden or by how much not, what binds, and where it would be hidden.
 *
 * @param baseline The report of `none` on the same transport, if it was made.
 * @example "hidden: 12.4 ms of prefetch fits 31.0 ms of windows; hidden from 11,900 tokens on"
 */
export function verdict(
  report: StepReport,
  baseline: StepReport | undefined,
  workload: Workload,
  system: System,
): string {
  const prefetch = milliseconds(report.prefetchS);
  const windows = milliseconds(report.windowS);
  const against =
    baseline === undefined || baseline === report
      ? ''
      : `, ${(report.stepTimeS / baseline.stepTimeS).toFixed(3)}x of ${baseline.plan}`;
  if (report.boundBy === 'memory') {
    return `does not fit: needs ${gibibytes(report.gpuPeakBytes)} of GPU memory${against}`;
  }
  if (report.boundBy === 'host-memory') {
    const share = gibibytes(hostShareBytes(system, workload.ranks));
    return `does not fit: each rank pins ${gibibytes(report.hostPinnedBytes)} of host memory, of which its share is ${share}${against}`;
  }
  if (report.prefetchS === 0) return `nothing to hide: all weights stay on the GPU${against}`;
  const cost = report.exposedPrefetchS + report.collectiveInflationS;
  const where = breakEvenText(report, workload);
  if (cost <= HIDDEN_SHARE * report.stepTimeS) {
    return `hidden: ${prefetch} of prefetch fits ${windows} of windows${against}${where}`;
  }
  const parts = [
    report.exposedPrefetchS > NEGLIGIBLE_S ? `${milliseconds(report.exposedPrefetchS)} exposed` : '',
    report.collectiveInflationS > NEGLIGIBLE_S
      ? `collectives ${milliseconds(report.collectiveInflationS)} longer`
      : '',
  ].filter((part) => part !== '');
  return `not hidden: ${prefetch} of prefetch against ${windows} of windows, ${parts.length > 0 ? parts.join(', ') : `${(cost * 1e6).toFixed(0)} us lost`}; ${LIMITS[report.boundBy]}${against}${where}`;
}

function breakEvenText({ breakEven }: StepReport, workload: Workload): string {
  const { tokens, frames, batch } = breakEven;
  if (workload.from === 'profile' || (tokens === null && frames === null && batch === null)) return '';
  const points = [
    tokens === null ? '' : `${Math.round(tokens).toLocaleString('en-US')} tokens`,
    frames === null ? '' : framesText(Math.round(frames)),
    // What would print as a batch of 0.0 is no size to look out for.
    batch === null || batch < 0.05 ? '' : `batch ${batch.toFixed(batch < 10 ? 1 : 0)}`,
  ].filter((point) => point !== '');
  return `; hidden from ${points.join(', ')} on (now ${Math.round(workload.tokens).toLocaleString('en-US')} tokens)`;
}

function framesText(frames: number): string {
  return frames <= 1 ? '1 frame' : `${frames} frames`;
}

function milliseconds(seconds: number): string {
  return `${(seconds * 1e3).toFixed(1)} ms`;
}

function gibibytes(bytes: number): string {
  return `${(bytes / 2 ** 30).toFixed(1)} GiB`;
}

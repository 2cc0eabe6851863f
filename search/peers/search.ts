import { closedForm } from '../../model/analytic/closedForm.ts';
import type { StepReport } from '../../model/analytic/report.ts';
import { clockOf } from '../../model/analytic/stepReport.ts';
import { UserError } from '../../model/input/userError.ts';
import { serialCopiesS } from '../../model/physics/copySource.ts';
import { memoryNeed } from '../../model/physics/memory.ts';
import type { Plan } from '../../model/plan/plan.ts';
import { makePlan } from '../../model/presets/presets.ts';
import type { System } from '../../model/system/system.ts';
import { chosenTransport } from '../../model/system/transport.ts';
import type { Workload } from '../../model/workload/workload.ts';
import type { Caps } from '../caps.ts';
import type { Candidate } from './candidate.ts';

/** Settings whose steps are this close are equally good; the one that takes less memory is proposed. */
export const TIE_SHARE = 1e-3;

/** The oracle is slow: so many settings at most are put to it. */
const FINALISTS = 6;

/** Of those, so many are the leanest of the settings that the closed form calls equally good. */
const LEAN_FINALISTS = 3;

export interface Found {
  candidate: Candidate;
  /** The oracle's answer for the plan. */
  report: StepReport;
  considered: number;
}

interface Sized {
  candidate: Candidate;
  gpuBytes: number;
  pinnedBytes: number;
}

/**
 * The best of a tool's settings: all that keep within the caps are timed in closed form, the best few by the oracle.
 *
 * @throws UserError if none keeps within the caps, with the setting that comes nearest.
 */
export function bestOf(
  peer: string,
  candidates: readonly Candidate[],
  workload: Workload,
  system: System,
  caps: Caps,
  oracle: (plan: Plan) => StepReport,
): Found {
  const sized = candidates.map((candidate) => size(candidate, workload, system));
  const fitting = sized.filter((setting) => excessBytes(setting, caps) === 0);
  if (fitting.length === 0) throw nothingFits(peer, sized, caps);
  const timed = finalists(fitting, workload, system).map((setting) => {
    const report = oracle(setting.candidate.plan);
    return { ...setting, report };
  });
  const bestS = Math.min(...timed.map(({ report }) => report.stepTimeS));
  const [chosen] = timed
    .filter(({ report }) => report.stepTimeS <= bestS * (1 + TIE_SHARE))
    .sort((a, b) => a.gpuBytes - b.gpuBytes || a.pinnedBytes - b.pinnedBytes);
  return { candidate: chosen!.candidate, report: chosen!.report, considered: fitting.length };
}

function size(candidate: Candidate, workload: Workload, system: System): Sized {
  const need = memoryNeed(workload, system, candidate.plan);
  return {
    candidate,
    gpuBytes: need.gpuPeakBytes,
    pinnedBytes: need.hostPinnedBytes,
  };
}

/** The fastest in closed form, and the leanest among those that are as fast. */
function finalists(fitting: readonly Sized[], workload: Workload, system: System): Sized[] {
  // One clock for all: a plan that is faster at every clock is faster at the clock that each reaches under the power
  // cap, and finding that takes many times as long.
  const none = makePlan('none', workload, system, chosenTransport(fitting[0]!.candidate.plan));
  const clock = clockOf(workload, system, none);
  const byTime = fitting
    .map((setting) => {
      const { plan } = setting.candidate;
      const { stepTimeS } = closedForm(workload, system, plan, clock);
      return { setting, stepTimeS: stepTimeS + serialCopiesS(workload, system, plan) };
    })
    .sort((a, b) => a.stepTimeS - b.stepTimeS);
  const asFast = byTime
    .filter(({ stepTimeS }) => stepTimeS <= byTime[0]!.stepTimeS * (1 + TIE_SHARE))
    .map(({ setting }) => setting)
    .sort((a, b) => a.gpuBytes - b.gpuBytes);
  const both = [...asFast.slice(0, LEAN_FINALISTS), ...byTime.map(({ setting }) => setting)];
  return [...new Set(both)].slice(0, FINALISTS);
}

function excessBytes({ gpuBytes, pinnedBytes }: Sized, caps: Caps): number {
  return Math.max(0, gpuBytes - caps.gpuBytes) + Math.max(0, pinnedBytes - caps.pinnedBytes);
}

function nothingFits(peer: string, sized: readonly Sized[], caps: Caps): UserError {
  const nearest = [...sized].sort((a, b) => excessBytes(a, caps) - excessBytes(b, caps))[0]!;
  const memories = [
    { of: 'of GPU memory', cap: caps.gpuBytes, takes: (setting: Sized) => setting.gpuBytes },
    { of: 'of pinned host memory', cap: caps.pinnedBytes, takes: (setting: Sized) => setting.pinnedBytes },
  ];
  const binding = memories.filter(({ cap, takes }) => sized.some((setting) => takes(setting) > cap));
  const wanted = binding.map(({ of, cap }) => `${gibibytes(cap)} ${of}`).join(' and ');
  const over = binding
    .filter(({ cap, takes }) => takes(nearest) > cap)
    .map(({ of, cap, takes }) => {
      const bytes = takes(nearest);
      return `${gibibytes(bytes)} ${of}, ${gibibytes(bytes - cap)} too much`;
    });
  return new UserError(
    `${peer}: no setting of it keeps within ${wanted}; ${nearest.candidate.plan.name} comes nearest: it takes ${over.join(', and ')}`,
  );
}

function gibibytes(bytes: number): string {
  return `${(bytes / 2 ** 30).toFixed(2)} GiB`;
}

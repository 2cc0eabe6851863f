import { breakEven } from '../../model/analytic/breakEven.ts';
import { hidingExcess, unroundedNoneStep } from '../../model/analytic/hidingExcess.ts';
import type { BreakEven } from '../../model/analytic/report.ts';
import { smallest } from '../../model/analytic/smallest.ts';
import { HIDDEN_SHARE, predictedStepS } from '../../model/analytic/stepReport.ts';
import { rowsAt } from '../../model/dit/tokens.ts';
import { fillsHosts } from '../../model/physics/rankGroups.ts';
import { copyRates } from '../../model/physics/rates.ts';
import { withComputeSpeed } from '../../model/physics/variants/computeSpeed.ts';
import { withH2dLink } from '../../model/physics/variants/h2dRate.ts';
import { foldedWindows } from '../../model/plan/foldedWindows.ts';
import type { Plan } from '../../model/plan/plan.ts';
import { textOf } from '../../model/plan/recipe.ts';
import { presetPlan } from '../../model/presets/presets.ts';
import type { System } from '../../model/system/system.ts';
import { chosenTransport, NO_TRANSPORT } from '../../model/system/transport.ts';
import { rebound } from '../../model/workload/bind.ts';
import type { BoundWorkload, Workload } from '../../model/workload/workload.ts';

/** How far from what the machine has a link's rate and the compute speed are searched, as factors. */
const MOST_TIMES = 64;

/** A plan at one sequence-parallel degree. */
export interface DegreeReport {
  degree: number;
  /** The offload costs less than 1 %. */
  hidden: boolean;
  stepTimeS: number;
  /** No offload at this degree, on the plan's transport. */
  noneS: number;
}

/** Where a plan begins to cost less than 1 % of a step against no offload on the same transport, in every direction that we know. */
export interface BreakEvens extends BreakEven {
  /** Smallest H2D rate of one rank with all ranks loading, bytes/s, all else as it is. */
  h2dBytesPerS: number | null;
  /** Largest speed of compute, as a factor on this machine's, at the same watts and all else as it is. */
  computeSpeed: number | null;
  /** Every degree that the heads allow and the machine has GPUs for. */
  sp: readonly DegreeReport[];
  /** Degrees that the heads allow as well, for which the machine has too few GPUs. */
  spBeyond: readonly number[];
}

/**
 * The break-even points of a plan in closed form. Those in size are `breakEven`'s.
 *
 * A plan that a text made stands for its policy, which is made anew at every point; any other plan is the same data everywhere. With another
 * link or compute speed its windows are dealt for what is there then.
 *
 * Rates and speeds from 1/64 to 64 times the machine's are looked at. A rate at the lower end means that any does, and a speed
 * at the upper end likewise; null that none does, or that the plan streams nothing. A profile is of one size and one degree.
 */
export function breakEvens(workload: Workload, system: System, plan: Plan): BreakEvens {
  return {
    ...breakEven(workload, system, plan),
    ...(plan.slots === 0 ? { h2dBytesPerS: null, computeSpeed: null } : rates(workload, system, plan)),
    ...(workload.from === 'profile' ? { sp: [], spBeyond: [] } : degreeReports(workload, system, plan)),
  };
}

function degreeReports(
  workload: BoundWorkload,
  system: System,
  plan: Plan,
): Pick<BreakEvens, 'sp' | 'spBeyond'> {
  const { tp, ring } = workload.layout;
  const degrees = allowedDegrees(workload).filter((degree) => fillsHosts(system, degree * tp * ring));
  const most = mostRanks(workload, system);
  return {
    sp: degrees.filter((degree) => degree <= most).map((degree) => atDegree(degree, workload, system, plan)),
    spBeyond: degrees.filter((degree) => degree > most),
  };
}

function rates(
  workload: Workload,
  system: System,
  plan: Plan,
): Pick<BreakEvens, 'h2dBytesPerS' | 'computeSpeed'> {
  const onLink = (factor: number) => withH2dLink(system, factor, workload.ranks);
  const excess = (there: System) => {
    const { same, none } = plansAt(workload, there, plan);
    return hidingExcess(workload, there, same, unroundedNoneStep(workload, there, none).stepS);
  };
  const link = smallest((factor) => excess(onLink(factor)), 1 / MOST_TIMES, MOST_TIMES, 1);
  const slower = smallest(
    (factor) => excess(withComputeSpeed(system, 1 / factor)),
    1 / MOST_TIMES,
    MOST_TIMES,
    1,
  );
  return {
    h2dBytesPerS: link === null ? null : copyRates(onLink(link), workload.ranks).h2d,
    computeSpeed: slower === null ? null : 1 / slower,
  };
}

function atDegree(degree: number, workload: BoundWorkload, system: System, plan: Plan): DegreeReport {
  const { model, size, tokens, textRows } = workload;
  const rows = { ...rowsAt(model, tokens, size.frames), t: textRows };
  const bound = rebound(workload, rows, { sp: degree });
  return { degree, ...compared(bound, system, plan) };
}

function compared(workload: Workload, system: System, plan: Plan): Omit<DegreeReport, 'degree'> {
  const { same, none } = plansAt(workload, system, plan);
  const stepTimeS = predictedStepS(workload, system, same);
  const noneS = predictedStepS(workload, system, none);
  return { hidden: stepTimeS <= (1 + HIDDEN_SHARE) * noneS, stepTimeS, noneS };
}

/** A plan for another degree or machine, and no offload there. */
function plansAt(workload: Workload, system: System, plan: Plan): { same: Plan; none: Plan } {
  const transport = chosenTransport(plan);
  const made = (text: string) => presetPlan(text, workload, system, transport);
  const none = made('none');
  const text = textOf(plan.recipe);
  return { same: text !== null ? made(text) : dataAt(plan, workload, none), none };
}

/** A plan's data at another degree: where ranks now meet and did not, over the machine's own transport. */
function dataAt(plan: Plan, workload: Workload, none: Plan): Plan {
  const { transport, pieceBytes } = none;
  const meets = plan.transport === NO_TRANSPORT ? { transport, pieceBytes } : {};
  return foldedWindows({ ...plan, ...meets }, workload);
}

/** Degrees of sequence parallelism that the model's heads allow beside this tensor parallelism. */
function allowedDegrees({ model, layout }: BoundWorkload): number[] {
  const heads = model.heads / layout.tp;
  return Array.from({ length: heads }, (_, index) => index + 1).filter((degree) => heads % degree === 0);
}

/** Sequence-parallel ranks that the machine has GPUs for; a peer that stands for others has no such limit. */
function mostRanks({ layout, model }: BoundWorkload, system: System): number {
  if (system.peer !== 'real') return Number.POSITIVE_INFINITY;
  const groups = layout.cfg === 'parallel' ? model.guidance.evaluations : 1;
  return Math.floor(system.gpus.length / (layout.tp * layout.ring) / groups);
}

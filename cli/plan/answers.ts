import { predictStep } from '../../model/hiding/stepReport.ts';
import { UserError } from '../../model/input/userError.ts';
import type { Caps } from '../../model/optimize/caps.ts';
import { efficientOptima } from '../../model/optimize/front.ts';
import { type Optimum, optimise } from '../../model/optimize/optimise.ts';
import type { PeerName } from '../../model/optimize/peers/peer.ts';
import type { Uncertainty } from '../../model/optimize/robust.ts';
import { type Search, TIE } from '../../model/optimize/search.ts';
import type { Plan } from '../../model/plan/plan.ts';
import { transportOf } from '../../model/system/load.ts';
import { planFront, planSearch, searchOn } from '../../sim/planning.ts';
import { simulate } from '../../sim/simulate.ts';
import { FRONT_POINTS, type PlanFlags } from '../options.ts';
import type { Output } from '../output.ts';
import { startProgress } from '../progress.ts';
import type { Scenario } from '../scenario.ts';
import type { Answers } from './document.ts';
import { capsOf } from './flags.ts';

/**
 * Searches, and asks what the flags ask. Every plan that is found is simulated with verification before anyone sees it, which a search
 * leaves out.
 *
 * @throws UserError where nothing fits the caps.
 */
export async function answersTo(
  flags: PlanFlags,
  { workload, system, plans }: Scenario,
  uncertain: Uncertainty | null,
  output: Output,
): Promise<Answers> {
  const caps = capsOf(flags, workload, system);
  const search = await planSearch(workload, system, flags.transport);
  const robust = uncertain && (await robustAnswer(search, caps, uncertain));
  const optimum = robust?.nominal ?? optimise(search, caps);
  const { plan } = optimum;
  const { report, steady } = simulate(workload, system, plan, { breakEven: false });
  const points = flags.front ?? (flags.chart === undefined ? null : FRONT_POINTS.usual);
  return {
    ...{ caps, optimum },
    choice: { report, steady, closedFormStepTimeS: predictStep(workload, system, plan).stepTimeS },
    compared: plans.map((other) => ({ plan: other, report: search.oracle(other) })),
    explanation: flags.explain === true ? await explanationOf(search, plan) : null,
    front: points === null ? null : await frontAnswer(search, flags.transport, points, optimum, output),
    uncertainty: robust && uncertain && { ...uncertain, ...robust },
    peer: flags.for === undefined ? null : await peerAnswer(flags.for, search, caps, flags.transport),
  };
}

function verified({ workload, system }: Search, plan: Plan) {
  return simulate(workload, system, plan, { breakEven: false }).report;
}

async function robustAnswer(search: Search, caps: Caps, uncertain: Uncertainty) {
  const { robustPlan } = await import('../../model/optimize/robust.ts');
  const choice = robustPlan(search, searchOn(search), caps, uncertain);
  const { plan } = choice.robust;
  return { ...choice, robust: { plan, report: verified(search, plan) } };
}

/** The points, with the choice, which was looked for longer, in place of those that are as fast. */
async function frontAnswer(
  search: Search,
  transport: string | undefined,
  points: number,
  choice: Optimum,
  output: Output,
): Promise<Optimum[]> {
  const { workload, system } = search;
  const { caps } = choice;
  const progress = startProgress(output, 'caps', points);
  const found = await planFront(
    { workload, system, points, caps, ...(transport !== undefined && { transport }) },
    () => progress.advance(),
  );
  progress.end();
  const others = found.filter(({ report }) => Math.abs(report.stepTimeS / choice.report.stepTimeS - 1) > TIE);
  return efficientOptima([...others, choice])
    .map((point) => point)
    .map((point) => ({ ...point, report: verified(search, point.plan) }));
}

async function explanationOf(
  { workload, system, space }: Search,
  plan: Plan,
): Promise<Answers['explanation']> {
  const [{ breakEvens }, { sensitivities }, { mixedTransportGainS }] = await Promise.all([
    import('../../model/optimize/breakEvens.ts'),
    import('../../model/optimize/sensitivity/sensitivities.ts'),
    import('../../model/optimize/mixedTransports.ts'),
  ]);
  return {
    mixedTransportGainS: mixedTransportGainS(workload, system, space.backends),
    breakEvens: breakEvens(workload, system, plan),
    sensitivities: sensitivities(workload, system, plan),
  };
}

/** That a tool has no setting here is an answer, not a mistake in the input. */
async function peerAnswer(
  name: PeerName,
  search: Search,
  caps: Caps,
  transport: string | undefined,
): Promise<Answers['peer']> {
  const { workload, system, oracle } = search;
  const { bestPeerSetting } = await import('../../model/optimize/peers/peer.ts');
  // A transport of ours that was asked for is the choice's alone.
  const shared =
    transport !== undefined && transportOf(system, transport).kind === 'flow' ? transport : undefined;
  try {
    const setting = bestPeerSetting(name, workload, system, caps, oracle, shared);
    verified(search, setting.plan);
    return { name, setting, why: null };
  } catch (error) {
    if (error instanceof UserError) return { name, setting: null, why: error.message };
    throw error;
  }
}

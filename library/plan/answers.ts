import { predictStep } from '../../model/analytic/stepReport.ts';
import { UserError } from '../../model/input/userError.ts';
import type { Plan } from '../../model/plan/plan.ts';
import { FROM_SEARCH } from '../../model/plan/recipe.ts';
import type { Scenario } from '../../model/scenario/scenario.ts';
import { transportNamed } from '../../model/system/transport.ts';
import type { Unknown } from '../../model/system/unknowns.ts';
import { workloadUnknowns } from '../../model/workload/unknowns.ts';
import type { Caps } from '../../search/caps.ts';
import { efficientOptima } from '../../search/front.ts';
import { type Optimum, optimise } from '../../search/optimise.ts';
import type { PeerName } from '../../search/peers/peerNames.ts';
import { planFront, planSearch } from '../../search/planning.ts';
import { FULL_EFFORT, type Search, TIE } from '../../search/search.ts';
import { simulate } from '../../sim/simulate.ts';
import { UNWATCHED, type Watch } from '../progress.ts';
import type { Answers, ComparedPlan, NamedMargin } from './choiceDocument.ts';
import type { PlanQuestion } from './question.ts';
import { capsOf, refuseBoth, uncertaintyOf } from './values.ts';

/**
 * Searches, and asks what a question asks. Every plan that is found is simulated with verification before anyone sees it, which a search
 * leaves out.
 *
 * @param mostThreads that look for a front; all cores unless given.
 * @throws UserError where nothing fits the caps.
 */
export async function answersTo(
  question: PlanQuestion,
  { workload, system, plans }: Scenario,
  watch: Watch = UNWATCHED,
  mostThreads?: number,
): Promise<Answers> {
  refuseBoth(question);
  const byHand = question.uncertain === undefined ? null : uncertaintyOf(question.uncertain);
  const caps = capsOf(question, workload, system);
  const search = await planSearch(workload, system, question.transport);
  const points = question.front ?? null;
  // What the other answers find is considered for the choice, so that none of them is better than it.
  const peer =
    question.for === undefined ? null : await peerAnswer(question.for, search, caps, question.transport);
  const front =
    points === null ? null : await frontPoints(search, question.transport, points, caps, watch, mostThreads);
  const known = [
    ...(peer?.setting ? [blocksAlone(peer.setting.plan)] : []),
    ...(front ?? []).map(({ plan }) => plan),
  ];
  const unknowns = question.nominal === true ? [] : (byHand ?? workloadUnknowns(workload, system));
  const uncertainty = await uncertaintyAnswer(search, caps, unknowns, known, byHand !== null);
  const optimum = uncertainty?.robust ?? optimise(search, caps, FULL_EFFORT, known);
  const { plan } = optimum;
  const { report, steady } = simulate(workload, system, plan, { breakEven: false });
  const { none, noneOnOwn } = nonesBeside(search, plan, plans);
  return {
    ...{ caps, optimum, noneOnOwn: noneOnOwn ?? none },
    choice: { report, steady, closedFormStepTimeS: predictStep(workload, system, plan).stepTimeS },
    compared: [
      none,
      ...(noneOnOwn === null ? [] : [noneOnOwn]),
      ...plans.slice(1).map((other) => simulated(search, other)),
    ],
    explanation: question.explain === true ? await explanationOf(search, plan) : null,
    front: front && frontWith(search, front, uncertainty?.nominal ?? optimum),
    ...{ uncertainty, peer },
  };
}

/** A tool's plan as a program of ours would run it: without what the tool copies beside blocks, from our arena. */
function blocksAlone({ source: _, serialCopies: __, ...plan }: Plan): Plan {
  return { ...plan, recipe: FROM_SEARCH };
}

function simulated({ oracle }: Search, plan: Plan): ComparedPlan {
  return { plan, report: oracle(plan) };
}

/**
 * No offload on the machine's transport or the one that was named, which stands first among the scenario's plans, and on the
 * choice's, where that is another one: what the choice gains by its transport, and what by streaming.
 */
function nonesBeside(search: Search, choice: Plan, plans: readonly Plan[]) {
  const { transport, pieceBytes } = choice;
  const [plan] = plans as [Plan];
  const isSame = plan.transport === transport && plan.pieceBytes === pieceBytes;
  return {
    none: simulated(search, plan),
    noneOnOwn: isSame ? null : simulated(search, noneLike(choice, plan)),
  };
}

function verified({ workload, system }: Search, plan: Plan) {
  return simulate(workload, system, plan, { breakEven: false }).report;
}

/** No offload over a plan's transport, as a user would type it. */
function noneLike({ transport, pieceBytes }: Plan, none: Plan): Plan {
  const text = `none,transport=${transport}${pieceBytes > 0 ? `,piece=${pieceBytes / 2 ** 20}MiB` : ''}`;
  return { ...none, name: text, recipe: { by: 'preset', preset: 'none', text }, transport, pieceBytes };
}

/** Null where nothing of the machine is unknown: then the nominal plan is the choice. */
async function uncertaintyAnswer(
  search: Search,
  caps: Caps,
  unknowns: readonly Unknown[],
  known: readonly Plan[],
  byHand: boolean,
): Promise<Answers['uncertainty']> {
  if (unknowns.length === 0) return null;
  const { robustPlan } = await import('../../search/robust.ts');
  const choice = robustPlan(search, caps, unknowns, FULL_EFFORT, known);
  const { nominal, robust } = choice;
  const margins = byHand ? await marginsOf(search, nominal.plan, robust.plan) : null;
  return { ...choice, nominal: { ...nominal, report: verified(search, nominal.plan) }, byHand, margins };
}

async function marginsOf(search: Search, nominal: Plan, choice: Plan): Promise<NamedMargin[]> {
  const { stallMargin } = await import('../../search/explain/stallMargin.ts');
  const margin = (of: NamedMargin['of'], plan: Plan) => ({
    of,
    ...stallMargin(search, plan),
  });
  return [margin('choice', choice), ...(nominal === choice ? [] : [margin('nominal', nominal)])];
}

async function frontPoints(
  search: Search,
  transport: string | undefined,
  points: number,
  caps: Caps,
  watch: Watch,
  mostThreads: number | undefined,
): Promise<Optimum[]> {
  const { workload, system } = search;
  const progress = watch(points);
  const found = await planFront(
    {
      ...{ workload, system, points, caps },
      ...(transport !== undefined && { transport }),
      ...(mostThreads !== undefined && { mostThreads }),
    },
    () => progress.advance(),
  );
  progress.end();
  return found;
}

/** The points, with the nominal choice, which was looked for longer, in place of those that are as fast. */
function frontWith(search: Search, found: readonly Optimum[], choice: Optimum): Optimum[] {
  const others = found.filter(({ report }) => report.stepTimeS > choice.report.stepTimeS * (1 + TIE));
  return efficientOptima([...others, choice]).map((point) => ({
    ...point,
    report: verified(search, point.plan),
  }));
}

async function explanationOf(
  { workload, system, space }: Search,
  plan: Plan,
): Promise<Answers['explanation']> {
  const [{ breakEvens }, { sensitivities }, { mixedTransportGainS }] = await Promise.all([
    import('../../search/explain/breakEvens.ts'),
    import('../../search/explain/sensitivity/sensitivities.ts'),
    import('../../search/explain/mixedTransports.ts'),
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
  const { bestPeerSetting } = await import('../../search/peers/peer.ts');
  // A transport of ours that was asked for is the choice's alone.
  const shared =
    transport !== undefined && transportNamed(system, transport).kind === 'flow' ? transport : undefined;
  try {
    const setting = bestPeerSetting(name, workload, system, caps, oracle, shared);
    verified(search, setting.plan);
    return { name, setting, why: null };
  } catch (error) {
    if (error instanceof UserError) return { name, setting: null, why: error.message };
    throw error;
  }
}

import { doubtFields } from '../../documents/doubt.ts';
import type { FoundPlan, PlanChoice, SearchedPlan } from '../../documents/planChoice.ts';
import { doubtOf } from '../../model/analytic/doubt.ts';
import type { StepReport } from '../../model/analytic/report.ts';
import { verdict } from '../../model/analytic/verdict.ts';
import type { Plan } from '../../model/plan/plan.ts';
import { planDocument } from '../../model/plan/planDocument.ts';
import type { Scenario } from '../../model/scenario/scenario.ts';
import { type Caps, fits } from '../../search/caps.ts';
import type { BreakEvens } from '../../search/explain/breakEvens.ts';
import { choiceVerdict } from '../../search/explain/choiceVerdict.ts';
import type { Sensitivity } from '../../search/explain/sensitivity/sensitivities.ts';
import type { StallMargin } from '../../search/explain/stallMargin.ts';
import type { Optimum } from '../../search/optimise.ts';
import type { PeerSetting } from '../../search/peers/peer.ts';
import type { PeerName } from '../../search/peers/peerNames.ts';
import type { RobustChoice } from '../../search/robust.ts';
import { scenarioFields } from '../scenarioFields.ts';

export interface ComparedPlan {
  plan: Plan;
  report: StepReport;
}

/** How far the machine may be off before a plan stalls, for one of two plans. */
export interface NamedMargin extends StallMargin {
  of: 'choice' | 'nominal';
}

/** What was asked of a search, and what it found. */
export interface Answers {
  caps: Caps;
  /** The choice: the plan that loses least over what is not known of the machine, or the nominal one. */
  optimum: Optimum;
  /** The choice as it was simulated with verification. */
  choice: { report: StepReport; steady: boolean; closedFormStepTimeS: number };
  /** No offload over the choice's own transport. */
  noneOnOwn: ComparedPlan;
  /** The scenario's plans, simulated, no offload first, behind it that over the choice's transport where that is another one. */
  compared: readonly ComparedPlan[];
  explanation: {
    breakEvens: BreakEvens;
    sensitivities: readonly Sensitivity[];
    mixedTransportGainS: number;
  } | null;
  front: readonly Optimum[] | null;
  /** Null where the choice is the nominal plan because nothing is unknown, or nobody asked. */
  uncertainty: (RobustChoice & { byHand: boolean; margins: readonly NamedMargin[] | null }) | null;
  /** A tool's setting, or why it has none. */
  peer: { name: PeerName; setting: PeerSetting | null; why: string | null } | null;
}

/** The answers as the JSON has them. */
export function choiceDocument(scenario: Scenario, answers: Answers): PlanChoice {
  const { workload, system } = scenario;
  const { caps, optimum, choice, compared } = answers;
  const { plan, bound, gap, proven, counts } = optimum;
  const { plan: nonePlan, report: none } = compared[0]!;
  const { stepTimeS } = choice.report;
  const { paperCriterion: _, ...fields } = scenarioFields(scenario);
  const searched = (one: Plan, report: StepReport) => searchedPlan(scenario, caps, none, one, report);
  const found = (one: Plan, report: StepReport): FoundPlan => ({
    ...searched(one, report),
    document: planDocument(one, workload),
  });
  return {
    schema: 'chunkflow/plan-choice@2',
    ...fields,
    caps,
    verdict: choiceVerdict(optimum, { none, onOwn: answers.noneOnOwn.report }, workload),
    plan: planDocument(plan, workload),
    choice: {
      ...searched(plan, choice.report),
      doubt: doubtFields(doubtOf(workload, system, plan, nonePlan), stepTimeS, stepTimeS / none.stepTimeS),
      ...{ closedFormStepTimeS: choice.closedFormStepTimeS, steady: choice.steady },
      versusNoneOnOwn: choice.report.stepTimeS / answers.noneOnOwn.report.stepTimeS,
    },
    bound: {
      ...{ stepTimeS: bound.stepTimeS, transport: bound.transport, clock: bound.clock },
      secondsPerGpuByte: bound.secondsPerGpuByte,
    },
    ...{ gap, proven, counts },
    compared: compared.map((one) => searched(one.plan, one.report)),
    explanation: explanationFields(answers.explanation),
    front: answers.front?.map((point) => frontFields(point, found)) ?? null,
    uncertainty: answers.uncertainty && uncertaintyFields(answers.uncertainty, found),
    peer: answers.peer && peerFields(answers.peer, choice.report.stepTimeS, found),
  };
}

function searchedPlan(
  { workload, system }: Scenario,
  caps: Caps,
  none: StepReport,
  plan: Plan,
  { breakEven: _, ...report }: StepReport,
): SearchedPlan {
  const nowhere = { breakEven: { tokens: null, frames: null, batch: null } };
  return {
    ...report,
    // A difference of simulated times, which may round to a hair below nothing.
    collectiveInflationS: Math.max(0, report.collectiveInflationS),
    versusNone: report.stepTimeS / none.stepTimeS,
    verdict: verdict({ ...report, ...nowhere }, none, workload, system),
    fits: fits(workload, system, plan, caps),
  };
}

type Found = (plan: Plan, report: StepReport) => FoundPlan;

function explanationFields(explanation: Answers['explanation']): PlanChoice['explanation'] {
  if (explanation === null) return null;
  const { breakEvens, sensitivities, mixedTransportGainS } = explanation;
  const { sp, spBeyond, ...points } = breakEvens;
  return {
    breakEvens: { ...points, sp: [...sp], spBeyond: [...spBeyond] },
    sensitivities: [...sensitivities],
    mixedTransportGainS,
  };
}

function frontFields({ plan, report, caps, bound, gap }: Optimum, found: Found) {
  return { ...found(plan, report), capBytes: caps.gpuBytes, boundS: bound.stepTimeS, gap };
}

function uncertaintyFields(
  uncertainty: NonNullable<Answers['uncertainty']>,
  found: Found,
): PlanChoice['uncertainty'] {
  const { nominal, robust, unknowns, scenarios, byHand, margins } = uncertainty;
  const { nominalWorst, robustWorst, costAtNominal } = uncertainty;
  return {
    from: byHand ? 'hand' : 'file',
    intervals: unknowns.map(({ direction, interval }) => ({ direction, interval: [...interval] })),
    nominal: found(nominal.plan, nominal.report),
    isNominal: nominal.plan === robust.plan,
    scenarios: scenarios.map(({ factors, fastestS, nominalS, robustS }) => ({
      ...{ factors: { ...factors }, fastestS, nominalS, choiceS: robustS },
    })),
    ...{ nominalWorst, choiceWorst: robustWorst, costAtNominal },
    margins: margins && [...margins],
  };
}

function peerFields(
  { name, setting, why }: NonNullable<Answers['peer']>,
  choiceS: number,
  found: Found,
): PlanChoice['peer'] {
  if (setting === null) return { name, why, setting };
  const { plan, report, beyondPlanS, knobs, paste, notes, considered } = setting;
  const versusChoice = report.stepTimeS / choiceS;
  const asked = { knobs: [...knobs], paste, notes: [...notes], considered };
  return { name, why, setting: { ...found(plan, report), versusChoice, beyondPlanS, ...asked } };
}

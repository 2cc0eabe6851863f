import type { FoundPlan, PlanChoice, SearchedPlan } from '../../documents/planChoice.ts';
import type { Scenario } from '../../model/scenario/scenario.ts';
import type { Row } from '../../studies/sweep/columns.ts';
import { answersTo } from '../plan/answers.ts';
import { choiceDocument } from '../plan/choiceDocument.ts';
import type { PlanQuestion } from '../plan/question.ts';
import { UNWATCHED } from '../progress.ts';

/**
 * What a search finds: the choice, or each plan of the front. One thread works on it: a sweep has others for other points.
 *
 * @throws UserError where nothing fits the caps.
 */
export async function foundRows(scenario: Scenario, question: PlanQuestion): Promise<Row[]> {
  const document = choiceDocument(scenario, await answersTo(question, scenario, UNWATCHED, 1));
  return document.front === null ? [choiceRow(document)] : document.front.map(frontRow);
}

function choiceRow({ choice, plan, bound, gap, compared }: PlanChoice): Row {
  const { doubt } = choice;
  return {
    ...searchedRow(choice),
    noneS: compared[0]!.stepTimeS,
    ...{ doubtLowS: doubt.stepS[0], doubtHighS: doubt.stepS[1] },
    ...{ doubtLowVersusNone: doubt.versusNone[0], doubtHighVersusNone: doubt.versusNone[1] },
    ...{ doubtBy: doubt.decides, doubtKey: doubt.number?.key ?? null },
    ...{ closedFormS: choice.closedFormStepTimeS, steady: choice.steady },
    ...{ boundS: bound.stepTimeS, gap, planFile: JSON.stringify(plan) },
  };
}

type FrontPlan = FoundPlan & { boundS: number; gap: number };

function frontRow(point: FrontPlan, frontIndex: number): Row {
  return {
    ...searchedRow(point),
    noneS: point.versusNone === null ? null : point.stepTimeS / point.versusNone,
    ...{ frontIndex, boundS: point.boundS, gap: point.gap, planFile: JSON.stringify(point.document) },
  };
}

function searchedRow(found: SearchedPlan): Row {
  return {
    ...{ plan: found.plan, transport: found.transport, fits: found.fits },
    ...{ stepS: found.stepTimeS, versusNone: found.versusNone },
    ...{ computeS: found.computeS, collectiveS: found.collectiveS, exposedS: found.exposedPrefetchS },
    ...{ inflationS: found.collectiveInflationS, prefetchS: found.prefetchS, windowS: found.windowS },
    ...{ deviceBytes: Math.round(found.gpuPeakBytes), pinnedBytes: Math.round(found.hostPinnedBytes) },
    ...{ boundBy: found.boundBy, clock: found.clock, powerW: found.powerW },
  };
}

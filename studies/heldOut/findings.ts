import {
  type Finding,
  type Limits,
  limitText,
  overallStanding,
  type Standing,
  standingOf,
} from '../finding.ts';
import { fixedText, percentText } from '../numberText.ts';
import type { ErrorStatistics } from './errorStatistics.ts';
import { orderSummary } from './planOrder.ts';
import type { ClassErrors, HeldOutReport } from './report.ts';

/** 5 % is what charts draw as a band and tables count; plans that differ by less are often equally good. */
const STEP_TIME: Limits = { holds: 0.05, inPart: 0.1 };
/** Of ten pairs that measure apart 19 in 20 come out in the right order at 0.9. */
const ORDER: Limits = { holds: 0.9, inPart: 0.7, isLeast: true };
/** Intervals say 95 of 100; of few steps some more may miss. */
const COVERAGE: Limits = { holds: 0.9, inPart: 0.75, isLeast: true };
/** A plan that is refused or chosen by its memory needs it to some hundredths. */
const MEMORY: Limits = { holds: 0.02, inPart: 0.05 };
/** Rounds further apart than this hide what plans differ by. */
const NOISE: Limits = { holds: 0.02, inPart: 0.05 };

export type JudgedReport = Pick<HeldOutReport, 'all' | 'orders' | 'memory'>;

/** What predictions of measured steps are used for, and how well they did: step times by both roads, order, intervals, memory. */
export function heldOutFindings({ all, orders, memory }: JudgedReport): Finding[] {
  return [
    stepTimes('simulated step times', all.simulated),
    stepTimes('closed-form step times', all.closedForm),
    orderFinding(orders),
    coverageFinding(all),
    memoryFinding(memory),
  ];
}

/** Standing of predicted steps over all that they are used for: step times and the order of plans decide. */
export function heldOutStanding(report: JudgedReport, beside: readonly Finding[] = []): Standing {
  const findings = heldOutFindings(report);
  return overallStanding([...findings, ...beside], findings.slice(0, 3));
}

/** What steps are held to, in few words. */
export const HELD_OUT_LIMITS = `step times ${STEP_TIME.holds * 100} %, order ${ORDER.holds}, intervals ${COVERAGE.holds * 100} %, memory ${MEMORY.holds * 100} %`;

/** How well the measurements agree with themselves: no prediction can be asked to come closer. */
export function noiseFinding({ noise }: Pick<ClassErrors, 'noise'>): Finding {
  return {
    about: 'repeated measurements',
    standing: standingOf(noise, NOISE),
    says:
      noise === null
        ? 'every step was measured in one round, which says nothing of its noise'
        : `rounds lie ${percentText(noise)} from their mean on average`,
    limit: limitText(NOISE),
  };
}

function stepTimes(about: string, { n, mape, bias, p95, largest }: ErrorStatistics): Finding {
  return {
    about,
    standing: standingOf(p95, STEP_TIME),
    says:
      `95 of 100 within ${percentText(p95)}, the farthest ${percentText(largest)} off; ` +
      `MAPE ${percentText(mape)}, bias ${percentText(bias)}, ${fixedText(n, 0)} steps`,
    limit: `error of 95 of 100: ${limitText(STEP_TIME)}`,
  };
}

function orderFinding(orders: HeldOutReport['orders']): Finding {
  const { decided, pairs, kendallTau } = orderSummary(orders);
  return {
    about: 'order of plans',
    standing: standingOf(kendallTau?.mean ?? null, ORDER),
    says:
      kendallTau === null
        ? 'no two plans of a workload measure further apart than 1 % and their noise'
        : `Kendall's tau ${fixedText(kendallTau.mean, 2)} on average, ${fixedText(kendallTau.least, 2)} at the least, ` +
          `of the ${fixedText(decided, 0)} of ${fixedText(pairs, 0)} pairs that measure apart`,
    limit: `mean tau: at least ${ORDER.holds}; in part from ${ORDER.inPart}`,
  };
}

function coverageFinding({ covered }: Pick<ClassErrors, 'covered'>): Finding {
  return {
    about: '95 % intervals',
    standing: standingOf(covered, COVERAGE),
    says:
      covered === null
        ? 'these predictions have no interval'
        : `${percentText(covered)} of the steps measure inside the interval around their prediction`,
    limit: limitText(COVERAGE),
  };
}

function memoryFinding(memory: ErrorStatistics | null): Finding {
  return {
    about: 'GPU memory',
    standing: standingOf(memory?.largest ?? null, MEMORY),
    says:
      memory === null
        ? 'no device reported its memory'
        : `claimed within ${percentText(memory.largest)} of what the device reports, ${percentText(memory.mape)} on average`,
    limit: `largest error: ${limitText(MEMORY)}`,
  };
}

import { type Finding, type Limits, limitText, standingOf } from '../finding.ts';
import { countText, listText, percentText } from '../numberText.ts';
import type { FittedStage } from './fitMachine.ts';
import { MOST_ERROR } from './fitVerdict.ts';
import { readingStatistics } from './readingErrors.ts';

const LIMITS: Limits = { holds: MOST_ERROR, inPart: MOST_ERROR };

/** What each stage of a fit is fit for, as `fitVerdict` says it, with the readings that decide. */
export function fitFindings(stages: readonly FittedStage[]): Finding[] {
  return stages.map(stageFinding);
}

function stageFinding({ name, result, errors }: FittedStage): Finding {
  const heldOut = readingStatistics(errors['held-out']);
  const kept = result.unidentified.map((parameter) => parameter.name);
  const numbers =
    kept.length === 0
      ? ''
      : `; ${listText(kept)} ${kept.length === 1 ? 'keeps its value' : 'keep their values'}`;
  return {
    about: name,
    standing: standingOf(heldOut?.mape ?? null, LIMITS),
    says:
      (heldOut === null
        ? 'no reading was held out'
        : `${countText(heldOut.n, 'held-out reading')}, MAPE ${percentText(heldOut.mape)}, 95 of 100 within ` +
          `${percentText(heldOut.p95)}; rounds ${percentText(heldOut.spread)} apart`) + numbers,
    limit: `MAPE of the held-out readings: ${limitText(LIMITS)}`,
  };
}

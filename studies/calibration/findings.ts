import { type Finding, type Limits, limitText, standingOf } from '../finding.ts';
import { countText, listText, percentText } from '../numberText.ts';
import type { FittedStage } from './fitMachine.ts';
import { readingStatistics } from './readingErrors.ts';

/** Of one micro-benchmark; a step is made of many, whose errors partly cancel. */
const READINGS: Limits = { holds: 0.1, inPart: 0.25 };
/** Fewer held-out readings show nothing. */
const LEAST_READINGS = 3;

/** What each stage of a fit is fit for: its numbers are judged by the readings that were held out. */
export function fitFindings(stages: readonly FittedStage[]): Finding[] {
  return stages.map(stageFinding);
}

function stageFinding({ name, result, errors }: FittedStage): Finding {
  const heldOut = readingStatistics(errors['held-out']);
  const isShown = heldOut !== null && heldOut.n >= LEAST_READINGS;
  const kept = result.unidentified.map((parameter) => parameter.name);
  const numbers =
    kept.length === 0
      ? ''
      : `; ${listText(kept)} ${kept.length === 1 ? 'keeps its value' : 'keep their values'}`;
  return {
    about: name,
    standing: standingOf(isShown ? heldOut.p95 : null, READINGS),
    says:
      (heldOut === null
        ? 'no reading was held out'
        : `${countText(heldOut.n, 'held-out reading')}, 95 of 100 within ${percentText(heldOut.p95)}, ` +
          `MAPE ${percentText(heldOut.mape)}; rounds ${percentText(heldOut.spread)} apart`) + numbers,
    limit: `error of 95 of 100 readings: ${limitText(READINGS)}; not shown by fewer than ${LEAST_READINGS}`,
  };
}

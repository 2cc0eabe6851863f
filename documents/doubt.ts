import { z } from 'zod';
import { CAUSES, type Doubt } from '../model/analytic/doubt.ts';
import { PROVENANCES } from '../model/system/system.ts';

const factors = z.tuple([z.number().min(0), z.number().min(0)]);

/** How far a prediction may be off. */
export const doubtFormat = z
  .strictObject({
    stepS: factors.describe('95 % interval of the step'),
    versusNone: factors.describe('of the step over that of no offload, which most causes move together'),
    decides: z.enum(CAUSES).describe('what widens the interval most'),
    share: z.number().describe("of the interval's squared width"),
    number: z
      .strictObject({
        key: z.string(),
        value: z.string(),
        from: z.enum(PROVENANCES),
        source: z.string(),
      })
      .nullable()
      .describe("the machine file's number behind it; null for the model itself and for measured compute"),
    says: z.string(),
  })
  .describe('95 of 100 times');

export type DoubtFields = z.input<typeof doubtFormat>;

/** A doubt about a step, as documents have it. */
export function doubtFields(doubt: Doubt, stepTimeS: number, versusNone: number): DoubtFields {
  const { step, decides, share, number } = doubt;
  return {
    stepS: [stepTimeS * step[0], stepTimeS * step[1]],
    versusNone: [versusNone * doubt.versusNone[0], versusNone * doubt.versusNone[1]],
    ...{ decides, share },
    number:
      number === null
        ? null
        : { key: number.key, value: number.shown, from: number.from, source: number.source },
    says: doubtSentence(doubt),
  };
}

/** What widens the interval most, and what would narrow it. */
function doubtSentence({ decides, kernels, number }: Doubt): string {
  if (decides === 'model') return "the model's own error, as it was on measured steps that no fit had seen";
  if (number === null) return 'the measurement of compute; a profile of more rounds would narrow it';
  const { key, shown, from, source } = number;
  const is = `${key} = ${shown} (${source === '' ? from : `${from}: ${source}`})`;
  if (decides === 'kernels' && kernels !== null)
    return `${is}: the kernels that will run may reach ${kernels.map((factor) => Number(factor.toFixed(2))).join(' to ')} of it; calibrate the machine or profile the model`;
  return from === 'measured' || from === 'fitted'
    ? is
    : `${is}; calibrate the machine, or give what you measured: --set ${key}=VALUE`;
}

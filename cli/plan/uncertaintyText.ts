import { TIE } from '../../model/optimize/search.ts';
import type { PlanChoice } from '../../model/outputSchema.ts';
import { type Column, formatTable } from '../table.ts';

type Uncertainty = NonNullable<PlanChoice['uncertainty']>;
type Corner = Uncertainty['corners'][number];

const COLUMNS: readonly Column<Corner>[] = [
  { header: 'link', value: ({ link }) => link, digits: 2 },
  { header: 'compute', value: ({ compute }) => compute, digits: 2 },
  { header: 'none ms', value: ({ noneS }) => noneS * 1e3, digits: 1 },
  { header: 'choice ms', value: ({ nominalS }) => nominalS * 1e3, digits: 1 },
  { header: 'vs none', value: ({ nominalS, noneS }) => nominalS / noneS, digits: 3 },
  { header: 'robust ms', value: ({ robustS }) => robustS * 1e3, digits: 1 },
  { header: 'vs none', value: ({ robustS, noneS }) => robustS / noneS, digits: 3 },
];

/** A smaller gain at the worst would print as none. */
const LEAST_GAIN = 1e-3;

/** The choice and the robust plan at every corner of what is not known, and how far each is from a stall. */
export function uncertaintyText(uncertainty: Uncertainty): string {
  const { link, compute, robust, corners, nominalWorst, robustWorst, costAtNominal, margins } = uncertainty;
  const same = nominalWorst - robustWorst < LEAST_GAIN;
  const verdict = same
    ? `no plan that was found is better at the worst, where the choice takes ${nominalWorst.toFixed(3)}x of none`
    : `${robust.plan} is the robust plan: at worst ${robustWorst.toFixed(3)}x of none instead of ${nominalWorst.toFixed(3)}x, and ${costText(costAtNominal)} where the machine is as its file says`;
  const ranges = [
    { what: 'the link', range: link },
    { what: 'compute', range: compute },
  ]
    .filter(({ range: [low, high] }) => low !== 1 || high !== 1)
    .map(({ what, range }) => `${what} is ${range.join(' to ')}`);
  const told = same ? margins.slice(0, 1) : margins;
  return [
    `\nIf ${ranges.join(' and ')} times what the machine's file says:\n\n`,
    formatTable(COLUMNS, corners),
    `\n${verdict}\n`,
    ...told.map((margin) => `${marginText(margin)}\n`),
  ].join('');
}

function costText(cost: number): string {
  if (Math.abs(cost) <= TIE) return 'as fast';
  return `${(100 * Math.abs(cost)).toFixed(2)} % ${cost > 0 ? 'slower' : 'faster'}`;
}

function marginText({ of, link, compute }: Uncertainty['margins'][number]): string {
  const who = of === 'nominal' ? 'the choice' : 'the robust plan';
  if (link === null || compute === null)
    return `${who} already costs more than 1 % against none on its own transport`;
  return `${who} costs 1 % against none on its own transport once the link is ${link.toFixed(2)} times what it is, or compute ${compute.toFixed(2)} times`;
}

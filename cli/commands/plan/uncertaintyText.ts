import type { PlanChoice } from '../../../documents/planChoice.ts';
import type { Direction } from '../../../model/system/direction.ts';
import { TIE } from '../../../search/search.ts';
import type { Layout } from '../../text/layout.ts';
import { type Column, formatTable } from '../../text/table.ts';
import { paragraph } from '../../text/wrap.ts';

type Uncertainty = NonNullable<PlanChoice['uncertainty']>;
type Scenario = Uncertainty['scenarios'][number];

const WORDS: Readonly<Record<Direction, string>> = {
  link: 'the link',
  compute: 'compute',
  h2d: 'H2D',
  duplex: 'both directions',
  pageable: 'pageable memory',
  collectives: 'collectives',
  beside: 'rates beside each other',
  overheads: 'overheads',
};

/** What the choice loses over what is not known of the machine, what the nominal plan would, and over which intervals. */
export function robustnessLines(uncertainty: Uncertainty): string {
  const { from, intervals, isNominal, nominal, scenarios, nominalWorst, choiceWorst, costAtNominal } =
    uncertainty;
  const ranges = intervals.map(({ direction, interval: [low, high] }) => {
    return `${WORDS[direction]} ${low.toFixed(2)} to ${high.toFixed(2)}`;
  });
  const loses = (share: number) =>
    `over ${scenarios.length} machines that ${STANDS_FOR[from]} it loses at most ${percent(share)} to the fastest plan of each`;
  const choice = isNominal
    ? `the best plan for the file's own numbers; ${loses(choiceWorst)}`
    : `${loses(choiceWorst)}; ${nominal.plan}, the best for the file's own numbers, would lose ${percent(nominalWorst)} and is ${costText(costAtNominal)} there`;
  return `${choice}\nfactors on those numbers: ${ranges.join(', ')}`;
}

const STANDS_FOR: Readonly<Record<Uncertainty['from'], string>> = {
  file: 'the file may stand for',
  hand: '--uncertain allows',
};

function percent(share: number): string {
  return `${(100 * Math.max(0, share)).toFixed(1)} %`;
}

/** How much faster the nominal plan is where the machine is as its file says. */
function costText(cost: number): string {
  if (Math.abs(cost) <= TIE) return 'as fast';
  return `${(100 * Math.abs(cost)).toFixed(2)} % ${cost > 0 ? 'faster' : 'slower'}`;
}

const COLUMNS: readonly Column<Scenario>[] = [
  { header: 'scenario', value: ({ factors }) => scenarioText(factors) },
  { header: 'fastest ms', value: ({ fastestS }) => fastestS * 1e3, digits: 1 },
  { header: 'choice ms', value: ({ choiceS }) => choiceS * 1e3, digits: 1 },
  { header: 'loses %', value: ({ choiceS, fastestS }) => 100 * (choiceS / fastestS - 1), digits: 1 },
  { header: 'nominal ms', value: ({ nominalS }) => nominalS * 1e3, digits: 1 },
  { header: 'loses %', value: ({ nominalS, fastestS }) => 100 * (nominalS / fastestS - 1), digits: 1 },
];

function scenarioText(factors: Scenario['factors']): string {
  const moved = Object.entries(factors).map(
    ([direction, factor]) => `${WORDS[direction as Direction]} x ${factor.toFixed(2)}`,
  );
  return moved.length === 0 ? "the file's numbers" : moved.join(', ');
}

/** Both plans in every scenario, and how far the machine may be off before each stalls: for intervals that were asked about. */
export function scenariosText({ scenarios, margins }: Uncertainty, layout: Layout): string {
  return [
    `\nIf the machine is not what its file says, one step:\n\n`,
    formatTable(COLUMNS, scenarios, layout),
    ...(margins ?? []).map(
      (margin, index) => `${index === 0 ? '\n' : ''}${paragraph(marginText(margin), layout)}`,
    ),
  ].join('');
}

function marginText({ of, link, compute }: NonNullable<Uncertainty['margins']>[number]): string {
  const who = of === 'choice' ? 'the choice' : 'the nominal plan';
  if (link === null || compute === null)
    return `${who} already costs more than 1 % against none on its own transport`;
  return `${who} costs 1 % against none on its own transport once the link is ${link.toFixed(2)} times what it is, or compute ${compute.toFixed(2)} times`;
}

import type { PlanChoice } from '../../../documents/planChoice.ts';
import type { Layout } from '../../text/layout.ts';
import { type Column, formatTable } from '../../text/table.ts';
import { paragraph, paragraphs } from '../../text/wrap.ts';

type Explanation = NonNullable<PlanChoice['explanation']>;
type Sensitivity = Explanation['sensitivities'][number];

const COLUMNS: readonly Column<Sensitivity>[] = [
  { header: 'parameter', value: ({ parameter }) => parameter },
  { header: 'value', value: ({ value }) => value },
  { header: 'step', value: ({ dStep, unit }) => `${signed(dStep)} ${unit}` },
  { header: '% per %', value: ({ elasticity }) => elasticity, digits: 3 },
];
/** Where the power cap holds the clock, it gives way to what the step gains. */
const WITH_CLOCK: Column<Sensitivity> = {
  header: 'with clock',
  value: ({ withClock }) => withClock?.elasticity ?? null,
  digits: 3,
};
const HOW: Column<Sensitivity> = {
  header: 'how',
  value: ({ how, why }) => (why === null ? how : `${how}: ${why}`),
};
/** Less than this per cent for a per cent is nothing. */
const LEAST_SHOWN = 5e-4;
/** Would print as 0.00 ms. */
const LEAST_SAVED_S = 5e-6;

/** Where the choice stops being hidden, and what its step depends on. */
export function explanationText(
  document: PlanChoice,
  { breakEvens, sensitivities, mixedTransportGainS }: Explanation,
  layout: Layout,
): string {
  const sorted = [...sensitivities].sort((a, b) => weight(b) - weight(a));
  const shown = sorted.filter((one) => weight(one) >= LEAST_SHOWN);
  const rest = sorted.filter((one) => weight(one) < LEAST_SHOWN).map(({ parameter }) => parameter);
  const clock = sensitivities.some(({ withClock }) => withClock !== null) ? [WITH_CLOCK] : [];
  return [
    paragraphs('\nThe offload costs 1 % or less against none on the same transport (closed form):', layout),
    '\n',
    ...breakEvenLines(document, breakEvens).map((line) => paragraph(line, layout)),
    '\nWhat the step depends on (closed form), the strongest first:\n\n',
    formatTable([...COLUMNS, ...clock, HOW], shown, layout),
    rest.length === 0 ? '' : paragraph(`hardly or not at all: ${rest.join(', ')}`, layout),
    document.workload.ranks === 1 ? '' : mixedText(mixedTransportGainS),
  ].join('');
}

function mixedText(gainS: number): string {
  const most = gainS < LEAST_SAVED_S ? 'nothing' : `${(gainS * 1e3).toFixed(2)} ms a step at the most`;
  return `\na transport of its own for each collective would save ${most}\n`;
}

function weight({ elasticity, withClock }: Sensitivity): number {
  return Math.max(Math.abs(elasticity), Math.abs(withClock?.elasticity ?? 0));
}

function breakEvenLines(
  { workload, plan }: PlanChoice,
  { tokens, frames, batch, h2dBytesPerS, computeSpeed, sp, spBeyond }: Explanation['breakEvens'],
): string[] {
  if (plan.slots === 0) return ['always: the choice streams nothing'];
  const point = (what: string, value: number | null, shown: (value: number) => string, now?: number) =>
    `${what}: ${value === null ? 'no such point' : shown(value)}${now === undefined ? '' : ` (now ${whole(now)})`}`;
  const degrees = sp.map(
    ({ degree, hidden, stepTimeS, noneS }) =>
      `${degree} ${hidden ? 'yes' : 'no'} (${(stepTimeS / noneS).toFixed(2)}x)`,
  );
  const beyond = spBeyond.length === 0 ? '' : `; more GPUs than the machine has: ${spBeyond.join(', ')}`;
  const fixed = (digits: number) => (value: number) => value.toFixed(digits);
  const sizes =
    workload.from === 'profile'
      ? []
      : [
          point('from so many tokens on', tokens, whole, workload.tokens),
          ...(workload.frames === 1 ? [] : [point('from so many frames on', frames, whole, workload.frames)]),
          point('from a batch of', batch, fixed(2), workload.batch),
        ];
  return [
    ...sizes,
    point('from an H2D rate of', h2dBytesPerS, (rate) => `${(rate / 1e9).toFixed(1)} GB/s`),
    point("up to compute that is as fast as this machine's times", computeSpeed, fixed(2)),
    ...(workload.from === 'profile'
      ? []
      : [`at a sequence-parallel degree of: ${degrees.join(', ')}${beyond}`]),
  ];
}

function whole(value: number): string {
  return Math.ceil(value).toLocaleString('en-US');
}

function signed(value: number): string {
  const text = Number(value.toPrecision(3)).toString();
  return value > 0 ? `+${text}` : text;
}

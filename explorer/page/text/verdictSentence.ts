import type { PlanReport } from '../../../documents/planReport.ts';
import type { Prediction } from '../../../documents/prediction.ts';
import { SIDE_NAMES, SIDES, type Side } from '../model/sides.ts';
import { gibibytes, gibibytesNumber, interval, milliseconds, percent } from './units.ts';

/** A piece of a sentence; what is strong carries the answer. */
export interface Phrase {
  text: string;
  strong?: boolean;
  /** Somebody's own words, in whatever direction they are written. */
  isName?: boolean;
}

export interface Verdict {
  /** The side that the sentence is about; null where neither fits. */
  side: Side | null;
  phrases: readonly Phrase[];
}

/** Ratios closer to one than this are one: neither a reader nor the model tells them apart. */
const ALIKE = 0.0005;

/**
 * The answer in one sentence: which plan, how long a step takes and between what, how that is against the other plan and no offload,
 * whether it fits, and what decides the doubt.
 *
 * @param prediction of plan A, plan B and no offload.
 * @param capBytes of each GPU; null for all that it has.
 */
export function verdictOf({ plans, machine }: Prediction, capBytes: number | null): Verdict {
  const [a, b, none] = plans as [PlanReport, PlanReport, PlanReport];
  const capacity = capBytes ?? machine.gpuMemoryBytes;
  const fitting = SIDES.filter((side) => fitsIn(plans[side]!, capacity));
  if (fitting.length === 0) return { side: null, phrases: neitherFits(a, b, capacity) };
  const side = fitting.length === 1 ? fitting[0]! : b.stepTimeS < a.stepTimeS ? 1 : 0;
  const [report, other] = side === 0 ? [a, b] : [b, a];
  const isAlone = fitting.length === 1;
  return {
    side,
    phrases: [
      { text: `${SIDE_NAMES[side]}, `, strong: true },
      { text: report.plan, strong: true, isName: true },
      { text: ', takes ' },
      { text: milliseconds(report.stepTimeS), strong: true },
      { text: ` a step (95 %: ${interval(report.doubt.stepS)})` },
      { text: ', ' },
      ...againstNone(report, none),
      ...(isAlone ? [] : againstOther(report, other, side)),
      { text: ', and ' },
      { text: 'fits', strong: true },
      { text: `: ${gibibytesNumber(report.gpuPeakBytes)} of ${gibibytes(capacity)}` },
      ...(isAlone ? [{ text: `; ${misfit(side === 0 ? 1 : 0, other, capacity)}` }] : []),
      { text: `; the largest doubt is ${doubtOf(report)}.` },
    ],
  };
}

/** Whether a plan is within a cap on the GPU's memory, and within the host's. */
export function fitsIn({ boundBy, gpuPeakBytes }: PlanReport, capBytes: number): boolean {
  return boundBy !== 'memory' && boundBy !== 'host-memory' && gpuPeakBytes <= capBytes;
}

export function plain(phrases: readonly Phrase[]): string {
  return phrases.map(({ text }) => text).join('');
}

function against(ratio: number, what: string): Phrase[] {
  const more = ratio - 1;
  if (Math.abs(more) < ALIKE) return [{ text: 'as fast as ', strong: true }, { text: what }];
  return [
    { text: `${percent(Math.abs(more))} ${more > 0 ? 'slower' : 'faster'}`, strong: true },
    { text: ` than ${what}` },
  ];
}

/** What streaming costs, and where the plan has another transport than no offload beside it, what both do together. */
function againstNone({ stepTimeS, transport, versusNone }: PlanReport, none: PlanReport): Phrase[] {
  const ratio = stepTimeS / none.stepTimeS;
  if (transport === none.transport || versusNone === null) return against(ratio, 'no offload');
  return [
    ...against(ratio, `no offload over ${none.transport}`),
    { text: ', ' },
    ...against(versusNone, `no offload over ${transport}`),
  ];
}

function againstOther(report: PlanReport, other: PlanReport, side: Side): Phrase[] {
  const phrases = against(report.stepTimeS / other.stepTimeS, SIDE_NAMES[side === 0 ? 1 : 0]);
  return [
    { text: ' and ' },
    ...phrases,
    ...(isOpen(report, other) ? [{ text: ' (the doubt leaves that open)' }] : []),
  ];
}

/** Whether the plans could stand the other way round: most causes move both, so their ratios to no offload decide. */
function isOpen(report: PlanReport, other: PlanReport): boolean {
  const isAlike = Math.abs(report.stepTimeS / other.stepTimeS - 1) < ALIKE;
  return !isAlike && report.doubt.versusNone[1] > other.doubt.versusNone[0];
}

function neitherFits(a: PlanReport, b: PlanReport, capBytes: number): Phrase[] {
  return [
    { text: 'Neither plan fits', strong: true },
    { text: `: ${misfit(0, a, capBytes)}; ${misfit(1, b, capBytes)}.` },
  ];
}

function misfit(
  side: Side,
  { boundBy, gpuPeakBytes, hostPinnedBytes }: PlanReport,
  capBytes: number,
): string {
  const name = SIDE_NAMES[side];
  return boundBy === 'host-memory' && gpuPeakBytes <= capBytes
    ? `${name} pins ${gibibytes(hostPinnedBytes)} of host memory, more than a rank's share`
    : `${name} needs ${gibibytes(gpuPeakBytes)} of ${gibibytes(capBytes)}`;
}

const WORDS = {
  model: "the model's own error",
  kernels: 'how fast the kernels are',
  h2d: 'the rate of the link to the GPU',
  duplex: 'the rate of the link in both directions',
  pageable: 'the rate of copies from pageable memory',
  collectives: 'the rate of collectives',
  beside: 'what copies and collectives keep beside each other',
  compute: 'the speed of compute',
  overheads: 'start-up times',
  link: 'the rates of all links',
} as const satisfies Record<PlanReport['doubt']['decides'], string>;

function doubtOf({ doubt: { decides, number } }: PlanReport): string {
  return number === null ? WORDS[decides] : `${WORDS[decides]} (${number.key} = ${number.value})`;
}

import type { Direction } from './direction.ts';
import { SET_BY_HAND } from './overrides.ts';
import type { Provenance, ProvenanceEntry, System } from './system.ts';

/** Factors that a machine may differ by from its file along one direction; the lower at most 1, the upper at least 1. */
export interface Unknown {
  direction: Direction;
  interval: readonly [number, number];
}

/** Numbers of a machine file, by the keys that they have in it. */
const NUMBERS: Readonly<Record<Exclude<Direction, 'link'>, RegExp>> = {
  h2d: /^(gpu\.copyEngine\.h2d|tree\..+\.(down|reads))$/,
  duplex: /^tree\..+\.(duplex|memory|writes)$/,
  pageable: /^host\.(pageable|pageableOut)$/,
  collectives: /^(transports\..+\.rate|network\.payload)$/,
  beside: /^transports\..+\.besideH2d\.(collective|h2d)$/,
  compute: /^gpu\.efficiency\.(gemm|attention)(\..+)?$/,
  overheads:
    /^(gpu\.copyEngine\.(startUp|gap|paceOverhead)|gpu\.kernelOverhead\..+|host\.eagerLaunch|transports\..+\.(latency|peer|flag|gap))$/,
};

/**
 * Widths of numbers without an interval, to both sides as shares of the number.
 *
 * Two comparisons of the committed H200 machines gave them. Numbers measured or fitted by hand (`h200-x1`) against those that
 * `fit` made of another day's readings (`h200-x1-fitted`): copies and compute differ by at most 2.5 %, rates of collectives by
 * 1.3 to 20 % (median 3.5 %), retained fractions by 1.2 to 38 % (median 11 %), times by a factor of 1.07 to 5. The same GPU
 * calibrated again: at most 2.2, 2.7, 10 (median 2.7) and 23 %, gaps beside 8 and 16 CTAs 54 and 75 %. Published numbers are of
 * another card of the kind; data sheets and defaults are of none: the efficiencies of `h100-sxm-x8`, which are defaults, are 8
 * and 15 % below what `h200-x1-fitted` has for the same chip. Pageable memory gave 7.2 and 8.5 GB/s in, 1.4 and 1.6 out, on two
 * hosts of one kind, and tools' copies through it took 0.45 to 1.47 of what those readings say, by which tensors malloc
 * finds new pages for (experiments/attach/tools).
 */
const WIDTHS: Readonly<Record<Exclude<Direction, 'link'>, Readonly<Record<Provenance, number>>>> = {
  h2d: { measured: 0.02, fitted: 0.02, published: 0.05, datasheet: 0.1, default: 0.1 },
  duplex: { measured: 0.03, fitted: 0.03, published: 0.05, datasheet: 0.1, default: 0.1 },
  pageable: { measured: 0.5, fitted: 0.5, published: 0.5, datasheet: 1, default: 1.5 },
  collectives: { measured: 0.05, fitted: 0.05, published: 0.1, datasheet: 0.2, default: 0.2 },
  beside: { measured: 0.1, fitted: 0.1, published: 0.15, datasheet: 0.2, default: 0.2 },
  compute: { measured: 0.02, fitted: 0.02, published: 0.05, datasheet: 0.1, default: 0.1 },
  overheads: { measured: 0.5, fitted: 0.5, published: 1, datasheet: 1, default: 1 },
};

/** By default host memory carries more than links do, and is no limit that could be uncertain. */
const IDLE_BY_DEFAULT = /^tree\..+\.memory$/;

/** Both directions of a link where the file gives no rate of both together, which then is their sum. */
const UNSAID_DUPLEX: readonly [number, number] = [0.9, 1];

/**
 * What hosts of several real GPUs differ by from each other, on top of what a file says of one: with two GPUs copying, each
 * got 45 to 53 GB/s on four hosts whose single GPUs all got 55; with four GPUs 38 to 40. Both directions of all GPUs cross the
 * host's memory and differ as much again.
 */
const HOST_TO_HOST = {
  h2d: [0.85, 1],
  duplex: [0.8, 1],
} as const satisfies Partial<Record<Direction, readonly [number, number]>>;

/** A number that is wider than this is unknown, and no more than that. */
const WIDEST = 3;

/**
 * The directions in which a machine is uncertain, as its file has it: by the intervals of its fitted numbers, and where those
 * have none by their provenance. Of several numbers of a direction the interval is the geometric mean of theirs. Numbers that
 * were set by hand are exact.
 *
 * Pageable memory is left out: no plan of ours copies from it. `unknownOf` has it.
 *
 * Real machines of several GPUs also differ from host to host, whatever host the file was fitted on.
 */
export function unknownsOf(system: System): Unknown[] {
  const directions = (Object.keys(NUMBERS) as (keyof typeof NUMBERS)[]).filter(
    (direction) => direction !== 'pageable',
  );
  const hasFlows = system.transports.some(({ kind }) => kind === 'flow');
  return directions
    .filter((direction) => hasFlows || (direction !== 'collectives' && direction !== 'beside'))
    .map((direction) => unknownOf(system, direction))
    .filter(({ interval: [low, high] }) => low < 1 || high > 1);
}

/** The numbers of a machine file that lie in a direction, as far as they could be a limit; those of `link` are those of `h2d`. */
export function numbersOf({ provenance }: System, direction: Direction): ProvenanceEntry[] {
  const pattern = NUMBERS[direction === 'link' ? 'h2d' : direction];
  return provenance.filter(
    ({ key, from }) => pattern.test(key) && !(from === 'default' && IDLE_BY_DEFAULT.test(key)),
  );
}

/** What is not known of one direction; the interval is [1, 1] where all is. */
export function unknownOf(system: System, direction: Exclude<Direction, 'link'>): Unknown {
  return { direction, interval: combined(intervalOf(system, direction), hostToHost(system, direction)) };
}

function intervalOf(system: System, direction: keyof typeof NUMBERS): readonly [number, number] {
  const numbers = numbersOf(system, direction);
  if (numbers.length === 0) return direction === 'duplex' ? UNSAID_DUPLEX : [1, 1];
  const intervals = numbers.map((number) => ownInterval(number, direction));
  const mean = (side: 0 | 1) => {
    const logs = intervals.map((interval) => Math.log(interval[side]));
    return Math.exp(logs.reduce((sum, log) => sum + log, 0) / logs.length);
  };
  return [mean(0), mean(1)];
}

function ownInterval(
  { from, source, interval }: ProvenanceEntry,
  direction: keyof typeof NUMBERS,
): readonly [number, number] {
  if (source === SET_BY_HAND) return [1, 1];
  const [low, high] = interval ?? [1 / (1 + WIDTHS[direction][from]), 1 + WIDTHS[direction][from]];
  return [Math.max(1 / WIDEST, low), Math.min(WIDEST, high)];
}

function hostToHost({ peer, gpus }: System, direction: Direction): readonly [number, number] {
  const isShared = peer === 'real' && gpus.length > 1;
  return isShared && direction in HOST_TO_HOST
    ? HOST_TO_HOST[direction as keyof typeof HOST_TO_HOST]
    : [1, 1];
}

/** Independent causes: their logarithms add up like standard deviations do. */
function combined(one: readonly [number, number], other: readonly [number, number]): [number, number] {
  const side = (at: 0 | 1) => Math.hypot(Math.log(one[at]), Math.log(other[at]));
  return [Math.exp(-side(0)), Math.exp(side(1))];
}

import { type Place, UserError } from '../input/userError.ts';
import { arrivalsOf } from './arrivals.ts';
import { kindOf } from './labels.ts';
import type { CopyOp, Op, StepProgram } from './stepProgram.ts';
import type { Interval, Phase, Timeline } from './timeline.ts';
import { weightWaits } from './weightWaits.ts';
import { wholeCollectives } from './wholeCollectives.ts';

const ANEW = 'measure it anew with this version';

/**
 * A measured step as a simulated one of the same program has it, so that both are shown and summed alike: staged collectives in one
 * piece, chunks at the block that they are for, the time that blocks waited for weights, and which chunk each of them waited for.
 *
 * @param program that was measured; its operations of rank 0 are every rank's.
 * @param place of the intervals, for messages.
 * @throws UserError where the intervals are of other operations than the program's.
 */
export function likeSimulated(
  timeline: Pick<Timeline, 'source' | 'stepTimeS' | 'intervals'>,
  program: StepProgram,
  place: (index: number) => Place | undefined = () => undefined,
): Timeline {
  refuseOtherProgram(timeline.intervals, program, place);
  const named = timeline.intervals.map((interval) => withPhase(interval, program));
  const intervals = wholeCollectives(withChunks(named, program, place));
  const waits = weightWaits(intervals, program);
  return {
    ...timeline,
    intervals: [...intervals, ...waits],
    links: [],
    arrivals: arrivalsOf(intervals, program),
  };
}

/** An interval with the part of a staged collective that its operation says it is; first records do not say it themselves. */
function withPhase(interval: Interval, { ops }: StepProgram): Interval {
  const phase = phaseOf(ops[interval.op]!);
  return phase === undefined ? interval : { ...interval, phase };
}

function phaseOf(op: Op): Phase | undefined {
  if (op.kind === 'delay' && op.role === 'reduce') return 'sum';
  if (op.kind !== 'mark') return undefined;
  if (op.role === 'collective-begin') return 'begin';
  return op.role === 'collective-end' ? 'end' : undefined;
}

/**
 * Copies with the bytes of their own chunk or piece, the operation that it is, and the block that it is for. A record has them as parts
 * of the first operation, each with its share of the bytes.
 */
function withChunks(
  intervals: readonly Interval[],
  program: StepProgram,
  place: (index: number) => Place | undefined,
): Interval[] {
  const copies = new Map<string, number[]>();
  for (const [index, { rank, op }] of intervals.entries()) {
    if (program.ops[op]!.kind !== 'copy') continue;
    const known = copies.get(`${rank}.${op}`);
    if (known === undefined) copies.set(`${rank}.${op}`, [index]);
    else known.push(index);
  }
  const exact = [...intervals];
  for (const indices of copies.values()) {
    const [first] = indices;
    const { op: id, name } = intervals[first!]!;
    const chunks = chunksOf(program.ops[id] as CopyOp, program);
    if (chunks.length !== indices.length)
      throw new UserError(
        `timeline.intervals.${first}: \`${name}\` has ${indices.length} chunks, those of the program that this plan lowers to ${chunks.length}; ${ANEW}`,
        place(first!),
      );
    // A copy engine takes them in their order.
    indices.sort((a, b) => intervals[a]!.startS - intervals[b]!.startS);
    for (const [part, index] of indices.entries()) exact[index] = { ...intervals[index]!, ...chunks[part]! };
  }
  return exact;
}

/** The chunks of a prefetch, or the pieces of a staged collective from one on, in their order. */
function chunksOf(op: CopyOp, { ops }: StepProgram): Pick<Interval, 'op' | 'bytes' | 'position'>[] {
  const position = op.target?.position ?? op.position;
  if (op.role === 'prefetch')
    return Array.from({ length: Math.ceil(op.bytes / op.chunkBytes) }, (_, chunk) => ({
      ...{ op: op.id, position },
      bytes: Math.min(op.chunkBytes, op.bytes - chunk * op.chunkBytes),
    }));
  return ops.flatMap((piece) =>
    piece.kind === 'copy' &&
    piece.role === 'staging' &&
    piece.rank === op.rank &&
    piece.group === op.group &&
    piece.phase === op.phase &&
    piece.direction === op.direction
      ? [{ op: piece.id, position, bytes: piece.bytes }]
      : [],
  );
}

function refuseOtherProgram(
  intervals: readonly Interval[],
  { ops }: StepProgram,
  place: (index: number) => Place | undefined,
): void {
  for (const [index, { op: id, name, position }] of intervals.entries()) {
    const op = ops[id];
    if (op !== undefined && op.position === position && kindOf(op.label) === kindOf(name)) continue;
    throw new UserError(
      `timeline.intervals.${index}: \`${name}\` at position ${position} is not operation ${id} of the program that this plan lowers to; ${ANEW}`,
      place(index),
    );
  }
}

import { withoutBlock, withoutPiece } from '../../model/program/labels.ts';
import type { Op, StepProgram, StreamKind } from '../../model/program/stepProgram.ts';
import { identifier, Names } from '../escape.ts';

/** A place in a stream that others wait for: the `point`-th of a position. */
export interface PointRef {
  position: number;
  point: number;
  stepsAgo: 0 | 1;
}

/** One call on the runtime's Rank, still as data. `shown`: it has intervals in a timeline. */
export type Statement =
  | { kind: 'after'; stream: StreamKind; ref: PointRef; of: string }
  | { kind: 'mark'; stream: StreamKind; point: number; of: string }
  | { kind: 'run'; segment: number; op: number; label: string }
  | { kind: 'collective'; collective: number; op: number; label: string; bytes: number }
  | {
      kind: 'prefetch';
      target: { position: number; stepsAhead: number; slot: number };
      from: number;
      to: number;
      chunkBytes: number;
      paceS: number;
      gated: boolean;
      pageable: boolean;
      op: number;
      label: string;
    }
  | { kind: 'staged-begin' | 'staged-end'; collective: number; op: number; label: string }
  | {
      kind: 'stage-out';
      collective: number;
      phase: number;
      first: number;
      count: number;
      op: number;
      label: string;
      bytes: number;
    }
  | {
      kind: 'stage-in';
      stream: StreamKind;
      collective: number;
      phase: number;
      first: number;
      count: number;
      op: number;
      label: string;
      bytes: number;
    }
  | { kind: 'reduce'; collective: number; op: number; label: string }
  | { kind: 'launch-window'; seconds: number; op: number; label: string };

export interface PositionStatements {
  position: number;
  statements: readonly Statement[];
}

export interface StepStatements {
  positions: readonly PositionStatements[];
  /** What is waited for anywhere in the step, by name; a point's number is its place here. */
  points: readonly string[];
}

/**
 * What rank 0 enqueues in a step, position by position. The other ranks' parts must be alike: one source serves all.
 *
 * A wait that its stream's own order already implies is left out; every other one becomes a mark behind the operation that
 * is waited for and an `after` before the one that waits.
 */
export function stepStatements(program: StepProgram): StepStatements {
  refuseUnlikeRanks(program);
  const own = program.ops.filter((op) => op.rank === 0);
  const points = pointsOf(own, program);
  const byPosition = Array.from({ length: program.blocks.length }, () => [] as Op[]);
  for (const op of own) byPosition[op.position]!.push(op);
  return {
    positions: byPosition.map((ops, position) => ({
      position,
      statements: new Writer(program, points.of).write(ops),
    })),
    points: points.names,
  };
}

interface Point {
  position: number;
  point: number;
  name: string;
}

/** A reader of a staged piece waits for its writer's flag itself, whichever rank wrote it. */
function waitsForFlag(waiting: Op, awaited: Op): boolean {
  return (
    awaited.kind === 'delay' &&
    awaited.role === 'flag' &&
    waiting.kind === 'copy' &&
    waiting.role === 'staging' &&
    waiting.direction === 'h2d'
  );
}

function needsPoint(waiting: Op, awaited: Op): boolean {
  if (waitsForFlag(waiting, awaited)) return false;
  // Streams are first in, first out, across steps as well.
  return awaited.stream !== waiting.stream;
}

/** The operations that others wait for. Those that stand for the same thing in different blocks have the same name. */
function pointsOf(own: readonly Op[], program: StepProgram): { of: Map<number, Point>; names: string[] } {
  const awaited = new Set<number>();
  for (const op of own) {
    for (const wait of op.waits) {
      const target = program.ops[wait.op]!;
      if (needsPoint(op, target)) awaited.add(target.id);
    }
  }
  const names: string[] = [];
  const of = new Map<number, Point>();
  const taken = new Map<number, Names>();
  for (const op of own) {
    if (!awaited.has(op.id)) continue;
    const inPosition = taken.get(op.position) ?? new Names();
    taken.set(op.position, inPosition);
    const name = inPosition.unique(identifier(pointName(op)));
    if (!names.includes(name)) names.push(name);
    of.set(op.id, { position: op.position, point: names.indexOf(name), name });
  }
  return { of, names };
}

function pointName(op: Op): string {
  switch (op.kind) {
    case 'mark':
      return op.role === 'block-start' ? 'start' : withoutBlock(op.label);
    case 'compute':
      return `${withoutBlock(op.label)} done`;
    case 'copy':
      return op.role === 'prefetch' ? 'copied' : `${withoutPiece(withoutBlock(op.label))} done`;
    case 'collective':
      return `${withoutBlock(op.label)} done`;
    case 'delay':
      return `${op.role === 'flag' ? withoutPiece(withoutBlock(op.label)) : withoutBlock(op.label)} done`;
  }
}

class Writer {
  readonly #program: StepProgram;
  readonly #points: ReadonlyMap<number, Point>;
  readonly #statements: Statement[] = [];
  readonly #awaited = new Set<string>();
  #segment = 0;
  /** Number of each collective within its position. */
  readonly #collectives = new Map<number, number>();

  constructor(program: StepProgram, points: ReadonlyMap<number, Point>) {
    this.#program = program;
    this.#points = points;
  }

  write(ops: readonly Op[]): Statement[] {
    for (const op of ops) {
      this.#waits(op);
      this.#statement(op);
      const point = this.#points.get(op.id);
      if (point !== undefined) {
        this.#statements.push({ kind: 'mark', stream: op.stream, point: point.point, of: point.name });
      }
    }
    return this.#statements;
  }

  #waits(op: Op): void {
    for (const wait of op.waits) {
      const awaited = this.#program.ops[wait.op]!;
      if (!needsPoint(op, awaited)) continue;
      if (wait.stepsAgo === 0 && awaited.id > op.id) {
        throw new Error(
          `operation ${op.id} (${op.label}) is enqueued before ${awaited.id}, which it waits for`,
        );
      }
      const { position, point, name } = this.#points.get(awaited.id)!;
      // What a stream has waited for once lies behind it for good.
      const key = `${op.stream} ${position} ${point} ${wait.stepsAgo}`;
      if (this.#awaited.has(key)) continue;
      this.#awaited.add(key);
      this.#statements.push({
        kind: 'after',
        stream: op.stream,
        ref: { position, point, stepsAgo: wait.stepsAgo },
        of: name,
      });
    }
  }

  #statement(op: Op): void {
    const { id, label } = op;
    switch (op.kind) {
      case 'compute':
        this.#statements.push({ kind: 'run', segment: this.#segment, op: id, label: withoutBlock(label) });
        this.#segment += 1;
        return;
      case 'collective':
        this.#statements.push({
          kind: 'collective',
          collective: this.#numberOf(op.group),
          op: id,
          label: withoutBlock(label),
          bytes: op.sentBytes,
        });
        return;
      case 'copy':
        if (op.role === 'staging') {
          this.#stage(op);
          return;
        }
        this.#statements.push({
          kind: 'prefetch',
          target: {
            position: op.target!.position,
            stepsAhead: op.target!.stepsAhead,
            slot: op.target!.slot,
          },
          from: op.target!.from,
          to: op.target!.to,
          chunkBytes: op.chunkBytes,
          paceS: op.paceS,
          gated: op.pausedByHost,
          pageable: Number.isFinite(op.sourceBytesPerS),
          op: id,
          label: withoutBlock(label),
        });
        return;
      case 'mark':
        if (op.role === 'collective-begin' || op.role === 'collective-end') {
          this.#statements.push({
            kind: op.role === 'collective-begin' ? 'staged-begin' : 'staged-end',
            collective: this.#numberOf(op.group),
            op: id,
            label: withoutBlock(label),
          });
        }
        return;
      case 'delay':
        if (op.role === 'launch') {
          this.#statements.push({
            kind: 'launch-window',
            seconds: op.durationS,
            op: id,
            label: withoutBlock(label),
          });
        } else if (op.role === 'reduce') {
          const collective = this.#collectives.size - 1;
          this.#statements.push({ kind: 'reduce', collective, op: id, label: withoutBlock(label) });
        }
        return;
    }
  }

  #numberOf(group: number): number {
    const known = this.#collectives.get(group);
    if (known !== undefined) return known;
    this.#collectives.set(group, this.#collectives.size);
    return this.#collectives.size - 1;
  }

  /** Pieces of one exchange that follow each other in their stream become one call. */
  #stage(op: Op & { kind: 'copy' }): void {
    const collective = this.#numberOf(op.group);
    const kind = op.direction === 'd2h' ? 'stage-out' : 'stage-in';
    const earlier = this.#statements.filter(
      (statement) =>
        statement.kind === kind && statement.collective === collective && statement.phase === op.phase,
    ) as (Statement & { kind: 'stage-out' | 'stage-in' })[];
    const last = earlier.at(-1);
    const inBetween = this.#statements.slice(last === undefined ? 0 : this.#statements.indexOf(last) + 1);
    const interrupted = inBetween.some(
      (statement) =>
        ('stream' in statement && statement.stream === op.stream) ||
        (statement.kind === 'prefetch' && op.stream === 'copy'),
    );
    if (last !== undefined && !interrupted) {
      last.count += 1;
      last.bytes += op.bytes;
      return;
    }
    const first = earlier.reduce((sum, { count }) => sum + count, 0);
    const common = {
      collective,
      phase: op.phase,
      first,
      count: 1,
      op: op.id,
      label: withoutPiece(withoutBlock(op.label)),
      bytes: op.bytes,
    };
    this.#statements.push(
      kind === 'stage-out' ? { kind, ...common } : { kind, stream: op.stream, ...common },
    );
  }
}

/** Ranks run the same source, so their operations must be the same but for whom they wait for. */
function refuseUnlikeRanks(program: StepProgram): void {
  const shapeOf = (rank: number) =>
    program.ops
      .filter((op) => op.rank === rank)
      .map((op) => `${op.stream} ${op.kind} ${op.position} ${op.label} ${op.kind === 'copy' ? op.bytes : ''}`)
      .join('\n');
  const first = shapeOf(0);
  for (let rank = 1; rank < program.ranks; rank += 1) {
    if (shapeOf(rank) !== first) throw new Error(`rank ${rank} runs another program than rank 0`);
  }
}

import type { StreamKind } from '../../model/program/stepProgram.ts';
import type { Statement, StepStatements } from '../view/statements.ts';

/** An attached model computes and waits for its collectives on one stream, its own. */
function isOfTheModel(stream: StreamKind): boolean {
  return stream === 'compute' || stream === 'collective';
}

/**
 * The statements of a step whose compute and collectives share a stream: waits that this stream's own order implies are left
 * out, and so are the points that nobody waits for any more.
 */
export function onOneModelStream({ positions, points }: StepStatements): StepStatements {
  const marked = new Map<number, boolean>();
  for (const { statements } of positions) {
    for (const own of statements) {
      if (own.kind === 'mark') marked.set(own.point, isOfTheModel(own.stream));
    }
  }
  const isImplied = (own: Statement) =>
    own.kind === 'after' && isOfTheModel(own.stream) && marked.get(own.ref.point) === true;
  const key = (position: number, point: number) => position * points.length + point;
  const awaited = new Set<number>();
  for (const { statements } of positions) {
    for (const own of statements) {
      if (own.kind === 'after' && !isImplied(own)) awaited.add(key(own.ref.position, own.ref.point));
    }
  }
  const used = new Set([...awaited].map((place) => place % points.length));
  const kept = points.flatMap((_, point) => (used.has(point) ? [point] : []));
  const renumbered = (point: number) => kept.indexOf(point);
  return {
    points: kept.map((point) => points[point]!),
    positions: positions.map(({ position, statements }) => ({
      position,
      statements: statements.flatMap((own): Statement[] => {
        if (isImplied(own)) return [];
        if (own.kind === 'after') return [{ ...own, ref: { ...own.ref, point: renumbered(own.ref.point) } }];
        if (own.kind !== 'mark') return [own];
        return awaited.has(key(position, own.point)) ? [{ ...own, point: renumbered(own.point) }] : [];
      }),
    })),
  };
}

import type { RoutineStatement } from '../view/routines.ts';

/** A point that an attached model passes in a block, with what its plan enqueues there. */
export interface Hook {
  /** `collective` counts from 0 within the block. */
  at: { point: 'begins' | 'ends' } | { point: 'collective begins' | 'collective ends'; collective: number };
  statements: RoutineStatement[];
}

/**
 * Cuts what a block enqueues at the points that an attached model passes: its begin; begin and end of each collective; its end. The
 * model computes and exchanges by itself, so that `run` and `collective` are left out and only separate the others.
 *
 *   [begins] run [collective 0 begins] collective [collective 0 ends] run ... run [ends]
 *
 * A collective that the plan carries itself, in pieces, is all in its begin: the model hands it over and goes on behind it.
 *
 * @throws Error where two collectives have no compute between them: a profile always gives a window.
 */
export function hooksOf(statements: readonly RoutineStatement[], collectives: number): Hook[] {
  const hooks: Hook[] = [{ at: { point: 'begins' }, statements: [] }];
  let exchanged = 0;
  /** Behind compute: they go to the next point, since what they mark has not been launched at the one before. */
  let behindCompute: RoutineStatement[] | null = null;
  for (const own of statements) {
    switch (own.statement.kind) {
      case 'run':
        behindCompute ??= [];
        break;
      case 'collective':
        if (behindCompute === null)
          throw new Error('a collective has no compute before it; a profile gives each a window');
        hooks.push({ at: { point: 'collective begins', collective: exchanged }, statements: behindCompute });
        hooks.push({ at: { point: 'collective ends', collective: exchanged }, statements: [] });
        exchanged += 1;
        behindCompute = null;
        break;
      case 'staged-begin':
        if (behindCompute === null)
          throw new Error('a collective has no compute before it; a profile gives each a window');
        hooks.push({ at: { point: 'collective begins', collective: exchanged }, statements: behindCompute });
        behindCompute.push(own);
        behindCompute = null;
        break;
      case 'staged-end':
        hooks.at(-1)!.statements.push(own);
        hooks.push({ at: { point: 'collective ends', collective: exchanged }, statements: [] });
        exchanged += 1;
        break;
      case 'after':
      case 'mark':
      case 'prefetch':
      case 'stage-out':
      case 'stage-in':
        (behindCompute ?? hooks.at(-1)!.statements).push(own);
        break;
      default:
        throw new Error(`an attached model cannot run ${own.statement.kind}`);
    }
  }
  if (exchanged !== collectives) throw new Error(`${exchanged} collectives of ${collectives} are lowered`);
  hooks.push({ at: { point: 'ends' }, statements: behindCompute ?? [] });
  return hooks;
}

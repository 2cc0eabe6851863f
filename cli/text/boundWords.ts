import type { BoundBy } from '../../model/analytic/report.ts';

/** What limits a step, as a table says it; the JSON has the names of `BOUNDS`. */
export const BOUND_WORDS: Readonly<Record<BoundBy, string>> = {
  compute: 'compute',
  collectives: 'collectives',
  link: 'link',
  // The link idles: another schedule could use it.
  yield: 'schedule',
  memory: 'GPU memory',
  'host-memory': 'host memory',
  host: 'host',
};

/** Whether a plan with this bound can run at all. */
export function fitsMachine(boundBy: BoundBy): boolean {
  return boundBy !== 'memory' && boundBy !== 'host-memory';
}

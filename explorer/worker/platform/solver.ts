import type { Highs } from '../../../search/solver.ts';
import { globalOf } from './scripts.ts';

let solver: Promise<Highs> | undefined;

/** HiGHS, in place of search/solver.ts: 3.5 MB of WebAssembly, which are loaded when the first search is asked for. */
export function loadSolver(): Promise<Highs> {
  solver ??= globalOf<() => Promise<Highs>>('highs.js', 'Module')();
  // The next search tries again.
  solver.catch(() => {
    solver = undefined;
  });
  return solver;
}

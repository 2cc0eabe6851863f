import type { Highs } from '../../../search/solver.ts';
import { globalOf } from './scripts.ts';

/** HiGHS, in place of search/solver.ts: 3.5 MB of WebAssembly, which are loaded when the first search is asked for. */
export function loadSolver(): Promise<Highs> {
  return globalOf<() => Promise<Highs>>('highs.js', 'Module')();
}

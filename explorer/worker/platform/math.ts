import type { MathJsInstance } from 'mathjs';
import { globalOf } from './scripts.ts';

/** mathjs, in place of model/input/math.ts: loaded where an expression needs it, which those of the package's files do not. */
export function mathjs(): MathJsInstance {
  return globalOf<MathJsInstance>('math.js', 'math');
}

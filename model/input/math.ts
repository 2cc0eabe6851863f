import { createRequire } from 'node:module';
import type { MathJsInstance } from 'mathjs';

const require = createRequire(import.meta.url);
let loaded: MathJsInstance | undefined;

/**
 * mathjs, loaded at the first call: most commands never need it, and it takes longer to load than a prediction to compute.
 *
 * Its one-file build, since the package's ES entry is over a thousand modules; by `require`, which a function can wait for.
 */
export function mathjs(): MathJsInstance {
  loaded ??= require('mathjs/lib/browser/math.js') as MathJsInstance;
  return loaded;
}

/**
 * mathjs as its one-file build: the package's ES entry is over a thousand modules, which take longer to load than a
 * prediction takes to compute.
 */
export { default as math } from 'mathjs/lib/browser/math.js';

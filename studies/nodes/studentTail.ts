/**
 * Two-sided tail of Student's distribution: how likely |t| or more is by chance, with `free` degrees of freedom, which need not be
 * whole. P = I_x(free / 2, 1 / 2) with x = free / (free + t^2), the regularized incomplete beta function.
 *
 * @example studentTail(12.706, 1) // 0.05
 */
export function studentTail(t: number, free: number): number {
  return incompleteBeta(free / (free + t * t), free / 2, 1 / 2);
}

/** The |t| that chance exceeds with a probability. @example studentQuantile(0.05, 2) // 4.303 */
export function studentQuantile(tail: number, free: number): number {
  let [low, high] = [0, 1];
  while (studentTail(high, free) > tail) high *= 2;
  for (let round = 0; round < 100; round += 1) {
    const middle = (low + high) / 2;
    if (studentTail(middle, free) > tail) low = middle;
    else high = middle;
  }
  return high;
}

/** I_x(a, b) by the continued fraction of Abramowitz and Stegun 26.5.8, evaluated as Lentz does. */
function incompleteBeta(x: number, a: number, b: number): number {
  if (x <= 0) return 0;
  if (x >= 1) return 1;
  const front = Math.exp(a * Math.log(x) + b * Math.log1p(-x) + logGamma(a + b) - logGamma(a) - logGamma(b));
  return x < (a + 1) / (a + b + 2)
    ? (front * betaFraction(x, a, b)) / a
    : 1 - (front * betaFraction(1 - x, b, a)) / b;
}

const TINY = 1e-300;

function betaFraction(x: number, a: number, b: number): number {
  const nonZero = (value: number) => (Math.abs(value) < TINY ? TINY : value);
  let c = 1;
  let d = 1 / nonZero(1 - ((a + b) * x) / (a + 1));
  let fraction = d;
  for (let m = 1; m <= 1000; m += 1) {
    const even = (m * (b - m) * x) / ((a + 2 * m - 1) * (a + 2 * m));
    const odd = (-(a + m) * (a + b + m) * x) / ((a + 2 * m) * (a + 2 * m + 1));
    for (const term of [even, odd]) {
      d = 1 / nonZero(1 + term * d);
      c = nonZero(1 + term / c);
      fraction *= c * d;
    }
    if (Math.abs(c * d - 1) < 1e-15) break;
  }
  return fraction;
}

/** Lanczos' approximation with 9 terms, right to 15 digits above 0. */
function logGamma(x: number): number {
  const [first, ...rest] = LANCZOS;
  const y = x - 1;
  const base = y + 7.5;
  const sum = rest.reduce((total, term, index) => total + term / (y + index + 1), first!);
  return 0.5 * Math.log(2 * Math.PI) + (y + 0.5) * Math.log(base) - base + Math.log(sum);
}

const LANCZOS = [
  0.99999999999980993, 676.5203681218851, -1259.1392167224028, 771.32342877765313, -176.61502916214059,
  12.507343278686905, -0.13857109526572012, 9.9843695780195716e-6, 1.5056327351493116e-7,
];

/**
 * Rate at which a resource serves a demand that it shares, both in the same unit. It carries no more than the demand and no
 * more than its capacity, and the closer the two, the more it falls behind both:
 *
 *   served = (demand^-p + capacity^-p)^(-1/p)
 *
 * with p its sharpness. Infinity is a hard limit, the smaller of the two. Host memory under the copies of several GPUs: one
 * of 54.6 GB/s is served at 54.4, four ask for 218 and get 156 (capacity 165 GB/s, p = 4; experiments with k of 4 GPUs).
 * Scaling demand and capacity scales what is served.
 *
 * @param demand above 0, may be Infinity unless the capacity is.
 * @example served(3, 4, 2) // 2.4
 */
export function served(demand: number, capacity: number, sharpness: number): number {
  const [less, more] = demand < capacity ? [demand, capacity] : [capacity, demand];
  if (!Number.isFinite(sharpness) || !Number.isFinite(more)) return less;
  return less * (1 + (less / more) ** sharpness) ** (-1 / sharpness);
}

/** 0, 1, 2, ...: as many numbers as there are blocks, settings or experts to go through. */
export function countUp(count: number): number[] {
  return Array.from({ length: count }, (_, index) => index);
}

/** In place of search/frontThreads.ts: the worker is the only thread. */
export function frontThreads(): number {
  return 1;
}

export function inThread(): never {
  throw new Error('there is one thread');
}

declare const self: Record<string, unknown>;
declare function importScripts(url: string): void;

/**
 * The global that a script beside the worker's own makes. It is loaded at the first call, and at once, which only workers that are no
 * modules may do: what is rarely needed need not be waited for by what calls it.
 */
export function globalOf<Global>(script: string, name: string): Global {
  if (!(name in self)) importScripts(script);
  return self[name] as Global;
}

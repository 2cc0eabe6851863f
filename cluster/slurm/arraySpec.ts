import { shown, UserError } from '../../model/input/userError.ts';

/** Numbers as `sbatch --array` takes them, in order and each once: `0-2,7`. */
export function arraySpec(numbers: readonly number[]): string {
  const sorted = [...new Set(numbers)].sort((a, b) => a - b);
  const runs: [first: number, last: number][] = [];
  for (const number of sorted) {
    const run = runs.at(-1);
    if (run !== undefined && run[1] === number - 1) run[1] = number;
    else runs.push([number, number]);
  }
  return runs.map(([first, last]) => (first === last ? `${first}` : `${first}-${last}`)).join(',');
}

/** Reads such numbers; `where` names what gave them. @throws UserError for anything else. */
export function numbersOfSpec(spec: string, where: string): number[] {
  return spec.split(',').flatMap((part) => {
    const match = /^(\d+)(?:-(\d+))?$/.exec(part.trim());
    const first = Number(match?.[1]);
    const last = Number(match?.[2] ?? first);
    if (match === null || last < first)
      throw new UserError(`${where} ${shown(spec)}: expected numbers and ranges such as 3,7-9`);
    return Array.from({ length: last - first + 1 }, (_, index) => first + index);
  });
}

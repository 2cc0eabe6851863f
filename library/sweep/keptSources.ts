import { FILES } from '../../model/scenario/files.ts';
import type { ScenarioSources } from '../../model/scenario/scenario.ts';

/** More than the models of the catalogue, so that grids over all of them read each once. */
const MODELS = 96;
/** Machines hold what was worked out on them; points of one follow each other. */
const MACHINES = 24;
const PROFILES = 8;

/** Models, machines and profiles as files give them, the last ones kept: thousands of points name the same few. */
export function keptSources(): ScenarioSources {
  return {
    loadDit: kept(FILES.loadDit, MODELS),
    loadSystem: kept(FILES.loadSystem, MACHINES),
    readProfile: kept(FILES.readProfile, PROFILES),
  };
}

function kept<Args extends unknown[], Result>(
  load: (...args: Args) => Result,
  most: number,
): (...args: Args) => Result {
  const known = new Map<string, Result>();
  return (...args) => {
    const key = JSON.stringify(args);
    const result = known.has(key) ? known.get(key)! : load(...args);
    // Put behind all others: the first of a map is the one that was not asked for longest.
    known.delete(key);
    known.set(key, result);
    if (known.size > most) known.delete(known.keys().next().value!);
    return result;
  };
}

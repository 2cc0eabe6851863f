import { FILES } from '../../model/scenario/files.ts';
import type { ScenarioSources } from '../../model/scenario/scenario.ts';

/** What a person goes back and forth between while dragging; a system or a model has some hundred kilobytes. */
const MOST_KEPT = 24;

/** Models, machines and profiles that were read before, by what they were asked for: a drag changes one thing and reads none. */
export class KeptSources implements ScenarioSources {
  readonly loadDit = kept(FILES.loadDit);
  readonly loadSystem = kept(FILES.loadSystem);
  readonly readProfile = kept(FILES.readProfile);
}

/** A function that remembers what it last gave; what it throws is thrown anew. */
function kept<Given extends unknown[], Result>(
  read: (...given: Given) => Result,
): (...given: Given) => Result {
  const known = new Map<string, Result>();
  return (...given) => {
    const key = JSON.stringify(given);
    const result = known.get(key) ?? read(...given);
    // Again at the end: the first is what was not asked for the longest.
    known.delete(key);
    known.set(key, result);
    if (known.size > MOST_KEPT) known.delete(known.keys().next().value!);
    return result;
  };
}

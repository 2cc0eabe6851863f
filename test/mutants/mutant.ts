/** A planted fault: one small change to a file of the project that the file's tests must notice. */
export interface Mutant {
  /** What the change makes wrong; with the file it is the mutant's name. */
  breaks: string;
  /** Source text that occurs in the file exactly once. */
  original: string;
  mutated: string;
  /** Test files beside those of the group, run first: the ones that decide this term. */
  tests?: readonly string[];
  /** Why no test can tell the change from the original. Only for a mutant that is known to survive. */
  reason?: string;
}

/** Mutants of one file. */
export interface MutantGroup {
  /** Paths from the project's root. */
  file: string;
  tests: readonly string[];
  mutants: readonly Mutant[];
}

/** A mutant by itself, as it is run. */
export interface PlantedMutant {
  name: string;
  file: string;
  original: string;
  mutated: string;
  tests: readonly string[];
  reason: string | null;
}

/** Spreads groups into mutants, each under the name `file: what it breaks`. */
export function planted(groups: readonly MutantGroup[]): PlantedMutant[] {
  return groups.flatMap(({ file, tests, mutants }) =>
    mutants.map(
      ({ breaks, original, mutated, tests: own = [], reason = null }): PlantedMutant => ({
        ...{ name: `${file}: ${breaks}`, file, original, mutated, reason },
        tests: [...new Set([...own, ...tests])],
      }),
    ),
  );
}

/**
 * The file's text with the change made.
 *
 * @throws Error unless the original text occurs exactly once and the change is one: the row must follow its file.
 */
export function mutatedText(text: string, { name, original, mutated }: PlantedMutant): string {
  const occurrences = text.split(original).length - 1;
  if (occurrences !== 1) {
    throw new Error(
      `${name}: the original text occurs ${occurrences} times, expected once: ${JSON.stringify(original)}`,
    );
  }
  if (original === mutated) throw new Error(`${name}: the mutated text is the original`);
  // A function as replacement, since `$&` in a text would stand for something else.
  return text.replace(original, () => mutated);
}

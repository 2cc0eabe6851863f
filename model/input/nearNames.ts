const LONGEST_NAME = 100;

/**
 * The names nearest to a misspelt one, best first: fewest single-letter edits (Levenshtein distance), where
 * a name that contains the text, or is contained in it, counts as half an edit away.
 *
 * @example nearNames('flux1-dev', ['flux.1-dev', 'dit-xl-2'], 1) // ['flux.1-dev']
 */
export function nearNames(given: string, names: readonly string[], most = 3): string[] {
  // Longer text is no misspelt name, and edits take time with the product of both lengths.
  const text = given.slice(0, LONGEST_NAME);
  const distance = (name: string) =>
    text !== '' && (name.includes(text) || text.includes(name))
      ? 0.5
      : edits(text, name.slice(0, LONGEST_NAME));
  return names
    .map((name) => ({ name, distance: distance(name) }))
    .sort((a, b) => a.distance - b.distance)
    .slice(0, most)
    .map(({ name }) => name);
}

function edits(from: string, to: string): number {
  let row = Array.from({ length: to.length + 1 }, (_, column) => column);
  for (let line = 1; line <= from.length; line++) {
    const next = [line];
    for (let column = 1; column <= to.length; column++) {
      const replace = row[column - 1]! + (from[line - 1] === to[column - 1] ? 0 : 1);
      next.push(Math.min(replace, row[column]! + 1, next[column - 1]! + 1));
    }
    row = next;
  }
  return row[to.length]!;
}

/**
 * Commands in a page beside what they print:
 *
 * - a fence `sh` with one command, over as many lines as `\` continues it;
 * - a comment `<!-- shown: PATTERN; PATTERN -->`, or `<!-- shown: ...| columns: HEADER, HEADER -->`: which lines of the output the
 *   page shows, and which columns of its tables (all, where none is named);
 * - a fence with these lines, between which `...` stands for what is left out.
 */
export interface PrintedBlock {
  args: readonly string[];
  shown: Shown;
  /** What the page has. */
  printed: string;
  /** Where `printed` lies in the page. */
  from: number;
  to: number;
}

/** A command that sentences of a page quote, without a block: `<!-- checked: COMMAND | TEXT | TEXT -->`. */
export interface Quoted {
  args: readonly string[];
  /** What the output has to hold. */
  texts: readonly string[];
}

/** What a page shows of an output. */
export interface Shown {
  lines: readonly RegExp[];
  columns: readonly string[];
}

/** Columns of a page's blocks; longer lines are folded. */
const WIDTH = 100;
const BLOCK =
  /^```sh\n(chunkflow (?:[^`]*?))\n```\n\n<!-- shown: (.*?)(?: \| columns: (.*?))? -->\n\n```\n([\s\S]*?)^```$/gm;

/** All commands of a page whose output it shows. */
export function printedBlocks(page: string): PrintedBlock[] {
  return [...page.matchAll(BLOCK)].map((match) => {
    const [whole, command, lines, columns, printed] = match;
    const to = match.index + whole.length - '```'.length;
    return {
      args: argumentsOf(command!),
      shown: {
        lines: lines!.split('; ').map((pattern) => new RegExp(pattern)),
        columns: columns?.split(', ') ?? [],
      },
      printed: printed!,
      from: to - printed!.length,
      to,
    };
  });
}

/** All commands that a page quotes without showing their output. */
export function quotedCommands(page: string): Quoted[] {
  return [...page.matchAll(/<!-- checked: (chunkflow .*?) \| (.*?) -->/gs)].map(([, command, texts]) => ({
    args: argumentsOf(command!),
    texts: texts!.split(' | '),
  }));
}

/** A page with other text in its blocks, in their order. */
export function withPrinted(page: string, blocks: readonly PrintedBlock[], texts: readonly string[]): string {
  const ends = [0, ...blocks.map(({ to }) => to)];
  const parts = blocks.map(({ from }, index) => page.slice(ends[index], from) + texts[index]);
  return parts.join('') + page.slice(ends.at(-1));
}

/** Arguments of a command line, behind its name; double quotes hold spaces together. */
export function argumentsOf(command: string): string[] {
  const words = command.replace(/\\\n/g, ' ').match(/(?:"[^"]*"|[^\s"])+/g) ?? [];
  return words.slice(1).map((word) => word.replaceAll('"', ''));
}

/**
 * The lines that a page shows of an output, with `...` where others are left out and their tables' headers.
 *
 * @throws Error for a pattern that no line has, or a column that no table has: the page would show less than it means to.
 */
export function shownText(output: string, { lines: patterns, columns }: Shown): string {
  const { rows, missing } = withColumns(output.split('\n'), columns);
  if (missing.length > 0) throw new Error(`no table has a column ${missing.join(', ')}`);
  for (const pattern of patterns)
    if (!rows.some(({ text }) => pattern.test(text))) throw new Error(`no line has ${pattern}`);
  const kept = rows.map(({ text }) => patterns.some((pattern) => pattern.test(text)));
  // A row of a table stands under its header and rule.
  for (const [index, { header }] of rows.entries())
    if (kept[index] && header !== null) kept[header] = kept[header + 1] = true;
  const parts: string[] = [];
  let leftOut: string[] = [];
  for (const [index, { text }] of rows.entries()) {
    if (!kept[index]) leftOut.push(text);
    else {
      if (leftOut.some((other) => other !== '')) parts.push('...');
      else if (leftOut.length > 0 && parts.length > 0) parts.push('');
      leftOut = [];
      parts.push(...folded(text));
    }
  }
  if (leftOut.some((other) => other !== '')) parts.push('...');
  return `${parts.join('\n')}\n`;
}

interface Row {
  text: string;
  /** Index of the header of the table that it is a row of. */
  header: number | null;
}

/** Lines of an output, those of tables with the columns that are asked for alone. */
function withColumns(
  lines: readonly string[],
  columns: readonly string[],
): { rows: Row[]; missing: string[] } {
  const found = new Set<string>();
  const rows: Row[] = lines.map((text) => ({ text, header: null }));
  for (const [index, rule] of lines.entries()) {
    if (!/^-+( {2}-+)*$/.test(rule)) continue;
    const cells = [...rule.matchAll(/-+/g)].map((dashes) => [dashes.index, dashes.index + dashes[0].length]);
    const titles = cells.map(([start, end]) => lines[index - 1]!.slice(start, end).trim());
    const wanted = cells.filter((_, cell) => columns.includes(titles[cell]!));
    for (const title of titles) found.add(title);
    const shown = wanted.length > 0 ? wanted : cells;
    const last = lines.indexOf('', index);
    for (let row = index - 1; row < last; row += 1) {
      const text = shown
        .map(([start, end]) => lines[row]!.slice(start, end).padEnd(end! - start!))
        .join('  ');
      rows[row] = { text: text.trimEnd(), header: row > index ? index - 1 : null };
    }
  }
  return { rows, missing: columns.filter((column) => !found.has(column)) };
}

/** A line in pieces of at most `WIDTH` columns, broken at spaces; all but the first are indented. */
function folded(line: string): string[] {
  if (line.length <= WIDTH) return [line];
  const at = line.lastIndexOf(' ', WIDTH);
  const end = at <= 4 ? line.indexOf(' ', WIDTH) : at;
  if (end === -1) return [line];
  return [line.slice(0, end), ...folded(`    ${line.slice(end + 1)}`)];
}

import { readFileSync } from 'node:fs';
import { isAlias, isMap, isScalar, type Node, parseDocument } from 'yaml';
import type { FittedMachine } from './fitMachine.ts';
import type { FittedEntry } from './machineValues.ts';

/**
 * The machine's file with its fitted numbers in place: comments and everything else stay as they are, and each fitted number
 * says its interval and the readings it came from.
 *
 * @param id by default the calibrated machine's own with `-fitted`, wherever its file lies.
 * @param text that the numbers are written into, by default the machine's file as it is.
 */
export function fittedMachineFile(
  { source, entries, system }: FittedMachine,
  id: string = `${system.id}-fitted`,
  text: string = readFileSync(source.file, 'utf8'),
): string {
  const document = parseDocument(text);
  document.set('id', id);
  setEntries(document, entries);
  return document.toString({ lineWidth: 0 });
}

/** The text of a machine's file with numbers in place. */
export function withEntriesIn(text: string, entries: ReadonlyMap<string, FittedEntry>): string {
  const document = parseDocument(text);
  setEntries(document, entries);
  return document.toString({ lineWidth: 0 });
}

function setEntries(
  document: ReturnType<typeof parseDocument>,
  entries: ReadonlyMap<string, FittedEntry>,
): void {
  for (const [key, entry] of entries) {
    const node = document.createNode(entry) as Node;
    if (isMap(node)) node.flow = true;
    const path = keysOf(document, key.split('.'));
    // What an alias stands for has been written where its anchor is.
    if (path.some((_, at) => isAlias(document.getIn(path.slice(0, at), true)))) continue;
    document.setIn(path, node);
  }
}

/** Keys as the document has them: `"2"` under `ctas` is text there, and a number nowhere. */
function keysOf(document: ReturnType<typeof parseDocument>, path: readonly string[]): unknown[] {
  const keys: unknown[] = [];
  for (const part of path) {
    const here = keys.length === 0 ? document.contents : document.getIn(keys, true);
    const pair = isMap(here)
      ? here.items.find(({ key }) => isScalar(key) && String(key.value) === part)
      : undefined;
    keys.push(pair !== undefined && isScalar(pair.key) ? pair.key.value : part);
  }
  return keys;
}

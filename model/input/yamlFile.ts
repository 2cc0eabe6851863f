import {
  Composer,
  type CST,
  type Document,
  isAlias,
  isMap,
  isPair,
  isScalar,
  isSeq,
  Lexer,
  LineCounter,
  type Node,
  Parser,
  type YAMLMap,
} from 'yaml';
import type { z } from 'zod';
import { CHECKED_ONCE } from './checkedOnce.ts';
import { files } from './files.ts';
import { nearNames } from './nearNames.ts';
import { issueText } from './schemaIssue.ts';
import { type Place, UserError } from './userError.ts';

const MAX_BYTES = 1024 * 1024;
/** Maps and lists inside each other; the deepest file of ours has seven. The parser recurses, so there must be an end. */
const MAX_DEPTH = 64;

/** Aliases in a file; the most that one of ours has is 16. The parser looks for what each one names in the whole document. */
const MAX_ALIASES = 200;

/** A YAML file that was read, with the way back from a path in it to line and column. */
export interface YamlFile {
  file: string;
  value: unknown;
  /** Lines of its text, and whether the last one has an end: a file that was cut off inside a line has not. */
  lines: number;
  isEnded: boolean;
  place(path: readonly PropertyKey[]): Place;
}

/**
 * Reads one YAML file and remembers where each value stands.
 *
 * A file above 1 MiB or with more than a hundred alias expansions is refused before it is expanded: ours are a
 * few kilobytes, so such a file is a mistake or a bomb.
 *
 * @throws UserError if it cannot be read, is too large, or is no valid YAML.
 */
export function readYamlFile(file: string): YamlFile {
  const attempt = <T>(read: () => T): T => {
    try {
      return read();
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      throw new UserError(`cannot be read (${code}); give a name from the catalogue or the path of a file`, {
        file,
      });
    }
  };
  const { bytes } = attempt(() => files.status(file));
  if (bytes > MAX_BYTES) {
    const place = { file, line: 1, column: 1 };
    throw new UserError(
      `the file has ${bytes} bytes, expected at most ${MAX_BYTES}; is it a model or machine description?`,
      place,
    );
  }
  return parseYaml(
    file,
    attempt(() => files.text(file)),
  );
}

/** As readYamlFile, for text that is already in memory; `file` is only for messages. */
export function parseYaml(file: string, text: string): YamlFile {
  const lines = new LineCounter();
  const at = (offset: number): Place => {
    const { line, col } = lines.linePos(offset);
    return { file, line, column: col };
  };
  const documents = documentsOf(text, lines, at);
  const [document] = documents;
  const [error] = document.errors;
  if (error !== undefined) throw new UserError(error.message.split('\n')[0]!, at(error.pos[0]));
  if (documents.length > 1)
    throw new UserError('a second document begins; keep one in a file', at(documents[1]!.range[0]));
  checkNodes(document, at);
  let value: unknown;
  try {
    value = document.toJS({ maxAliasCount: 100 });
  } catch {
    throw new UserError('aliases expand to more than a hundred copies; write the values out', at(0));
  }
  const { line } = lines.linePos(text.trimEnd().length);
  return {
    ...{ file, value, lines: Math.max(1, line), isEnded: text.endsWith('\n') },
    place: (path) => at(offsetOf(document, path)),
  };
}

/**
 * The documents of a text, at least one, before keys are compared: the parser's own comparison of each key with all others
 * takes minutes for a hundred thousand.
 *
 * @throws UserError for what is nested too deeply.
 */
function documentsOf(
  text: string,
  lines: LineCounter,
  at: (offset: number) => Place,
): [Document.Parsed, ...Document.Parsed[]] {
  const parser = new Parser(lines.addNewLine);
  lines.addNewLine(0);
  const tokens: CST.Token[] = [];
  for (const lexeme of new Lexer().lex(text)) {
    for (const token of parser.next(lexeme)) tokens.push(token);
    // Beside collections, the stack holds the document and what is read last.
    if (parser.stack.length > MAX_DEPTH + 2)
      throw new UserError(`nested more than ${MAX_DEPTH} levels deep; write it flatter`, at(parser.offset));
  }
  for (const token of parser.end()) tokens.push(token);
  const composer = new Composer({ uniqueKeys: false, prettyErrors: false });
  const [first, ...more] = [...composer.compose(tokens, true, text.length)] as Document.Parsed[];
  return [first!, ...more];
}

/**
 * @throws UserError at the second of two keys of a map that have the same name in JavaScript, as `1` and `"1"` do, at an alias
 * that stands in the very value that it names, and where there are too many of them.
 */
function checkNodes(document: Document.Parsed, at: (offset: number) => Place): void {
  const waiting: (Node | null)[] = [document.contents];
  let aliases = 0;
  for (let node = waiting.pop(); node !== undefined; node = waiting.pop()) {
    if (isAlias(node)) {
      aliases += 1;
      if (aliases > MAX_ALIASES)
        throw new UserError(`more than ${MAX_ALIASES} aliases; write the values out`, at(node.range![0]));
      const [from, , end] = node.resolve(document)?.range ?? [0, 0, 0];
      const [offset] = node.range!;
      if (from <= offset && offset < end)
        throw new UserError(`*${node.source} stands in what it names; write the value out`, at(offset));
    }
    if (isMap(node)) refuseKeyTwice(node, at);
    if (isMap(node) || isSeq(node)) {
      for (const item of node.items) waiting.push((isPair(item) ? item.value : item) as Node | null);
    }
  }
}

function refuseKeyTwice(map: YAMLMap, at: (offset: number) => Place): void {
  const seen = new Set<string>();
  for (const { key } of map.items) {
    if (key === null) continue;
    if (!isScalar(key))
      throw new UserError(
        'a map, a list or an alias is a key here; give a name',
        at((key as Node).range?.[0] ?? 0),
      );
    const name = String(key.value);
    if (seen.has(name)) throw new UserError('Map keys must be unique', at(key.range![0]));
    seen.add(name);
  }
}

/**
 * The file's value, checked against a zod schema.
 *
 * @throws UserError with the place, path and value of the first thing that does not fit.
 */
export function checked<Schema extends z.ZodType>(source: YamlFile, schema: Schema): z.output<Schema> {
  const result = schema.safeParse(source.value, { reportInput: true, ...CHECKED_ONCE });
  if (result.success) return result.data;
  const { issues } = result.error;
  // A misspelt key is also a missing one; the misspelling says more.
  const unknown = issues.find((issue) => issue.code === 'unrecognized_keys');
  const issue = unknown ?? deepest(issues);
  const path = issue.code === 'unrecognized_keys' ? [...issue.path, issue.keys[0]!] : issue.path;
  const name = path.map(String).join('.') || 'the file';
  throw new UserError(`${name}: ${explain(issue, issues)}`, source.place(path));
}

/** Rethrows a UserError of `compute` with the place of `path` in front. */
export function placed<T>(source: YamlFile, path: readonly PropertyKey[], compute: () => T): T {
  try {
    return compute();
  } catch (error) {
    if (!(error instanceof UserError) || error.place !== undefined) throw error;
    throw new UserError(`${path.map(String).join('.')}: ${error.message}`, source.place(path));
  }
}

/** Of a union's failures, the one that got furthest into the value says most about what was meant. */
function deepest(issues: readonly z.core.$ZodIssue[]): z.core.$ZodIssue {
  const first = issues[0]!;
  if (first.code !== 'invalid_union' || first.errors.length === 0) return first;
  const inner = first.errors
    .map((errors) => deepest(errors))
    .reduce((best, issue) => (issue.path.length > best.path.length ? issue : best));
  return inner.path.length > 0 ? { ...inner, path: [...first.path, ...inner.path] } : first;
}

function explain(issue: z.core.$ZodIssue, all: readonly z.core.$ZodIssue[]): string {
  if (issue.code === 'unrecognized_keys') {
    const [meant] = nearNames(issue.keys[0]!, missingKeys(all, issue.path), 1);
    return meant === undefined
      ? 'unknown key; check the spelling against the format page in docs/'
      : `unknown key; did you mean "${meant}"?`;
  }
  return issueText(issue);
}

/** Keys that a map should have and has not. */
function missingKeys(issues: readonly z.core.$ZodIssue[], map: readonly PropertyKey[]): string[] {
  return issues
    .filter((issue) => issue.input === undefined && issue.path.length === map.length + 1)
    .filter((issue) => map.every((key, index) => key === issue.path[index]))
    .map((issue) => String(issue.path.at(-1)));
}

/** Offset of the deepest node on the path that exists; of a map's own entry where the value is a map, its key. */
function offsetOf(document: Document, path: readonly PropertyKey[]): number {
  let node = document.contents as Node | null;
  let offset = node?.range?.[0] ?? 0;
  for (const key of path) {
    if (isAlias(node)) node = node.resolve(document) ?? null;
    if (isMap(node)) {
      const pair = node.items.find((item) => isScalar(item.key) && String(item.key.value) === String(key));
      if (pair === undefined) return offset;
      offset = (pair.key as Node).range?.[0] ?? offset;
      node = pair.value as Node | null;
    } else if (isSeq(node)) {
      node = (node.items[Number(key)] as Node | undefined) ?? null;
      offset = node?.range?.[0] ?? offset;
    } else return offset;
    if (node !== null && !isMap(node)) offset = node.range?.[0] ?? offset;
  }
  return offset;
}

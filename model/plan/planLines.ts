import { files } from '../input/files.ts';
import { parseJson } from '../input/jsonFile.ts';
import { nearNames } from '../input/nearNames.ts';
import { shown, UserError } from '../input/userError.ts';
import type { YamlFile } from '../input/yamlFile.ts';
import type { Workload } from '../workload/workload.ts';
import type { Plan } from './plan.ts';
import { planDocument } from './planDocument.ts';

/** A line of a file of plans. */
interface NamedLine {
  name: string;
  number: number;
  text: string;
}

/** A plan as a line of a file of many, `plans.jsonl`; its end of line included. */
export function planLine(plan: Plan, workload: Workload): string {
  return `${JSON.stringify(planDocument(plan, workload))}\n`;
}

/**
 * The names of all plans of a JSON Lines file, in its order.
 *
 * @throws UserError as `linesOfPlans`.
 */
export function planNames(file: string): string[] {
  return linesOf(file).map(({ name }) => name);
}

/**
 * All plans of a JSON Lines file, in its order: the file is read once, however many they are.
 *
 * @throws UserError with file and line for a line that is no JSON object with a name, and for a name that two lines have.
 */
export function linesOfPlans(file: string): YamlFile[] {
  return linesOf(file).map((line) => parsedLine(file, line));
}

/**
 * The line that `plans.jsonl#name` stands for; without a name, the only one.
 *
 * @throws UserError where no line has that name, or several plans are there and none is named; and as `linesOfPlans`.
 */
export function lineOfPlan(text: string): YamlFile {
  const [, file, name] = /^(.*?\.jsonl)(?:#(.+))?$/s.exec(text)!;
  const lines = linesOf(file!);
  if (name === undefined && lines.length > 1) {
    const names = lines.map((line) => line.name);
    throw new UserError(`holds ${lines.length} plans; take one of them as ${file}#${names[0]}`, {
      file: file!,
    });
  }
  const line = name === undefined ? lines[0]! : lines.find((candidate) => candidate.name === name);
  if (line !== undefined) return parsedLine(file!, line);
  const near = nearNames(
    name!,
    lines.map((candidate) => candidate.name),
  ).join(' ');
  throw new UserError(`holds no plan ${shown(name)}; nearest: ${near}`, { file: file! });
}

function linesOf(file: string): NamedLine[] {
  const lines = textOf(file)
    .split('\n')
    .map((text, index) => ({ text, number: index + 1 }))
    .filter(({ text }) => text.trim() !== '')
    .map(({ text, number }) => ({ name: nameOf(file, text, number), number, text }));
  if (lines.length === 0) throw new UserError('holds no plan', { file, line: 1 });
  const firstOf = new Map<string, number>();
  for (const { name, number } of lines) {
    const first = firstOf.get(name);
    if (first !== undefined)
      throw new UserError(`name: ${shown(name)} is also the plan of line ${first}; rename one`, {
        ...{ file, line: number },
      });
    firstOf.set(name, number);
  }
  return lines;
}

function nameOf(file: string, text: string, line: number): string {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new UserError(`is not JSON: ${(error as Error).message}`, { file, line });
  }
  const { name } = (value ?? {}) as { name?: unknown };
  if (typeof name === 'string' && name !== '') return name;
  throw new UserError(`name: expected the plan's name, got ${shown(name)}`, { file, line });
}

/** A line read as what it is, with places that know where in the file it stands. */
function parsedLine(file: string, { text, number }: NamedLine): YamlFile {
  const source = parseJson(file, text, 'write the plan anew');
  return { ...source, place: (path) => ({ ...source.place(path), line: number }) };
}

function textOf(file: string): string {
  try {
    return files.text(file);
  } catch (error) {
    throw new UserError(`cannot be read (${(error as NodeJS.ErrnoException).code}); give a file of plans`, {
      file,
    });
  }
}

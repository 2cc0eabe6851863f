import { isAbsolute, join } from 'node:path';
import { type Place, shown, UserError } from '../../model/input/userError.ts';
import { isPlanFile, openPlan, type PlanSource, sourceOf } from '../../model/plan/planFile.ts';
import { linesOfPlans } from '../../model/plan/planLines.ts';
import { overTransport } from '../../model/presets/planText.ts';
import type { Cell } from './experimentFile.ts';

/** Plans as an experiment lists them. */
export interface ListedPlans {
  plans: readonly string[];
  planFiles: readonly string[];
  transports?: readonly string[] | undefined;
}

/**
 * The plans of a cell by their names: presets, each with every transport, and plans of files, which have theirs.
 *
 * @param folder that files are looked for from.
 * @throws UserError for a file that cannot be read or holds no plan, and where two plans have one name.
 */
export function cellPlans(
  { plans, planFiles, transports }: ListedPlans,
  folder: string,
  place: Place,
): Required<Pick<Cell, 'plans' | 'planFiles'>> {
  const named = (transports ?? [null]).flatMap((transport, index) =>
    plans.flatMap((text): { name: string; source?: PlanSource }[] => {
      if (!isPlanFile(text)) return [{ name: transport === null ? text : overTransport(text, transport) }];
      return index === 0 ? [fromFile(inFolder(text, folder))] : [];
    }),
  );
  const all = [...named, ...planFiles.flatMap((file) => plansOf(inFolder(file, folder)).map(namedBySource))];
  const names = all.map(({ name }) => name);
  const twice = firstRepeated(names);
  if (twice !== undefined)
    throw new UserError(`two plans are called ${shown(twice)}; leave one out or rename it`, place);
  const sources = all.flatMap(({ name, source }) => (source === undefined ? [] : [[name, source] as const]));
  return { plans: names, planFiles: new Map(sources) };
}

function fromFile(text: string): { name: string; source: PlanSource } {
  return namedBySource(openPlan(text));
}

function namedBySource(source: PlanSource): { name: string; source: PlanSource } {
  return { name: source.document.name, source };
}

function firstRepeated(names: readonly string[]): string | undefined {
  const seen = new Set<string>();
  return names.find((name) => seen.size === seen.add(name).size);
}

/** Every plan of a file. */
function plansOf(file: string): PlanSource[] {
  return file.endsWith('.jsonl') ? linesOfPlans(file).map(sourceOf) : [openPlan(file)];
}

/** The same plan, its file looked for from a folder; a plan's name may look like a path, and stays as it is. */
function inFolder(text: string, folder: string): string {
  const [, file, name] = /^(.*?\.jsonl)?(.*)$/s.exec(text)!;
  if (isAbsolute(text)) return text;
  return file === undefined ? join(folder, text) : `${join(folder, file)}${name}`;
}

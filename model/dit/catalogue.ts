import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { packageRoot } from '../input/packageFiles.ts';
import { readYamlFile } from '../input/yamlFile.ts';
import { type DitSource, derive, type OtherDimensions } from './derive.ts';

const folder = join(packageRoot, 'model', 'catalogue');

/** Other checkpoint layouts of models that the catalogue has: recognised in a header, not listed as models of their own. */
const formsFolder = join(folder, 'forms');

/** Ids of the models that come with the package, sorted. */
export function catalogueIds(): string[] {
  return idsIn(folder);
}

function idsIn(of: string): string[] {
  return readdirSync(of)
    .filter((file) => file.endsWith('.yaml'))
    .map((file) => file.slice(0, -'.yaml'.length))
    .sort();
}

/** A model of the catalogue with its tensors outside the blocks; `id` as catalogueIds gives it. */
export function loadCatalogue(id: string, other?: OtherDimensions): DitSource {
  return derive(readYamlFile(join(folder, `${id}.yaml`)), other);
}

/** Every layout of tensors that a checkpoint can be recognised by: the models' own, then their other forms. */
export function knownLayouts(): readonly DitSource[] {
  layouts ??= readLayouts();
  return layouts;
}

let layouts: readonly DitSource[] | undefined;

function readLayouts(): DitSource[] {
  const ids = catalogueIds();
  const forms = idsIn(formsFolder).map((form) => {
    const source = derive(readYamlFile(join(formsFolder, `${form}.yaml`)));
    // A form is called by its model's id and what it is a form of.
    const entry = ids.findLast((id) => form.startsWith(`${id}-`)) ?? null;
    return { ...source, dit: { ...source.dit, entry } };
  });
  return [...catalogueIds().map((id) => loadCatalogue(id)), ...forms];
}

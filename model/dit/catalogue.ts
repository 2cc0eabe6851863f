import { files } from '../input/files.ts';
import { packageRoot } from '../input/packageFiles.ts';
import { readYamlFile } from '../input/yamlFile.ts';
import { yamlNamesIn } from '../input/yamlNames.ts';
import { type DitSource, derive, type OtherDimensions } from './derive.ts';

const folder = files.join(packageRoot, 'model', 'catalogue');

/** Other checkpoint layouts of models that the catalogue has: recognised in a header, not listed as models of their own. */
const formsFolder = files.join(folder, 'forms');

/** Ids of the models that come with the package, sorted. */
export function catalogueIds(): string[] {
  return yamlNamesIn(folder);
}

/** A model of the catalogue with its tensors outside the blocks; `id` as catalogueIds gives it. */
export function loadCatalogue(id: string, other?: OtherDimensions): DitSource {
  return derive(readYamlFile(files.join(folder, `${id}.yaml`)), other);
}

/** Every layout of tensors that a checkpoint can be recognised by: the models' own, then their other forms. */
export function knownLayouts(): readonly DitSource[] {
  layouts ??= readLayouts();
  return layouts;
}

let layouts: readonly DitSource[] | undefined;

function readLayouts(): DitSource[] {
  const ids = catalogueIds();
  const forms = yamlNamesIn(formsFolder).map((form) => {
    const source = derive(readYamlFile(files.join(formsFolder, `${form}.yaml`)));
    // A form is called by its model's id and what it is a form of.
    const entry = ids.findLast((id) => form.startsWith(`${id}-`)) ?? null;
    return { ...source, dit: { ...source.dit, entry } };
  });
  return [...catalogueIds().map((id) => loadCatalogue(id)), ...forms];
}

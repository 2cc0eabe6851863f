import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { packageRoot } from '../input/packageFiles.ts';
import { readYamlFile } from '../input/yamlFile.ts';
import { type DitSource, derive } from './derive.ts';

const folder = join(packageRoot, 'model', 'catalogue');

/** Ids of the models that come with the package, sorted. */
export function catalogueIds(): string[] {
  return readdirSync(folder)
    .filter((file) => file.endsWith('.yaml'))
    .map((file) => file.slice(0, -'.yaml'.length))
    .sort();
}

/** A model of the catalogue with its tensors outside the blocks; `id` as catalogueIds gives it. */
export function loadCatalogue(id: string): DitSource {
  return derive(readYamlFile(join(folder, `${id}.yaml`)));
}

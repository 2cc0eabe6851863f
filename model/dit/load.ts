import { nearNames } from '../input/nearNames.ts';
import { shown, UserError } from '../input/userError.ts';
import { readYamlFile } from '../input/yamlFile.ts';
import { catalogueIds, loadCatalogue } from './catalogue.ts';
import { fromCheckpoint } from './checkpoint/fromCheckpoint.ts';
import { readHuggingFaceIndex } from './checkpoint/huggingFaceIndex.ts';
import { readSafetensors } from './checkpoint/safetensors.ts';
import { derive } from './derive.ts';
import type { Dit } from './dit.ts';

export { catalogueIds } from './catalogue.ts';

/**
 * A diffusion transformer by catalogue id or name (any case, or the beginning of just one of them), or from a
 * file: YAML in the catalogue's format, a `.safetensors` checkpoint, or the `.index.json` of several.
 *
 * @throws UserError if no model or several have that name (near ones are listed), or the file is wrong.
 * @example loadDit('Wan2.1-T2V-14B')
 */
export function loadDit(nameOrFile: string): Dit {
  if (/\.ya?ml$/i.test(nameOrFile)) return derive(readYamlFile(nameOrFile)).dit;
  if (/\.safetensors$/i.test(nameOrFile)) return fromCheckpoint(nameOrFile, readSafetensors(nameOrFile));
  if (/\.index\.json$/i.test(nameOrFile)) return fromCheckpoint(nameOrFile, readHuggingFaceIndex(nameOrFile));
  return loadCatalogue(catalogueId(nameOrFile)).dit;
}

function catalogueId(name: string): string {
  const ids = catalogueIds();
  const wanted = name.trim().toLowerCase();
  if (ids.includes(wanted)) return wanted;
  const named = ids.map((id) => ({ id, title: loadCatalogue(id).dit.name.toLowerCase() }));
  const exact = named.find(({ title }) => title === wanted);
  if (exact !== undefined) return exact.id;
  const begins = named.filter(
    ({ id, title }) => wanted !== '' && (id.startsWith(wanted) || title.startsWith(wanted)),
  );
  if (begins.length === 1) return begins[0]!.id;
  if (begins.length > 1) {
    throw new UserError(
      `model ${shown(name)}: begins the names of several models; give one of ${begins.map(({ id }) => id).join(', ')}`,
    );
  }
  throw new UserError(
    `model ${shown(name)}: not in the catalogue; near are ${nearNames(wanted, ids).join(', ')}; or give a .yaml, .safetensors or .index.json file`,
  );
}

import { nearNames } from '../input/nearNames.ts';
import { shown, UserError } from '../input/userError.ts';
import { readYamlFile } from '../input/yamlFile.ts';
import { catalogueIds, loadCatalogue } from './catalogue.ts';
import { readCheckpoint } from './checkpoint/readCheckpoint.ts';
import { derive } from './derive.ts';
import type { Dit } from './dit.ts';
import { type WeightDtype, withWeightDtype } from './weightDtype.ts';

export { catalogueIds } from './catalogue.ts';

export interface LoadOptions {
  /** The catalogue's model that a checkpoint is to be taken for, by id or name. */
  entry?: string;
  /** What weights are stored as on the device and cross the link as; as in the file or the catalogue unless given. */
  dtype?: WeightDtype;
}

/**
 * A diffusion transformer by catalogue id or name (any case, or the beginning of just one of them), or from a
 * file: YAML in the catalogue's format, a checkpoint (`.safetensors`, the `.index.json` of several, `.gguf`), or the
 * transformer's `config.json`; also the folder that holds them.
 *
 * @throws UserError if no model or several have that name (near ones are listed), or the file is wrong.
 * @example loadDit('Wan2.1-T2V-14B')
 */
export function loadDit(nameOrFile: string, { entry, dtype }: LoadOptions = {}): Dit {
  const entryId = entry === undefined ? undefined : catalogueId(entry, '--entry');
  const isId = catalogueIds().includes(nameOrFile);
  const checkpoint = isId
    ? undefined
    : readCheckpoint(nameOrFile, {
        ...(entryId !== undefined && { entry: entryId }),
        isRecast: dtype !== undefined,
      });
  if (checkpoint === undefined && entry !== undefined)
    throw new UserError(
      `--entry ${entry}: says what a checkpoint is, and ${shown(nameOrFile)} is none; leave it out`,
    );
  const dit =
    checkpoint ??
    (/\.ya?ml$/i.test(nameOrFile)
      ? derive(readYamlFile(nameOrFile)).dit
      : loadCatalogue(catalogueId(nameOrFile, 'model')).dit);
  return dtype === undefined ? dit : withWeightDtype(dit, dtype);
}

function catalogueId(name: string, what: string): string {
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
      `${what} ${shown(name)}: begins the names of several models; give one of ${begins.map(({ id }) => id).join(', ')}`,
    );
  }
  const file =
    what === '--entry' ? '' : '; or give a .yaml, .safetensors, .gguf, .index.json or config.json file';
  throw new UserError(
    `${what} ${shown(name)}: not in the catalogue; near are ${nearNames(wanted, ids).join(', ')}${file}`,
  );
}

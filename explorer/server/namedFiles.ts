import { readdirSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { catalogueIds } from '../../model/dit/load.ts';
import { files } from '../../model/input/files.ts';
import { shown, UserError } from '../../model/input/userError.ts';
import { isPlanFile } from '../../model/plan/planFile.ts';
import { isMachineFile, systemIds } from '../../model/system/machineFile.ts';
import type { ExplorerState } from '../state.ts';

/** A state whose files have names in place of paths, and where these are read from. */
export interface NamedFiles {
  state: ExplorerState;
  paths: ReadonlyMap<string, string>;
}

/**
 * The files that a state names, which a page cannot open by their paths: each by the last part of its path.
 *
 * @throws UserError for a folder, and for two files of one name.
 */
export function namedFiles(state: ExplorerState): NamedFiles {
  const paths = new Map<string, string>();
  const named = (flag: string, path: string): string => {
    const name = basename(path);
    if (files.exists(path) && files.status(path).isFolder)
      throw new UserError(
        `${flag} ${shown(path)}: is a folder, which a page cannot open; give the file in it`,
      );
    const before = paths.get(name);
    if (before !== undefined && before !== path)
      throw new UserError(`${flag} ${shown(path)}: ${shown(before)} has the same name; rename one`);
    paths.set(name, path);
    return name;
  };
  const { model, machine, profile, plan } = state;
  const isFile = model !== undefined && !catalogueIds().includes(model) && files.exists(model);
  // An index is read with the files that it names, or with the configuration beside it.
  if (isFile && /\.index\.json$/i.test(model))
    for (const name of besideIndex(model)) named('--model', join(dirname(model), name));
  return {
    state: {
      ...state,
      ...(isFile && { model: named('--model', model) }),
      ...(profile !== undefined && { profile: named('--profile', profile) }),
      ...(machine !== undefined &&
        isMachineFile(machine) &&
        !systemIds().includes(machine) && { machine: named('--machine', machine) }),
      ...(plan !== undefined && {
        plan: plan.map((text) => (isPlanFile(text) ? planName(text, named) : text)),
      }),
    },
    paths,
  };
}

function besideIndex(index: string): string[] {
  return readdirSync(dirname(index)).filter((name) => /\.safetensors$|^config\.json$/i.test(name));
}

/** A plan's file, or one of a file of many by its name behind `#`. */
function planName(text: string, named: (flag: string, path: string) => string): string {
  const [, path, which = ''] = /^(.*?\.jsonl)(#.+)$/s.exec(text) ?? [null, text];
  return `${named('--plan', path!)}${which}`;
}

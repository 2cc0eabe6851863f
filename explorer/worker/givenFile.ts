import { loadDit } from '../../model/dit/load.ts';
import { parseJson } from '../../model/input/jsonFile.ts';
import { shown, UserError } from '../../model/input/userError.ts';
import { parseYaml } from '../../model/input/yamlFile.ts';
import { openPlan } from '../../model/plan/planFile.ts';
import { linesOfPlans } from '../../model/plan/planLines.ts';
import { readProfile } from '../../model/profile/profileFile.ts';
import { loadSystem } from '../../model/system/load.ts';
import type { GivenFile, GivenKind, Replies } from '../protocol.ts';
import { files, forgetFile, giveFile } from './platform/files.ts';

const LONGEST_NAME = 255;
/** Only a machine file has one of these keys. */
const MACHINE_KEYS = ['card', 'gpus', 'tree', 'transports'];
const CHECKPOINT = /\.(safetensors|gguf|index\.json)$/i;
/** A shard of a checkpoint is read with its index, and says nothing by itself. */
const SHARD = /-\d{5}-of-\d{5}\.safetensors$/i;

const READERS: Readonly<Record<GivenKind, (name: string) => unknown>> = {
  machine: (name) => loadSystem(name),
  profile: readProfile,
  plan: (name) => (/\.jsonl$/.test(name) ? linesOfPlans(name) : openPlan(name)),
  model: (name) => (SHARD.test(name) ? null : loadDit(name)),
};

/**
 * Keeps a file of the user's under its name, and says what it is of.
 *
 * @throws UserError for a name that is none, and for a file that is wrong, which is not kept.
 */
export function givenFile(name: string, content: GivenFile): Replies['file'] {
  if (name === '' || name.length > LONGEST_NAME || /[/\\#]/.test(name))
    throw new UserError(
      `file ${shown(name)}: expected a name of at most ${LONGEST_NAME} characters without / \\ #`,
    );
  giveFile(name, content);
  try {
    const is = kindOf(name);
    READERS[is](name);
    return { name, is };
  } catch (error) {
    forgetFile(name);
    throw error;
  }
}

/** What a file is by its ending, and where several have the same by what it says of itself. */
function kindOf(name: string): GivenKind {
  if (CHECKPOINT.test(name)) return 'model';
  if (/\.jsonl$/.test(name)) return 'plan';
  if (/\.json$/i.test(name)) return kindOfValue(parseJson(name, files.text(name), 'give another file').value);
  if (/\.ya?ml$/i.test(name)) return kindOfValue(parseYaml(name, files.text(name)).value);
  throw new UserError(
    `file ${shown(name)}: expected .yaml, .json, .jsonl, .safetensors, .index.json or .gguf`,
  );
}

function kindOfValue(value: unknown): GivenKind {
  if (typeof value !== 'object' || value === null) return 'model';
  const { schema } = value as { schema?: unknown };
  if (typeof schema === 'string' && schema.startsWith('chunkflow/plan@')) return 'plan';
  if (typeof schema === 'string' && schema.startsWith('chunkflow/')) return 'profile';
  return MACHINE_KEYS.some((key) => Object.hasOwn(value, key)) ? 'machine' : 'model';
}

import { blockCount } from '../model/dit/depth.ts';
import { catalogueIds, loadDit } from '../model/dit/load.ts';
import { formatSize } from '../model/dit/tokens.ts';
import { GiB } from '../model/input/byteUnits.ts';
import { bytesOf } from '../model/input/givenQuantity.ts';
import { UserError } from '../model/input/userError.ts';
import { cardIds, readCard } from '../model/system/cards/cards.ts';
import { loadSystem, systemIds } from '../model/system/load.ts';
import type { System } from '../model/system/system.ts';

/** Shown of a list at once. */
const ROWS = 8;

/** In place of a name of a list. */
const FILE = '';

/**
 * Asks a newcomer's three questions, model, card and memory, in a terminal, and shows the command that answers them.
 *
 * @returns its arguments; null where whoever was asked left.
 */
export async function newcomersCommand(): Promise<string[] | null> {
  const { autocomplete, cancel, intro, isCancel, outro, text } = await import('@clack/prompts');
  const left = () => {
    cancel('Nothing was run. `chunkflow --help` has the commands.');
    return null;
  };
  /** One of a list, or a file; a symbol where whoever was asked left. */
  const chosen = async (
    message: string,
    options: readonly Choice[],
    file: string,
    read: (name: string) => void,
  ) => {
    const name = await autocomplete({
      ...{ message, maxItems: ROWS, placeholder: 'type to search' },
      options: [...options, { value: FILE, label: 'a file of mine', hint: file }],
      // Where nothing in the list is called what was typed, nothing is chosen.
      validate: (found) =>
        found === undefined ? 'nothing here is called so: search for less, or for file' : undefined,
    });
    if (name !== FILE) return name;
    return text({ message: file, validate: (path) => mistakeIn(() => read(path ?? '')) });
  };

  intro('chunkflow: how should the weights be streamed?');
  const model = await chosen(
    'Which model?',
    models(),
    'a checkpoint, its config.json, or a YAML file',
    (file) => {
      loadDit(file);
    },
  );
  if (isCancel(model)) return left();
  const machine = await chosen('Which card?', cards(), 'a machine as a YAML file', (file) => {
    loadSystem(file);
  });
  if (isCancel(machine)) return left();
  const system = loadSystem(machine);
  const memory = await text({
    message: 'How much of its memory may the model take?',
    placeholder: `all ${(system.gpu.memoryBytes / GiB).toFixed(1)} GiB`,
    defaultValue: '',
    validate: (size) => (size ? mistakeIn(() => checkMemory(size, system)) : undefined),
  });
  if (isCancel(memory)) return left();
  const args = [
    ...['plan', '--model', model, '--machine', machine],
    ...(memory === '' ? [] : ['--gpu-memory', memory]),
  ];
  outro(`chunkflow ${args.map(shellWord).join(' ')}`);
  return args;
}

interface Choice {
  value: string;
  label: string;
  hint: string;
}

function models(): Choice[] {
  return catalogueIds().map((id) => {
    const dit = loadDit(id);
    const hint = `${dit.name}, ${blockCount(dit)} blocks, ${formatSize(dit.referenceSize)}`;
    return { value: id, label: id, hint };
  });
}

/** Cards that have a link to a host, and machines of several. */
function cards(): Choice[] {
  const ofCards = cardIds()
    .map(readCard)
    .filter(({ link }) => link !== 'unified')
    .map((card) => ({
      ...{ value: card.id, label: card.id },
      hint: `${(card.memory.value / GiB).toFixed(1)} GiB`,
    }));
  const ofMachines = systemIds().map((id) => ({ value: id, label: id, hint: loadSystem(id).name }));
  return [...ofCards, ...ofMachines];
}

/** @throws UserError for what is no size, and for more than there is. */
function checkMemory(size: string, { gpu, name }: System): void {
  const bytes = bytesOf('memory', size, 1);
  if (bytes > gpu.memoryBytes)
    throw new UserError(`a GPU of ${name} has ${(gpu.memoryBytes / GiB).toFixed(1)} GiB; give no more`);
}

/** The line of a mistake; undefined where there is none. */
function mistakeIn(read: () => void): string | undefined {
  try {
    read();
    return undefined;
  } catch (error) {
    if (error instanceof UserError) return error.message;
    throw error;
  }
}

/** A word as a shell reads it back. */
export function shellWord(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
}

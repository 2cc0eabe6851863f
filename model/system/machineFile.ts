import { files } from '../input/files.ts';
import { nearNames } from '../input/nearNames.ts';
import { packageRoot } from '../input/packageFiles.ts';
import { atPlace, type Place, shown, UserError } from '../input/userError.ts';
import { readYamlFile, type YamlFile } from '../input/yamlFile.ts';
import { yamlNamesIn } from '../input/yamlNames.ts';
import { cardIds, isLikeCard } from './cards/cards.ts';
import { composedMachine } from './cards/compose.ts';
import { machineText, type Wiring } from './cards/machineText.ts';

const folder = files.join(packageRoot, 'model', 'systems');

/** Names of the machines that ship with the package. */
export function systemIds(): string[] {
  return yamlNamesIn(folder);
}

/**
 * The file of a machine that is named, or given as a file.
 *
 * @throws UserError for a card, which has no machine file, and for what is not known at all.
 */
export function systemFileOf(nameOrFile: string): string {
  const file = fileOf(nameOrFile);
  if (file !== null) return file;
  // Says what is wrong with the text of a card, for which no file could be written either.
  openMachine(nameOrFile);
  throw new UserError(
    `machine ${shown(nameOrFile)} is a card and has no file; write one with \`chunkflow machines ${nameOrFile} --yaml > machine.yaml\``,
  );
}

/** Whether a machine is named, or given as a file, rather than made of a card. */
export function isMachineFile(nameOrFile: string): boolean {
  return fileOf(nameOrFile) !== null;
}

function fileOf(nameOrFile: string): string | null {
  if (systemIds().includes(nameOrFile)) return files.join(folder, `${nameOrFile}.yaml`);
  return /\.ya?ml$/i.test(nameOrFile) || files.exists(nameOrFile) ? nameOrFile : null;
}

/** @throws UserError with the nearest machines and cards, for text that names no card. */
function refuseUnknown(text: string): void {
  const [head = ''] = text.split(',');
  const card = head.trim().replace(/^\d+x/, '');
  if (isLikeCard(card)) return;
  const near = nearNames(card, [...systemIds(), ...cardIds()]);
  throw new UserError(
    `machine ${shown(text)} is not known; give a YAML file, or a machine or card such as ${near.join(', ')}: \`chunkflow machines\` lists them`,
  );
}

/**
 * The machine file that a name, a file or a card stands for. Of a card, and of a file that names one under `card`, the value is the
 * whole machine file.
 *
 * @param wiring of a card, what its text does not say.
 * @throws UserError for what is not known, and for a wiring where a machine file has its own tree.
 */
export function openMachine(nameOrFile: string, wiring: Wiring = {}): YamlFile {
  const file = fileOf(nameOrFile);
  if (file !== null) return composedSource(readYamlFile(file), wiring);
  refuseUnknown(nameOrFile);
  const place: Place = { file: `--machine ${nameOrFile}` };
  return composedSource(
    { file: nameOrFile, value: { card: nameOrFile }, lines: 1, isEnded: true, place: () => place },
    wiring,
  );
}

/**
 * A machine file with the machine of its `card` in that key's place; other keys override single numbers of it. Files without a `card`
 * stay as they are.
 */
export function composedSource(source: YamlFile, wiring: Wiring = {}): YamlFile {
  const { value } = source;
  const given = Object.keys(wiring);
  if (!isMap(value) || !Object.hasOwn(value, 'card')) {
    if (given.length === 0) return source;
    throw new UserError(
      `--${given.join(', --')}: ${source.file} says itself how its GPUs are connected; leave it out, or take a card such as rtx-4090`,
    );
  }
  const { card, ...own } = value;
  const composed = atPlace(source.place(['card']), () => {
    if (typeof card !== 'string')
      throw new UserError(
        `card: expected a card with settings such as 2xrtx-4090,pcie=4x8, got ${shown(card)}`,
      );
    const text = machineText(card);
    const twice = given.find((key) => key in text.wiring);
    if (twice !== undefined) throw new UserError(`--${twice}: ${shown(card)} says it, too; give it once`);
    return composedMachine({ card: text.card, wiring: { ...text.wiring, ...wiring } });
  });
  return {
    ...source,
    // GPUs share the numbers of their link; whoever changes one of them means that one.
    value: JSON.parse(JSON.stringify(merged(composed, own))),
    place: (path) => source.place(has(own, path[0]) ? path : ['card']),
  };
}

/** A map with the entries of another in place of its own; numbers and lists are replaced as a whole. */
function merged(base: unknown, over: unknown): unknown {
  if (!isMap(base) || !isMap(over) || 'is' in base || 'is' in over) return over;
  const entries = Object.entries(over).map(([key, value]) => [
    key,
    Object.hasOwn(base, key) ? merged(base[key], value) : value,
  ]);
  return { ...base, ...Object.fromEntries(entries) };
}

function isMap(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function has(value: Record<string, unknown>, key: PropertyKey | undefined): boolean {
  return key !== undefined && Object.hasOwn(value, key);
}

import { files } from '../../input/files.ts';
import { nearNames } from '../../input/nearNames.ts';
import { packageRoot } from '../../input/packageFiles.ts';
import { shown, UserError } from '../../input/userError.ts';
import { checked, readYamlFile } from '../../input/yamlFile.ts';
import { yamlNamesIn } from '../../input/yamlNames.ts';
import {
  architectureFile,
  type CardFile,
  cardFile,
  type HostFile,
  type HostName,
  hostFile,
} from './cardFormat.ts';

const folder = files.join(packageRoot, 'model', 'cards');

/** Names of the cards that ship with the package. */
export function cardIds(): string[] {
  return yamlNamesIn(folder);
}

/** The card of a name as people write it: `rtx-4090`, `RTX 4090`, `4090`; null for none. */
function cardMeant(text: string): string | null {
  return cardIds().find((id) => compact(id) === compact(text) || bare(id) === bare(text)) ?? null;
}

/** Cards whose names begin so, if it is no name itself. */
function cardsBeginning(text: string): string[] {
  if (compact(text) === '') return [];
  return cardIds().filter((id) => compact(id).startsWith(compact(text)) || bare(id).startsWith(bare(text)));
}

/** Whether a text is the name of a card, or the beginning of one's. */
export function isLikeCard(text: string): boolean {
  return cardMeant(text) !== null || cardsBeginning(text).length > 0;
}

/** @throws UserError with the cards that a text may mean, where it is no name of one. */
export function cardNamed(text: string): CardFile {
  const meant = cardMeant(text);
  if (meant !== null) return readCard(meant);
  const longer = cardsBeginning(text);
  throw new UserError(
    longer.length > 0
      ? `card ${shown(text)} may be ${longer.join(' or ')}; give the whole name`
      : `card ${shown(text)} is not known; the nearest are ${nearNames(text, cardIds()).join(', ')}, \`chunkflow machines\` lists all`,
  );
}

/** A name without its maker and brand. */
function bare(name: string): string {
  return compact(name).replace(/^(nvidia)?(geforce)?(rtx)?/, '');
}

/** Letters and digits of a name, which is how cards are compared. */
function compact(name: string): string {
  return name.toLowerCase().replace(/[^a-z0-9]/g, '');
}

export function readCard(id: string): CardFile {
  return checked(readYamlFile(files.join(folder, `${id}.yaml`)), cardFile);
}

/** What the cards of an architecture reach, where their own files do not say it. */
export function architectureOf({ architecture }: CardFile) {
  return checked(readYamlFile(files.join(folder, 'architectures', `${architecture}.yaml`)), architectureFile);
}

export function readHost(id: HostName): HostFile {
  return checked(readYamlFile(files.join(folder, 'hosts', `${id}.yaml`)), hostFile);
}

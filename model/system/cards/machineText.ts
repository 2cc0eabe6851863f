import { shown, UserError } from '../../input/userError.ts';
import { HOSTS, type HostName, type PcieLink, pcieLink } from './cardFormat.ts';
import { TOPOLOGIES, type Topology } from './topologies.ts';

const MOST_GPUS = 8;

/** How cards are plugged in; what is left out follows from the card. */
export interface Wiring {
  gpus?: number;
  pcie?: PcieLink;
  topology?: Topology;
  nvlink?: 'on' | 'off';
  host?: HostName;
}

/** A card and how it is plugged in. */
export interface MachineText {
  card: string;
  wiring: Wiring;
}

/** Readers of settings by key, which name what is expected. */
const SETTINGS: Readonly<{ [Key in keyof Wiring]-?: (text: string) => NonNullable<Wiring[Key]> }> = {
  gpus: (text) => {
    const count = Number(text);
    if (/^\d$/.test(text) && count >= 1 && count <= MOST_GPUS) return count;
    throw new UserError(`expected 1 to ${MOST_GPUS} GPUs, got ${shown(text)}`);
  },
  pcie: pcieLink,
  topology: (text) => oneOf(TOPOLOGIES, text),
  nvlink: (text) => oneOf(['on', 'off'], text),
  host: (text) => oneOf(HOSTS, text),
};

function oneOf<Name extends string>(names: readonly Name[], text: string): Name {
  const found = names.find((name) => name === text);
  if (found !== undefined) return found;
  throw new UserError(`expected one of ${names.join(', ')}, got ${shown(text)}`);
}

/**
 * A card with settings, `[Nx]CARD[,key=value...]`.
 *
 * @throws UserError for what is no such text; whether there is such a card is left open.
 * @example machineText('2xrtx-4090,pcie=4x8') // { card: 'rtx-4090', wiring: { gpus: 2, pcie: { gen: 4, lanes: 8 } } }
 */
export function machineText(text: string): MachineText {
  const [head = '', ...settings] = text.split(',').map((part) => part.trim());
  const [, count, counted] = /^(\d+)x(.+)$/.exec(head) ?? [];
  const given = settings.map((setting): [string, string] => {
    const [key = '', ...value] = setting.split('=');
    return [key.trim(), value.join('=').trim()];
  });
  const all: [string, string][] = count === undefined ? given : [['gpus', count], ...given];
  return { card: counted ?? head, wiring: wiringOf(all, ([key, value]) => `${key}=${value}`) };
}

/**
 * Settings as they were written, read.
 *
 * @param shownAs how an error calls one.
 * @throws UserError for a key that there is not, or twice, or a value that does not fit.
 */
export function wiringOf(
  entries: readonly (readonly [key: string, text: string])[],
  shownAs: (entry: readonly [string, string]) => string,
): Wiring {
  const wiring: Record<string, unknown> = {};
  for (const entry of entries) {
    const [key, text] = entry;
    if (!Object.hasOwn(SETTINGS, key))
      throw new UserError(`${shownAs(entry)}: expected one of ${Object.keys(SETTINGS).join(', ')}`);
    if (key in wiring) throw new UserError(`${shownAs(entry)}: ${key} is given twice; give it once`);
    try {
      wiring[key] = SETTINGS[key as keyof Wiring](text);
    } catch (error) {
      throw error instanceof UserError ? new UserError(`${shownAs(entry)}: ${error.message}`) : error;
    }
  }
  return wiring;
}

/** A machine's text, in one way of writing it; as an id, letters, digits, dots and dashes only. */
export function machineId({ card, wiring }: MachineText): string {
  const { gpus = 1, pcie, topology, nvlink, host } = wiring;
  return [
    `${gpus === 1 ? '' : `${gpus}x`}${card}`,
    ...(pcie === undefined ? [] : [`pcie-${pcie.gen}x${pcie.lanes}`]),
    ...(topology === undefined ? [] : [topology]),
    ...(nvlink === undefined ? [] : [`nvlink-${nvlink}`]),
    ...(host === undefined ? [] : [host]),
  ].join('.');
}

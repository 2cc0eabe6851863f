import { shown, UserError } from '../../input/userError.ts';
import { HOSTS, type HostName, type PcieLink, pcieLink } from './cardFormat.ts';
import { TOPOLOGIES, type Topology } from './topologies.ts';

const MOST_GPUS = 8;
const MOST_HOSTS = 64;

/** NICs of each host, and the rate of one's port in Gb/s. */
export interface NicText {
  count: number;
  gbitPerS: number;
}

/**
 * NICs of a host as people write them, by the rate of a port.
 *
 * @throws UserError for anything else.
 * @example nicText('8x400G') // { count: 8, gbitPerS: 400 }
 */
function nicText(text: string): NicText {
  const [, count = '1', rate] = /^(?:(\d+)x)?(\d+)G$/i.exec(text) ?? [];
  if (rate !== undefined && Number(count) >= 1 && Number(count) <= MOST_NICS && Number(rate) >= 1)
    return { count: Number(count), gbitPerS: Number(rate) };
  throw new UserError(
    `expected 1 to ${MOST_NICS} NICs of a host by their Gb/s, such as 8x400G, got ${shown(text)}`,
  );
}

const MOST_NICS = 32;

function wholeUpTo(most: number, text: string, of: string): number {
  const count = Number(text);
  if (/^\d{1,3}$/.test(text) && count >= 1 && count <= most) return count;
  throw new UserError(`expected 1 to ${most} ${of}, got ${shown(text)}`);
}

/** How cards are plugged in; what is left out follows from the card. */
export interface Wiring {
  /** On all hosts together. */
  gpus?: number;
  /** Hosts alike. */
  hosts?: number;
  /** Of each host. */
  nic?: NicText;
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
  gpus: (text) => wholeUpTo(MOST_HOSTS * MOST_GPUS, text, 'GPUs'),
  hosts: (text) => wholeUpTo(MOST_HOSTS, text, 'hosts'),
  nic: nicText,
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

/**
 * How many GPUs each of how many hosts has.
 *
 * @throws UserError for more GPUs than a host has room for, GPUs that do not divide over the hosts, and NICs without other hosts.
 */
export function hostCounts({ gpus = 1, hosts = 1, nic }: Wiring): { gpus: number; hosts: number } {
  if (gpus % hosts !== 0 || gpus < hosts)
    throw new UserError(
      `hosts ${hosts}: expected a divisor of the ${gpus} GPUs, which are those of all hosts`,
    );
  if (gpus / hosts > MOST_GPUS)
    throw new UserError(
      hosts > 1
        ? `gpus ${gpus}: expected 1 to ${MOST_GPUS} GPUs on each of ${hosts} hosts`
        : `gpus ${gpus}: expected 1 to ${MOST_GPUS} GPUs; give hosts=${leastHosts(gpus)} for several hosts`,
    );
  if (hosts === 1 && nic !== undefined)
    throw new UserError(
      `nic ${nic.count}x${nic.gbitPerS}G: has no effect on one host; leave it out, or give hosts=2`,
    );
  return { gpus: gpus / hosts, hosts };
}

/** The fewest hosts that GPUs divide over. */
function leastHosts(gpus: number): number {
  let hosts = Math.ceil(gpus / MOST_GPUS);
  while (gpus % hosts !== 0) hosts += 1;
  return hosts;
}

/** A machine's text, in one way of writing it; as an id, letters, digits, dots and dashes only. */
export function machineId({ card, wiring }: MachineText): string {
  const { gpus = 1, hosts, nic, pcie, topology, nvlink, host } = wiring;
  return [
    `${gpus === 1 ? '' : `${gpus}x`}${card}`,
    ...(hosts === undefined || hosts === 1 ? [] : [`${hosts}-hosts`]),
    ...(nic === undefined ? [] : [`nic-${nic.count}x${nic.gbitPerS}g`]),
    ...(pcie === undefined ? [] : [`pcie-${pcie.gen}x${pcie.lanes}`]),
    ...(topology === undefined ? [] : [topology]),
    ...(nvlink === undefined ? [] : [`nvlink-${nvlink}`]),
    ...(host === undefined ? [] : [host]),
  ].join('.');
}

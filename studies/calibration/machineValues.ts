import { type Dimension, quantity } from '../../model/input/quantity.ts';
import { checked, type YamlFile } from '../../model/input/yamlFile.ts';
import { systemFile } from '../../model/system/format.ts';
import { buildSystem, systemOf } from '../../model/system/load.ts';
import type { Provenance, System } from '../../model/system/system.ts';

/** How a machine file writes a number: with a unit, or plain. */
export type MachineUnit = 'GB/s' | 'us' | 'W' | 'pJ/FLOP' | 'GHz' | 'MiB' | 'plain';

/** A number that a fit, or an import of other tools' files, writes into a machine file. */
export interface FittedEntry {
  is: string | number;
  from: Provenance;
  source: string;
  interval?: [string, string] | [number, number];
}

/** A number in its unit as the file writes it, to six digits. */
export function written(value: number, unit: MachineUnit): string | number {
  const rounded = Number(value.toPrecision(6));
  return unit === 'plain' ? rounded : `${rounded} ${unit}`;
}

/** The machine with some of its numbers replaced, in their units. Numbers that the file does not have yet are added. */
export function systemWith(source: YamlFile, entries: ReadonlyMap<string, FittedEntry>): System {
  return buildSystem({ ...source, value: withEntries(source.value, entries) });
}

/** A number of a machine file, as it is written and as a System has it. */
interface NumberNode {
  is: string | number;
  value: number;
}

/**
 * The machine at many values of the same numbers. The file is checked once, with the numbers of the first call; afterwards
 * only those are exchanged, which takes a hundredth of the time.
 *
 * @returns as `systemWith` with the entries of `before` and those that are given, which name the same keys at every call.
 */
export function systemsWith(
  source: YamlFile,
  before: ReadonlyMap<string, FittedEntry>,
): (entries: ReadonlyMap<string, FittedEntry>) => System {
  let file: ReturnType<typeof checkedFile> | undefined;
  return (entries) => {
    file ??= checkedFile(source, before, entries);
    for (const [key, { is }] of entries) {
      const value = typeof is === 'number' ? is : quantity(is, dimensionOf(is));
      for (const node of file.nodes.get(key)!) {
        node.is = is;
        node.value = value;
      }
    }
    return systemOf(file.checked, source);
  };
}

/** A checked file, and where it has the numbers of some entries: in several places where nodes share one by an alias. */
function checkedFile(
  source: YamlFile,
  before: ReadonlyMap<string, FittedEntry>,
  entries: ReadonlyMap<string, FittedEntry>,
) {
  const own = new Map([...entries].map(([key, entry]) => [key, { ...entry }]));
  const value = withEntries(source.value, new Map([...before, ...own]));
  const file = checked({ ...source, value }, systemFile);
  const keyOf = new Map<unknown, string>([...own].map(([key, entry]) => [entry, key]));
  const nodes = new Map<string, NumberNode[]>([...own.keys()].map((key) => [key, []]));
  const walk = (raw: unknown, parsed: unknown): void => {
    if (typeof raw !== 'object' || raw === null) return;
    const key = keyOf.get(raw);
    if (key !== undefined) nodes.get(key)!.push(parsed as NumberNode);
    else
      for (const [name, inner] of Object.entries(raw)) walk(inner, (parsed as Record<string, unknown>)[name]);
  };
  walk(value, file);
  return { checked: file, nodes };
}

const DIMENSION_OF: Record<Exclude<MachineUnit, 'plain'>, Dimension> = {
  'GB/s': 'rate',
  us: 'time',
  W: 'power',
  'pJ/FLOP': 'energyPerFlop',
  GHz: 'frequency',
  MiB: 'bytes',
};

export function dimensionOf(text: string): Dimension {
  return DIMENSION_OF[text.split(' ')[1] as keyof typeof DIMENSION_OF];
}

function withEntries(root: unknown, entries: ReadonlyMap<string, FittedEntry>): unknown {
  // A file may share a node through an alias; a key means the one that it names.
  const value = structuredClone(root) as Record<string, unknown>;
  for (const [key, entry] of entries) {
    const parts = key.split('.');
    let node = value;
    for (const part of parts.slice(0, -1)) {
      const inner = node[part] ?? {};
      node[part] = inner;
      node = inner as Record<string, unknown>;
    }
    node[parts.at(-1)!] = entry;
  }
  return value;
}

/** What a machine file has under a key; undefined where it has nothing. */
export function valueIn(source: YamlFile, key: string): unknown {
  return key
    .split('.')
    .reduce<unknown>((node, part) => (node as Record<string, unknown> | undefined)?.[part], source.value);
}

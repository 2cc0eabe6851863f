import type { YamlFile } from '../../model/input/yamlFile.ts';
import { buildSystem } from '../../model/system/load.ts';
import type { System } from '../../model/system/system.ts';

/** How a machine file writes a number: with a unit, or plain. */
export type MachineUnit = 'GB/s' | 'us' | 'W' | 'pJ/FLOP' | 'plain';

/** A number of a machine file that a fit may change. */
export interface MachineValue {
  /** Where it stands, such as `gpu.copyEngine.gap`. */
  key: string;
  unit: MachineUnit;
}

/** A fitted number as it is written into a machine file. */
export interface FittedEntry {
  is: string | number;
  from: 'fitted';
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

/** A number of a machine file in a unit; undefined where the file does not have it. */
export function valueIn(source: YamlFile, key: string): unknown {
  return key
    .split('.')
    .reduce<unknown>((node, part) => (node as Record<string, unknown> | undefined)?.[part], source.value);
}

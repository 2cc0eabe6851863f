import { max, median, min } from 'simple-statistics';
import { quantity } from '../../model/input/quantity.ts';
import { UserError } from '../../model/input/userError.ts';
import { nodeOfFolder } from '../dataset/nodeOf.ts';
import { type Calibration, readCalibration } from './calibrationFile.ts';
import { type FittedMachine, fitMachine } from './fitMachine.ts';
import { dimensionOf, type FittedEntry, systemWith, valueIn } from './machineValues.ts';

/** A node of a fleet, fitted by itself. */
export interface FittedNode {
  name: string;
  file: string;
  fitted: FittedMachine;
}

/** A number of a machine over the nodes that have it. */
export interface FleetNumber {
  key: string;
  unit: string;
  median: number;
  low: number;
  high: number;
  /** Nodes with the least and the most of it. */
  least: { node: string; value: number };
  most: { node: string; value: number };
  /** Nodes whose calibration decides it; the others have what the machine's file says. */
  fittedOn: number;
}

export interface FittedFleet extends Pick<FittedMachine, 'source' | 'entries' | 'system' | 'notes'> {
  nodes: FittedNode[];
  numbers: FleetNumber[];
}

/**
 * One machine for several nodes of one kind: each calibration is fitted by itself, and every number that any of them decides becomes
 * the median over nodes, with an interval that holds every node's own 95 % interval. Plans that are chosen under the machine's intervals are so
 * chosen for the whole fleet.
 *
 * @throws UserError for nodes that were calibrated as different machines, and for one that counts twice.
 */
export function fitFleet(
  files: readonly string[],
  onNode: (index: number) => void = () => undefined,
): FittedFleet {
  const calibrations = files.map(readCalibration);
  const names = calibrations.map(nodeOfCalibration);
  refuseRepeated(files, names);
  refuseOtherMachines(calibrations);
  const nodes = calibrations.map((calibration, index): FittedNode => {
    onNode(index);
    return { name: names[index]!, file: calibration.file, fitted: fitMachine(calibration) };
  });
  const { source } = nodes[0]!.fitted;
  const notes = nodes.flatMap(({ name, fitted }) => fitted.notes.map((note) => `${name}: ${note}`));
  const keys = new Set(nodes.flatMap(({ fitted }) => [...fitted.entries.keys()]));
  const entries = new Map<string, FittedEntry>();
  const numbers: FleetNumber[] = [];
  for (const key of keys) {
    const values = nodes.flatMap((node) => valueOn(node, key) ?? []);
    const fittedOn = values.filter(({ isFitted }) => isFitted).length;
    if (2 * values.length <= nodes.length) {
      notes.push(`${key}: ${values.map(({ node }) => node).join(', ')} alone ask for it; left out`);
      continue;
    }
    const number = overNodes(key, values, fittedOn);
    numbers.push(number);
    entries.set(
      key,
      entryOf(number, values, `calibrations of ${names.join(', ')}: median and interval over nodes`),
    );
  }
  return { source, entries, system: systemWith(source, entries), notes, nodes, numbers };
}

/** A number as one node has it, in the unit that fits write. */
interface NodeNumber {
  node: string;
  entry: FittedEntry;
  unit: string;
  value: number;
  low: number;
  high: number;
  isFitted: boolean;
}

/** What a node has for a number: its own, or else what the file has that it was calibrated as; null where that has none. */
function valueOn({ name, fitted }: FittedNode, key: string): NodeNumber | null {
  const own = fitted.entries.get(key);
  const entry = own ?? fileEntry(valueIn(fitted.source, key));
  if (entry === null) return null;
  const unit = unitOf(entry.is);
  const [value, low, high] = [entry.is, ...(entry.interval ?? [entry.is, entry.is])].map((text) =>
    inUnit(text, unit),
  );
  return {
    node: name,
    entry,
    unit,
    value: value!,
    low: low!,
    high: high!,
    isFitted: own !== undefined && own.from !== 'default',
  };
}

function fileEntry(value: unknown): FittedEntry | null {
  if (typeof value === 'number' || typeof value === 'string')
    return { is: value, from: 'default', source: "the machine's file" };
  return value === undefined || value === null ? null : (value as FittedEntry);
}

function unitOf(is: string | number): string {
  return typeof is === 'number' ? '' : is.slice(is.indexOf(' ') + 1);
}

/** @param text in this unit or another one of its dimension. */
function inUnit(text: string | number, unit: string): number {
  if (typeof text === 'number') return text;
  if (unitOf(text) === unit) return Number(text.slice(0, text.indexOf(' ')));
  const dimension = dimensionOf(`1 ${unit}`);
  return quantity(text, dimension) / quantity(`1 ${unit}`, dimension);
}

function overNodes(key: string, found: readonly NodeNumber[], fittedOn: number): FleetNumber {
  const { unit } = found.find(({ isFitted }) => isFitted) ?? found[0]!;
  const values = found.map((own) => ({ ...own, ...inOneUnit(own, unit) }));
  const sorted = [...values].sort((a, b) => a.value - b.value);
  const [least, most] = [sorted[0]!, sorted.at(-1)!];
  return {
    ...{ key, unit, fittedOn },
    median: median(values.map(({ value }) => value)),
    low: min(values.map(({ low }) => low)),
    high: max(values.map(({ high }) => high)),
    least: { node: least.node, value: least.value },
    most: { node: most.node, value: most.value },
  };
}

function inOneUnit({ value, low, high, unit }: NodeNumber, wanted: string) {
  const convert = (number: number) => (unit === wanted ? number : inUnit(`${number} ${unit}`, wanted));
  return { value: convert(value), low: convert(low), high: convert(high) };
}

/** Numbers that no node's readings decide stay what the nodes' machines assume. */
function entryOf(
  { unit, median: middle, low, high, fittedOn }: FleetNumber,
  values: readonly NodeNumber[],
  source: string,
): FittedEntry {
  if (fittedOn === 0) return values[0]!.entry;
  const written = (value: number) => {
    const rounded = Number(value.toPrecision(6));
    return unit === '' ? rounded : `${rounded} ${unit}`;
  };
  const interval = [written(low), written(high)] as FittedEntry['interval'] & object;
  const { from } = values.find(({ isFitted }) => isFitted)!.entry;
  return { is: written(middle), from, source, ...(low < high ? { interval } : {}) };
}

function nodeOfCalibration({ file, cases, segments }: Calibration): string {
  const runs = [...cases, ...segments.map(({ run }) => run)];
  const names = [...new Set(runs.flatMap(({ run }) => run.devices[0]?.node ?? []))];
  if (names.length > 1)
    throw new UserError(`is of several nodes, ${names.join(', ')}; calibrate each into a folder of its own`, {
      file,
    });
  return names[0] ?? nodeOfFolder(file);
}

function refuseRepeated(files: readonly string[], names: readonly string[]): void {
  for (const [index, name] of names.entries()) {
    const before = names.indexOf(name);
    if (before < index)
      throw new UserError(
        `is of ${name}, as ${files[before]} is, and a node counts once; leave one of them out`,
        {
          file: files[index]!,
        },
      );
  }
}

function refuseOtherMachines(calibrations: readonly Calibration[]): void {
  const [first] = calibrations as [Calibration];
  for (const { file, machine } of calibrations)
    if (machine !== first.machine)
      throw new UserError(
        `machine: ${machine}, and ${first.file} is of ${first.machine}; nodes of one kind are calibrated as one machine`,
        { file },
      );
}

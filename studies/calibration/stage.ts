import type { System } from '../../model/system/system.ts';
import type { MachineUnit } from './machineValues.ts';
import type { CaseReading, SegmentReading } from './readings.ts';

/** A parameter of a fit, and the machine file's numbers that it stands for. */
export interface StageParameter {
  name: string;
  unit: MachineUnit;
  /** In the unit. */
  start: number;
  low: number;
  high: number;
  scale: 'log' | 'logit' | 'linear';
  /** What the machine has without it, where that is not what it starts from. */
  refusedAt?: number;
  /** Keys that take its value as it is; none where `derived` of the stage makes them of several parameters. */
  keys: readonly string[];
}

export type Values = Readonly<Record<string, number>>;

/** A number of the machine file that a stage makes of its parameters, or of what earlier stages found. */
export interface DerivedNumber {
  key: string;
  unit: MachineUnit;
  value: number;
  /** Parameters that it is made of, or is of use beside: where the readings refuse one of them, it is not written. */
  of: readonly string[];
  /** Why no reading decides it, of a number that is assumed: the machine file has it as a default that says so, and without an interval. */
  assumed?: string;
}

interface StageBase {
  name: string;
  parameters: readonly StageParameter[];
  /** Other sets of parameters that may explain the readings as well; the fit decides by what each explains and how many it has. */
  alternatives?: readonly (readonly StageParameter[])[];
  /** Numbers made of several parameters, by key; the system has what earlier stages found. */
  derived?: (values: Values, system: System) => DerivedNumber[];
}

/** Parameters that are fitted together to readings of copies and collectives. */
export type CaseStage = StageBase & { of: 'cases'; readings: (reading: CaseReading) => boolean };

/** Parameters that are fitted together, and the readings that decide them. */
export type Stage =
  | CaseStage
  | (StageBase & { of: 'segments'; readings: (reading: SegmentReading) => boolean });

export function rate(name: string, bytesPerS: number, keys: readonly string[]): StageParameter {
  const start = bytesPerS / 1e9;
  return { name, unit: 'GB/s', start, low: start / 5, high: start * 5, scale: 'log', keys };
}

export function micros(name: string, seconds: number, keys: readonly string[]): StageParameter {
  return { name, unit: 'us', start: Math.max(0.5, seconds * 1e6), low: 0.05, high: 500, scale: 'log', keys };
}

export function plain(
  name: string,
  start: number,
  low: number,
  high: number,
  scale: StageParameter['scale'],
  keys: readonly string[],
): StageParameter {
  return { name, unit: 'plain', start, low, high, scale, keys };
}

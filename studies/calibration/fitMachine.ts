import { basename } from 'node:path';
import { UserError } from '../../model/input/userError.ts';
import { readYamlFile, type YamlFile } from '../../model/input/yamlFile.ts';
import { fit } from '../../model/leastSquares/fit.ts';
import type { FitResult } from '../../model/leastSquares/problem.ts';
import { composedSource, systemFileOf } from '../../model/system/machineFile.ts';
import type { System } from '../../model/system/system.ts';
import type { Calibration } from './calibrationFile.ts';
import { derivedIntervals } from './derivedIntervals.ts';
import { measuredMemory } from './deviceMemory.ts';
import { type FittedEntry, systemsWith, systemWith, valueIn, written } from './machineValues.ts';
import { missingNumbers } from './missingNumbers.ts';
import { predictCases, predictSegments } from './predictReadings.ts';
import { type CaseReading, type Readings, readingsOf, type SegmentReading, type Side } from './readings.ts';
import type { Stage, Values } from './stage.ts';
import { stagesFor } from './stages.ts';
import { fitTurn } from './turn.ts';

/** A stage of a fit: what it found, and how far off it is on both sides of the split. */
export interface FittedStage {
  name: string;
  result: FitResult;
  errors: Record<Side, ReadingError[]>;
}

/** A reading beside what the fitted machine predicts for it. */
export interface ReadingError {
  id: string;
  quantity: string;
  /** Of a chunk or of a message; null for a segment. */
  bytes: number | null;
  /** Of a case: ranks of its run, and whether it is of a collective beside copies. */
  groupSize: number | null;
  isBeside: boolean;
  measured: number;
  predicted: number;
  /** predicted / measured - 1. */
  error: number;
  /** How far the rounds of the measurement lie apart, relative. */
  spread: number;
}

export interface FittedMachine {
  source: YamlFile;
  /** By key of the machine file. */
  entries: Map<string, FittedEntry>;
  system: System;
  stages: FittedStage[];
  notes: string[];
}

/**
 * Fits a machine to what a calibration measured on it, stage by stage. Only the readings on the fit's side of the split are
 * used; a number that they cannot identify keeps its old value and is named in the notes.
 *
 * @param onStage called before each stage.
 */
export function fitMachine(
  calibration: Calibration,
  onStage: (name: string, index: number, count: number) => void = () => undefined,
): FittedMachine {
  const source = composedSource(readYamlFile(systemFileOf(calibration.machine)));
  const from = calibration.sources.map((name) => basename(name)).join(', ');
  const readings = readingsOf(calibration);
  if (readings.cases.length + readings.segments.length === 0)
    throw new UserError('nothing was measured; `chunkflow calibrate` measures what its results lack', {
      file: calibration.file,
    });
  const fitted = fitReadings(source, readings, from, onStage);
  const memory = measuredMemory(calibration, fitted.system, from);
  if (memory.size === 0) return fitted;
  const entries = new Map([...fitted.entries, ...memory]);
  return { ...fitted, entries, system: systemWith(source, entries) };
}

/**
 * The same from readings.
 *
 * @param from what they came from, as the fitted machine's numbers will say it.
 */
export function fitReadings(
  source: YamlFile,
  readings: Readings,
  from: string,
  onStage: (name: string, index: number, count: number) => void = () => undefined,
): FittedMachine {
  const entries = missingNumbers(source, readings, from);
  const notes = [...readings.notes];
  const clock = entries.get('gpu.power.topClock');
  if (clock !== undefined) notes.push(`gpu.power.topClock is missing; ${clock.is} is the highest clock read`);
  const has = (key: string) => valueIn(source, key) !== undefined;
  const stages = stagesFor(systemWith(source, entries), readings.cases, has, readings.hostOnly).filter(
    (stage) => {
      if (stage.of === 'segments') return chosen(stage, readings.segments, 'fit').length > 0;
      const of = chosen(stage, readings.cases, 'fit');
      const alike = allAlike(of);
      if (alike !== null)
        notes.push(`${stage.name}: ${alike}; the calibration is damaged, and nothing is fitted to these`);
      return of.length > 0 && alike === null;
    },
  );
  const turn = readings.hostOnly ? null : fitTurn(source, readings.cases, from);
  if (turn !== null) entries.set(turn.key, turn.entry);
  const fitted = stages.map((stage, index): FittedStage => {
    onStage(stage.name, index, stages.length);
    const { result, added } = fitBest(stage, source, entries, readings, from);
    for (const [key, entry] of added) entries.set(key, entry);
    for (const { name, why } of result.unidentified)
      notes.push(`${stage.name}: ${name} keeps its value: ${why}`);
    return { name: stage.name, result, errors: { fit: [], 'held-out': [] } };
  });
  const system = systemWith(source, entries);
  for (const [index, stage] of stages.entries()) {
    fitted[index]!.errors.fit = errorsOf(stage, system, readings, 'fit');
    fitted[index]!.errors['held-out'] = errorsOf(stage, system, readings, 'held-out');
  }
  return { source, entries, system, stages: fitted, notes };
}

const NONE: ReadonlySet<string> = new Set();

/**
 * A stage with the set of its parameters that explains the readings best for its size, by the Bayesian information criterion:
 * n ln(mean square) + k ln(n), with k parameters that the n readings decide. What counts is the machine as it will be written: a
 * refused parameter takes numbers that are derived from it along.
 */
function fitBest(stage: Stage, ...rest: Rest): FittedSet {
  const [source, before, readings] = rest;
  if (stage.alternatives === undefined) return fitStage(stage, ...rest);
  const sets = [stage.parameters, ...stage.alternatives].map((parameters) => {
    const fitted = fitStage({ ...stage, parameters }, ...rest);
    const machine = systemWith(source, new Map([...before, ...fitted.added]));
    const squares = errorsOf(stage, machine, readings, 'fit').map(({ error }) => Math.log1p(error) ** 2);
    const { length } = squares;
    const meanSquare = squares.reduce((sum, square) => sum + square, 0) / length;
    return {
      fitted,
      criterion: length * Math.log(meanSquare) + fitted.result.parameters.length * Math.log(length),
    };
  });
  return sets.reduce((best, other) => (other.criterion < best.criterion ? other : best)).fitted;
}

type Rest = [source: YamlFile, before: ReadonlyMap<string, FittedEntry>, readings: Readings, from: string];

interface FittedSet {
  result: FitResult;
  added: Map<string, FittedEntry>;
}

function fitStage(stage: Stage, ...[source, before, readings, from]: Rest): FittedSet {
  const earlier = systemWith(source, before);
  const asEntries = (values: Readonly<Record<string, number>>, refused: ReadonlySet<string> = NONE) => {
    const added = new Map<string, FittedEntry>();
    for (const { name, unit, keys } of stage.parameters) {
      if (refused.has(name)) continue;
      for (const key of keys)
        added.set(key, { is: written(values[name]!, unit), from: 'fitted', source: from });
    }
    for (const { key, unit, value, of, assumed } of stage.derived?.(values, earlier) ?? []) {
      if (of.some((name) => refused.has(name))) continue;
      added.set(key, {
        is: written(value, unit),
        ...(assumed === undefined ? { from: 'fitted', source: from } : { from: 'default', source: assumed }),
      });
    }
    return added;
  };
  const machineAt = systemsWith(source, before);
  const at = (values: Readonly<Record<string, number>>) => machineAt(asEntries(values));
  const parameters = stage.parameters.map(({ name, start, low, high, scale, refusedAt = start }) => ({
    ...{ name, start, low, high, scale, refusedAt },
  }));
  const common = { parameters, measured: ({ measured }: { measured: number }) => measured };
  const result =
    stage.of === 'cases'
      ? fit<CaseReading>(
          {
            ...common,
            readings: chosen(stage, readings.cases, 'fit'),
            predict: (values, of) => predictCases(at(values), of),
            cluster: ({ id }) => id,
          },
          { starts: 2 },
        )
      : fit<SegmentReading>({
          ...common,
          readings: chosen(stage, readings.segments, 'fit'),
          predict: (values, of) => predictSegments(at(values), of),
          // Time, clock and power at one pause say one thing; short runs at several pauses do.
          cluster: ({ id, sustained }) => (sustained ? id : id.replace(/\/pause .*/, '')),
        });
  const values = Object.fromEntries([
    ...stage.parameters.map(({ name, start }) => [name, start]),
    ...result.parameters.map(({ name, value }) => [name, value]),
  ]) as Record<string, number>;
  // A refused parameter leaves the file's number alone.
  const added = asEntries(values, new Set(result.unidentified.map(({ name }) => name)));
  for (const { name, low95, high95 } of result.parameters) {
    const { unit, keys } = stage.parameters.find((parameter) => parameter.name === name)!;
    const interval = [written(low95, unit), written(high95, unit)] as FittedEntry['interval'] & object;
    for (const key of keys) added.set(key, { ...added.get(key)!, interval });
  }
  const derived = (at: Values) => stage.derived?.(at, earlier) ?? [];
  for (const [key, interval] of derivedIntervals(derived, values, result.parameters)) {
    const entry = added.get(key);
    if (entry !== undefined) added.set(key, { ...entry, interval });
  }
  return { result, added };
}

/** Times this close, relative, of sizes this far apart are no measurement. */
const ALIKE = 0.05;
const SIZES_APART = 16;

/** What is wrong with readings whose times do not depend on their sizes; null for others. */
function allAlike(readings: readonly CaseReading[]): string | null {
  const times = readings.filter(({ quantity }) => quantity !== 'h2dBytesPerS');
  if (times.length < 3) return null;
  const bytes = times.map(totalBytes);
  const measured = times.map((reading) => reading.measured);
  const [shortest, longest] = [Math.min(...measured), Math.max(...measured)];
  const sizesApart = Math.max(...bytes) / Math.min(...bytes);
  if (sizesApart < SIZES_APART || longest > shortest * (1 + ALIKE)) return null;
  return `all ${times.length} times are ${Number((longest * 1e3).toPrecision(3))} ms, of sizes ${Math.round(sizesApart)} times apart`;
}

function totalBytes({ parameters }: CaseReading): number {
  return parameters.kind === 'copies' ? parameters.chunkBytes * parameters.chunks : parameters.sentBytes;
}

function chosen<Reading extends { side: Side }>(
  { readings: isOf }: { readings: (reading: Reading) => boolean },
  all: readonly Reading[],
  side: Side,
): Reading[] {
  return all.filter((reading) => reading.side === side && isOf(reading));
}

function errorsOf(stage: Stage, system: System, readings: Readings, side: Side): ReadingError[] {
  if (stage.of === 'cases') {
    const of = chosen(stage, readings.cases, side);
    const predicted = predictCases(system, of);
    return of.map((reading, index) => ({
      ...readingError(reading, reading.quantity, predicted[index]!),
      ...{ bytes: bytesOf(reading), groupSize: reading.groupSize },
      isBeside: reading.parameters.kind === 'together',
    }));
  }
  const of = chosen(stage, readings.segments, side);
  const predicted = predictSegments(system, of);
  return of.map((reading, index) => ({
    ...readingError(reading, reading.quantity, predicted[index]!),
    ...{ bytes: null, groupSize: null, isBeside: false },
  }));
}

function readingError(
  { id, measured, spread }: { id: string; measured: number; spread: number },
  quantity: string,
  predicted: number,
): Omit<ReadingError, 'bytes' | 'groupSize' | 'isBeside'> {
  return { id, quantity, measured, predicted, error: predicted / measured - 1, spread };
}

function bytesOf({ parameters }: CaseReading): number {
  return parameters.kind === 'copies' ? parameters.chunkBytes : parameters.sentBytes;
}

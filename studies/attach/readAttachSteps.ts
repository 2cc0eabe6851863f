import { median } from 'simple-statistics';
import { fileLines } from '../../model/input/fileLines.ts';
import { grouped } from '../../model/input/grouped.ts';
import { parseJson } from '../../model/input/jsonFile.ts';
import { type Place, shown, UserError } from '../../model/input/userError.ts';
import { checked } from '../../model/input/yamlFile.ts';
import { ATTACH_STEPS_SCHEMA, type AttachStepRecord, attachStepFormat } from './attachStepFormat.ts';

const REMEDY = 'measure it anew with experiments/attach/run.sh';

/** All rounds of one way to hold a model's weights, in one case on one kind of device. */
export interface AttachedMeasurement {
  /** Of its first round. */
  record: AttachStepRecord;
  /** Where that stands. */
  place: Place;
  /** Median of the rounds' medians, seconds. */
  stepS: number;
  /** Median step of each round, seconds. */
  visitS: number[];
  /** Largest of the rounds, bytes; null where the device reported none. */
  deviceBytes: number | null;
  isSame: boolean;
  isSteady: boolean;
}

/**
 * Reads what experiments/attach/measure.py recorded; rounds of the same case, way and device are one measurement.
 *
 * @throws UserError with the place of a line that is cut off, of another schema, or does not fit it, and for a file without any.
 */
export function readAttachSteps(files: readonly string[]): AttachedMeasurement[] {
  const records = files.flatMap(recordsOf);
  return [...grouped(records, ({ record }) => sameMeasurement(record)).values()].map(measurementOf);
}

interface PlacedRecord {
  record: AttachStepRecord;
  place: Place;
}

function recordsOf(file: string): PlacedRecord[] {
  const records: PlacedRecord[] = [];
  for (const { text, number, isWhole } of fileLines(file, 'give records of measured steps')) {
    const place = { file, line: number };
    if (!isWhole) throw new UserError(`the line is cut off; ${REMEDY}`, place);
    records.push({ record: recordOf(text, place), place });
  }
  if (records.length === 0) throw new UserError(`holds no step; ${REMEDY}`, { file, line: 1 });
  return records;
}

function recordOf(text: string, place: { file: string; line: number }): AttachStepRecord {
  // Lines before it are empty, so that places are those in the file.
  const source = parseJson(place.file, `${'\n'.repeat(place.line - 1)}${text}`, REMEDY);
  const { schema } = (source.value ?? {}) as { schema?: unknown };
  if (schema !== ATTACH_STEPS_SCHEMA)
    throw new UserError(`schema: expected ${ATTACH_STEPS_SCHEMA}, got ${shown(schema)}; ${REMEDY}`, place);
  return checked(source, attachStepFormat);
}

function sameMeasurement({
  case: id,
  variant,
  planSha256,
  transport,
  device,
  sourceSha256,
}: AttachStepRecord): string {
  return JSON.stringify([id, variant.key, planSha256, transport, device, sourceSha256]);
}

function measurementOf(rounds: readonly PlacedRecord[]): AttachedMeasurement {
  const { record, place } = rounds[0]!;
  const visitS = rounds.map(({ record: { stepS } }) => median(stepS));
  const deviceBytes = Math.max(...rounds.map(({ record: { memory } }) => memory.deviceBytes));
  return {
    ...{ record, place, visitS },
    stepS: median(visitS),
    deviceBytes: deviceBytes === 0 ? null : deviceBytes,
    isSame: rounds.every(({ record: { isSame } }) => isSame),
    isSteady: rounds.every(({ record: { warmUp } }) => warmUp.isSteady),
  };
}

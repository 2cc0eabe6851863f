import { shown, UserError } from '../../model/input/userError.ts';
import type { CopyReading, ImportedReadings } from './importedReading.ts';
import { nvbandwidthJson, nvbandwidthOfJson } from './nvbandwidthJson.ts';
import type { NvbandwidthCell, NvbandwidthOutput, NvbandwidthTest } from './nvbandwidthTest.ts';
import { isNvbandwidthText, nvbandwidthOfText } from './nvbandwidthText.ts';
import type { ImportedText } from './text/importedText.ts';
import { Usable } from './usable.ts';

/** What a test copies, without its last part: `_ce` for copy engines, `_sm` for kernels. */
const TESTS: Readonly<Record<string, Pick<CopyReading, 'direction' | 'measured'> & { gpus: 'one' | 'all' }>> =
  {
    host_to_device_memcpy: { direction: 'h2d', measured: 'h2d', gpus: 'one' },
    device_to_host_memcpy: { direction: 'd2h', measured: 'd2h', gpus: 'one' },
    host_to_device_bidirectional_memcpy: { direction: 'both', measured: 'h2d', gpus: 'one' },
    device_to_host_bidirectional_memcpy: { direction: 'both', measured: 'd2h', gpus: 'one' },
    host_to_all_memcpy: { direction: 'h2d', measured: 'h2d', gpus: 'all' },
    all_to_host_memcpy: { direction: 'd2h', measured: 'd2h', gpus: 'all' },
    host_to_all_bidirectional_memcpy: { direction: 'both', measured: 'h2d', gpus: 'all' },
    all_to_host_bidirectional_memcpy: { direction: 'both', measured: 'd2h', gpus: 'all' },
  };
const GIGA = 1e9;

/**
 * Copies between host and GPUs from what nvbandwidth prints, with `-j` or without. Its GB/s are 1e9 bytes/s; a bidirectional test
 * reports one direction and runs the other beside it; the output does not say how large a copy was.
 *
 * Tests of other copies, those that nvbandwidth waived, and what cannot be used of the others become notes.
 *
 * @throws UserError with file and line of what is no such output, and where nothing of it can be used.
 */
export function nvbandwidthReadings(source: ImportedText): ImportedReadings<CopyReading> {
  const outputs = outputsOf(source);
  const usable = new Usable(source.file);
  const notes = outputs.flatMap((output) => output.notes);
  const readings = outputs.flatMap(({ tests }) => tests).flatMap((test) => readingsOf(test, usable, notes));
  usable.refuseIfNone(readings);
  return {
    readings,
    devices: [...new Set(outputs.flatMap(({ devices }) => devices))],
    notes: [...notes, ...usable.notes()],
  };
}

function outputsOf(source: ImportedText): NvbandwidthOutput[] {
  const objects = nvbandwidthJson(source).map(nvbandwidthOfJson);
  if (isNvbandwidthText(source)) return [...objects, nvbandwidthOfText(source)];
  return objects.length > 0 ? objects : [nvbandwidthOfJson(source)];
}

function readingsOf(test: NvbandwidthTest, usable: Usable, notes: string[]): CopyReading[] {
  const { name, status } = test;
  const where = `${test.place.file}:${test.place.line}`;
  const [, stem = '', by = ''] = /^(.*)_(ce|sm)$/.exec(name) ?? [];
  const kind = Object.hasOwn(TESTS, stem) ? TESTS[stem] : undefined;
  if (kind === undefined) {
    notes.push(
      `${where}: test ${shown(name)} is none of copies between host and GPU that is known; left out`,
    );
    return [];
  }
  if (/^waived$/i.test(status)) {
    notes.push(`${where}: test ${shown(name)} was waived; it gives no reading`);
    return [];
  }
  const row = usable.attempt(() => rowOf(test));
  return (row ?? []).flatMap((cell, gpu) => {
    const bytesPerS = usable.attempt(() => rateOf(cell, `test ${shown(name)}, GPU ${gpu}`));
    if (bytesPerS === undefined) return [];
    return [
      {
        source: `${cell.place.file}:${cell.place.line}`,
        ...{ kind: 'copies', direction: kind.direction, measured: kind.measured },
        ...{ by: by === 'ce' ? 'copy-engine' : 'kernel', gpu },
        gpusAtOnce: kind.gpus === 'all' ? row!.length : 1,
        ...{ bytesPerS, bytes: null },
      } satisfies CopyReading,
    ];
  });
}

function rowOf({ name, status, rows, statusPlace, matrixPlace }: NvbandwidthTest): NvbandwidthCell[] {
  if (status !== 'Passed' || rows === null)
    throw new UserError(
      `test ${shown(name)}: expected status "Passed" and a matrix of bandwidths, ` +
        `got ${shown(status)}${rows === null ? ' and no matrix' : ''}; run it again`,
      statusPlace,
    );
  if (rows.length === 1 && rows[0]!.length > 0) return rows[0]!;
  throw new UserError(
    `test ${shown(name)}: expected one row with a cell for each GPU, got ${rows.length} rows`,
    matrixPlace,
  );
}

function rateOf({ value, place }: NvbandwidthCell, what: string): number {
  const gigabytesPerS = value.trim() === '' ? Number.NaN : Number(value);
  // The tool writes six digits, so 55.4 must not become 55399999999.999.
  if (Number.isFinite(gigabytesPerS) && gigabytesPerS > 0) return Math.round(gigabytesPerS * GIGA);
  throw new UserError(
    `${what}: expected GB/s above zero, got ${shown(value)}; run the test again or remove it from the file`,
    place,
  );
}

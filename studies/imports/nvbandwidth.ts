import { z } from 'zod';
import { parseJson } from '../../model/input/jsonFile.ts';
import { shown, UserError } from '../../model/input/userError.ts';
import { checked, type YamlFile } from '../../model/input/yamlFile.ts';
import type { CopyReading, ImportedReadings } from './importedReading.ts';
import { type ImportedText, readImportedText } from './importedText.ts';

const testcase = z.looseObject({
  name: z.string(),
  status: z.string(),
  bandwidth_matrix: z.array(z.array(z.union([z.string(), z.number()]))).optional(),
});
const format = z.object({
  nvbandwidth: z.looseObject({
    version: z.string(),
    error: z.string().optional(),
    warning: z.string().optional(),
    testcases: z.array(testcase).min(1),
  }),
});

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
 * Copies between host and GPUs from the JSON that `nvbandwidth -j` prints. Its GB/s are 1e9 bytes/s; a
 * bidirectional test reports one direction and runs the other beside it; the file does not say how large a
 * copy was.
 *
 * Tests of other copies, and those that nvbandwidth waived, become notes.
 *
 * @throws UserError with file and line of what is no such JSON, of a test that failed, and of a cell without
 * a rate.
 */
export function readNvbandwidth(file: string): ImportedReadings<CopyReading> {
  return nvbandwidthReadings(readImportedText(file));
}

/** As readNvbandwidth, for text that is already in memory. */
export function nvbandwidthReadings(source: ImportedText): ImportedReadings<CopyReading> {
  const json = parseJson(
    source.file,
    source.text,
    'run the tool again and keep only what it printed as JSON, all of it',
  );
  const { nvbandwidth } = checked(json, format);
  if (nvbandwidth.error !== undefined) {
    const place = json.place(['nvbandwidth', 'error']);
    throw new UserError(
      `nvbandwidth stopped with ${shown(nvbandwidth.error)}; remove the cause and run it again`,
      place,
    );
  }
  const readings: CopyReading[] = [];
  const notes: string[] = [];
  if (nvbandwidth.warning !== undefined) {
    const where = placeText(json, ['nvbandwidth', 'warning']);
    notes.push(`${where}: nvbandwidth warned: ${shown(nvbandwidth.warning)}`);
  }
  for (const [index, { name, status, bandwidth_matrix: matrix }] of nvbandwidth.testcases.entries()) {
    const path = ['nvbandwidth', 'testcases', index];
    const where = placeText(json, [...path, 'name']);
    const [, stem = '', by = ''] = /^(.*)_(ce|sm)$/.exec(name) ?? [];
    const test = Object.hasOwn(TESTS, stem) ? TESTS[stem] : undefined;
    if (test === undefined) {
      notes.push(
        `${where}: test ${shown(name)} is none of copies between host and GPU that is known; left out`,
      );
      continue;
    }
    if (status === 'Waived') {
      notes.push(`${where}: test ${shown(name)} was waived; it gives no reading`);
      continue;
    }
    if (status !== 'Passed' || matrix === undefined) {
      throw new UserError(
        `test ${shown(name)}: expected status "Passed" and a bandwidth_matrix, ` +
          `got ${shown(status)}; run it again`,
        json.place([...path, 'status']),
      );
    }
    if (matrix.length !== 1 || matrix[0]!.length === 0) {
      throw new UserError(
        `test ${shown(name)}: expected one row with a cell for each GPU, got ${matrix.length} rows`,
        json.place([...path, 'bandwidth_matrix']),
      );
    }
    const [row] = matrix;
    for (const [gpu, cell] of row!.entries()) {
      const cellPath = [...path, 'bandwidth_matrix', 0, gpu];
      readings.push({
        source: placeText(json, cellPath),
        kind: 'copies',
        direction: test.direction,
        measured: test.measured,
        by: by === 'ce' ? 'copy-engine' : 'kernel',
        gpu,
        gpusAtOnce: test.gpus === 'all' ? row!.length : 1,
        bytesPerS: rateOf(cell, `test ${shown(name)}, GPU ${gpu}`, json, cellPath),
        bytes: null,
      });
    }
  }
  return { readings, notes };
}

function rateOf(cell: string | number, what: string, json: YamlFile, path: readonly PropertyKey[]): number {
  const gigabytesPerS = typeof cell === 'string' && cell.trim() === '' ? Number.NaN : Number(cell);
  // The tool writes six digits, so 55.4 must not become 55399999999.999.
  if (Number.isFinite(gigabytesPerS) && gigabytesPerS > 0) return Math.round(gigabytesPerS * GIGA);
  throw new UserError(
    `${what}: expected GB/s above zero, got ${shown(cell)}; run the test again or remove it from the file`,
    json.place(path),
  );
}

function placeText(json: YamlFile, path: readonly PropertyKey[]): string {
  const { file, line } = json.place(path);
  return `${file}:${line}`;
}

import { z } from 'zod';
import { parseJson } from '../../model/input/jsonFile.ts';
import { shown, UserError } from '../../model/input/userError.ts';
import { checked } from '../../model/input/yamlFile.ts';
import type { NvbandwidthOutput, NvbandwidthTest } from './nvbandwidthTest.ts';
import { embeddedJson } from './text/embeddedText.ts';
import type { ImportedText } from './text/importedText.ts';

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
    'GPU Device list': z.array(z.string()).optional(),
    testcases: z.array(testcase).min(1),
  }),
});

/** The JSON objects of `nvbandwidth -j` in a text. */
export function nvbandwidthJson(source: ImportedText): ImportedText[] {
  return embeddedJson(source, (start) => /^\{\s*"nvbandwidth"/.test(start));
}

/** Tests of one JSON object. @throws UserError with file and line of what is no such JSON, and of an error that the tool reports. */
export function nvbandwidthOfJson(source: ImportedText): NvbandwidthOutput {
  const json = parseJson(
    source.file,
    source.text,
    'run the tool again and keep only what it printed as JSON, all of it',
  );
  const { nvbandwidth } = checked(json, format);
  if (nvbandwidth.error !== undefined)
    throw new UserError(
      `nvbandwidth stopped with ${shown(nvbandwidth.error)}; remove the cause and run it again`,
      json.place(['nvbandwidth', 'error']),
    );
  const notes: string[] = [];
  if (nvbandwidth.warning !== undefined) {
    const { file, line } = json.place(['nvbandwidth', 'warning']);
    notes.push(`${file}:${line}: nvbandwidth warned: ${shown(nvbandwidth.warning)}`);
  }
  const tests = nvbandwidth.testcases.map(({ name, status, bandwidth_matrix: matrix }, index) => {
    const path = ['nvbandwidth', 'testcases', index];
    return {
      ...{ name, status, place: json.place([...path, 'name']), statusPlace: json.place([...path, 'status']) },
      rows:
        matrix?.map((row, at) =>
          row.map((value, gpu) => ({
            value: String(value),
            get place() {
              return json.place([...path, 'bandwidth_matrix', at, gpu]);
            },
          })),
        ) ?? null,
      matrixPlace: json.place([...path, matrix === undefined ? 'status' : 'bandwidth_matrix']),
    } satisfies NvbandwidthTest;
  });
  const devices = (nvbandwidth['GPU Device list'] ?? []).map((text) => text.replace(/^\d+: /, ''));
  return { tests, devices, notes };
}

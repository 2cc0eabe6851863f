import { z } from 'zod';
import type { CollectiveKind } from '../../model/dit/kinds.ts';
import { parseJson } from '../../model/input/jsonFile.ts';
import { type Place, UserError } from '../../model/input/userError.ts';
import { checked, type YamlFile } from '../../model/input/yamlFile.ts';
import type { CollectiveReading, ImportedReadings } from './importedReading.ts';
import { collectiveOf } from './ncclTestsProgram.ts';
import { NcclTestsRun } from './ncclTestsRun.ts';
import type { NcclTestsTime } from './ncclTestsTable.ts';
import { embeddedJson } from './text/embeddedText.ts';
import type { ImportedText } from './text/importedText.ts';
import { Usable } from './usable.ts';

const half = z.looseObject({
  time: z.number().min(0).optional(),
  bus_bw: z.number().min(0),
  nwrong: z.number().min(0).nullish(),
});
const count = z.int().min(1).max(1024);
const format = z.looseObject({
  args: z.array(z.string()).default([]),
  config: z.looseObject({
    nthreads: count,
    ngpus: count,
    devices: z
      .array(
        z.looseObject({
          group: z.int().default(0),
          hostname: z.string().default(''),
          device_info: z.string().default(''),
        }),
      )
      .min(1)
      .max(1024),
  }),
  results: z.array(
    z.looseObject({ size: z.int().min(0), out_of_place: half.nullish(), in_place: half.nullish() }),
  ),
  out_of_bounds: z.looseObject({ count: z.int().min(0) }).optional(),
});

const MOST_RANKS = 4096;

type NcclTestsFile = z.output<typeof format>;

/** The JSON objects that nccl-tests write with `-J` in a text. */
export function ncclTestsJson(source: ImportedText): ImportedText[] {
  return embeddedJson(source, (start) => /^\{\s*"version"\s*:/.test(start) && start.includes('"args"'));
}

/**
 * Collectives from the JSON that nccl-tests 2.17 and newer write with `-J FILE`. Times are microseconds and `bus_bw` 1e9 bytes/s, as in
 * the table (NVIDIA/nccl-tests, src/util.cu).
 *
 * @throws UserError with file and line of what is no such JSON, and where nothing of it can be used.
 */
export function ncclTestsJsonReadings(
  source: ImportedText,
  collective?: CollectiveKind,
): ImportedReadings<CollectiveReading> {
  const usable = new Usable(source.file);
  const runs: NcclTestsRun[] = [];
  const devices = new Set<string>();
  for (const text of ncclTestsJson(source)) {
    const json = parseJson(text.file, text.text, 'run the tool again and keep all of its JSON');
    const file = checked(json, format);
    for (const { device_info: name } of file.config.devices) if (name !== '') devices.add(name);
    runs.push(runOf(json, file, collective, usable));
  }
  const readings = runs.flatMap((run) => run.readings);
  usable.refuseIfNone(readings);
  const notes = [...runs.flatMap((run) => run.notes()), ...usable.notes()];
  return { readings, devices: [...devices], notes };
}

function runOf(
  json: YamlFile,
  file: NcclTestsFile,
  collective: CollectiveKind | undefined,
  usable: Usable,
): NcclTestsRun {
  const placeAt = (path: readonly PropertyKey[]) => {
    const { file: name, line = 1 } = json.place(path);
    return { file: name, line };
  };
  const { results, out_of_bounds: outOfBounds } = file;
  const place = placeAt(['args']);
  const kind = usable.attempt(() => collectiveOf(file.args[0], collective, place)) ?? null;
  const run = new NcclTestsRun(place, kind, usable);
  const ranks = kind === null ? [] : ranksOf(file, kind, placeAt(['config']));
  for (const [rank, { group, hostname }] of ranks.entries())
    run.addRank(rank, group, hostname, placeAt(['config', 'devices']));
  for (const [index, { size, out_of_place: outOfPlace, in_place: inPlace }] of results.entries()) {
    const at = placeAt(['results', index]);
    const read = () => ({
      sizeBytes: size,
      outOfPlace: timeOf(outOfPlace, at),
      inPlace: timeOf(inPlace, at),
    });
    run.addRow(read, at);
  }
  // A file that is cut short is no JSON, so one that is read is whole.
  run.end(outOfBounds?.count ?? 0, placeAt(['out_of_bounds']));
  return run;
}

function timeOf(
  found: z.output<typeof half> | null | undefined,
  place: { file: string; line: number },
): NcclTestsTime | null {
  if (found === null || found === undefined) return null;
  const { time, bus_bw: busBandwidth, nwrong } = found;
  if (time === undefined)
    throw new UserError(
      'has no time, as with -C, whose times are of the CPU; run nccl-tests without it',
      place,
    );
  return { timeUs: time, busBytesPerS: busBandwidth * 1e9, wrong: nwrong ?? null };
}

/**
 * The ranks of a run. A process lists its first GPU only (2.17), or each: the share of the bus in the rate of the algorithm,
 * (P - 1) / P of P ranks, tells which.
 */
function ranksOf(
  { config, results }: NcclTestsFile,
  kind: CollectiveKind,
  place: Place,
): NcclTestsFile['config']['devices'] {
  const each = config.nthreads * config.ngpus;
  if (each * config.devices.length > MOST_RANKS)
    throw new UserError(
      `config: ${config.nthreads} threads of ${config.ngpus} GPUs in ${config.devices.length} processes, ` +
        `expected at most ${MOST_RANKS} ranks; run it again`,
      place,
    );
  const first = config.devices.flatMap((device) => new Array<typeof device>(each).fill(device));
  if (each === 1) return first;
  const row = results
    .map(({ out_of_place, in_place }) => out_of_place ?? in_place)
    .find((time) => (time?.bus_bw ?? 0) > 0);
  const algorithm = Number(row?.alg_bw ?? 0);
  if (row === undefined || row === null || algorithm === 0) return first;
  const share = row.bus_bw / algorithm / (kind === 'all-reduce' ? 2 : 1);
  const miss = (ranks: number) => Math.abs((ranks - 1) / ranks - share);
  const groups = new Set(config.devices.map(({ group }) => group)).size;
  return miss(config.devices.length / groups) < miss(first.length / groups) ? config.devices : first;
}

import { join } from 'node:path';
import { z } from 'zod';
import { COLLECTIVE_KINDS } from '../../model/dit/kinds.ts';
import { MiB } from '../../model/input/byteUnits.ts';
import { packageRoot } from '../../model/input/packageFiles.ts';
import { checked, readYamlFile } from '../../model/input/yamlFile.ts';
import { segmentTimeS } from '../../model/physics/compute.ts';
import { cappedClock, slowdown } from '../../model/physics/power.ts';
import { loadSystem } from '../../model/system/load.ts';
import { PEERS, type System } from '../../model/system/system.ts';
import { STAGED_COPY, stagedSmName } from '../../model/system/transport.ts';
import { probe } from '../../sim/probe.ts';

/** One reading beside what the machine file predicts for it. */
export interface Reading {
  group: string;
  what: string;
  unit: 'GB/s' | 'ms';
  measured: number;
  predicted: number;
  /** Whether copies and a collective ran at once. */
  contended: boolean;
  /** The line that it comes from, as JSON; lines with two readings have one for each. */
  line: string;
}

const kind = z.enum(COLLECTIVE_KINDS);
const provenance = {
  place: z.string(),
  peer: z.enum(PEERS),
  device: z.string(),
  software: z.record(z.string(), z.string()),
};

const pairFormat = z.strictObject({
  machine: z.string(),
  ...provenance,
  transport: z.string(),
  copies: z.array(z.strictObject({ gpus: z.int(), chunkBytes: z.int(), GBps: z.number() })),
  alone: z.array(z.strictObject({ kind, sentBytes: z.int(), ms: z.number() })),
  besideH2d: z.array(z.strictObject({ kind, sentBytes: z.int(), chunkBytes: z.int(), ms: z.number() })),
  paced: z.array(
    z.strictObject({
      sentBytes: z.int(),
      chunkBytes: z.int(),
      pauseUs: z.number(),
      collectiveGBps: z.number(),
      h2dGBps: z.number(),
    }),
  ),
});

const mirroredFormat = z.strictObject({
  machine: z.string(),
  ...provenance,
  stagedSm: z.array(
    z.strictObject({ ctas: z.int(), sentBytes: z.int(), chunkBytes: z.int().optional(), ms: z.number() }),
  ),
  stagedCopy: z.array(
    z.strictObject({
      sentBytes: z.int(),
      pieceBytes: z.int(),
      ms: z.number(),
      prefetchBytes: z.int().optional(),
      allMs: z.number().optional(),
    }),
  ),
  duty: z.array(
    z.strictObject({
      op: z.enum(['gemm', 'attention']),
      gapMs: z.number(),
      ms: z.number(),
      MHz: z.number(),
      W: z.number(),
    }),
  ),
});

function read<Schema extends z.ZodType>(name: string, format: Schema): z.output<Schema> {
  return checked(readYamlFile(join(packageRoot, 'experiments', 'measured', name)), format);
}

function origin(row: object, contended: boolean): ReadingOrigin {
  return { contended, line: JSON.stringify(row) };
}

const mib = (bytes: number) => `${Number((bytes / MiB).toPrecision(3))} MiB`;

/** Where a reading comes from. */
export type ReadingOrigin = Pick<Reading, 'contended' | 'line'>;

/**
 * Every reading of the real pair over host shared memory.
 *
 * @param machine predicts them; the machine that they were measured on where not given.
 * @param isWanted leaves out the others, which costs no simulation.
 */
export function pairReadings(
  machine?: System,
  isWanted: (reading: ReadingOrigin) => boolean = () => true,
): Reading[] {
  const file = read('h200-pair-shm.yaml', pairFormat);
  const system = machine ?? loadSystem(file.machine);
  const readings: Reading[] = [];
  const wanted = <Row extends object>(rows: readonly Row[], contended: boolean) =>
    rows.filter((row) => isWanted(origin(row, contended)));
  for (const row of wanted(file.copies, false)) {
    const { gpus, chunkBytes, GBps } = row;
    const rates = probe(system, { groupSize: gpus, h2d: { chunkBytes, paceS: 0 } });
    readings.push({
      group: 'H2D alone',
      what: `${gpus} GPU, chunks of ${mib(chunkBytes)}`,
      unit: 'GB/s',
      measured: GBps,
      predicted: rates.h2dBytesPerS! / 1e9,
      ...origin(row, false),
    });
  }
  const call = (
    kindOf: z.output<typeof kind>,
    sentBytes: number,
    h2d?: { chunkBytes: number; paceS: number },
  ) =>
    probe(system, {
      groupSize: 2,
      collective: { transport: file.transport, kind: kindOf, sentBytes },
      ...(h2d !== undefined && { h2d }),
    });
  for (const row of wanted(file.alone, false)) {
    readings.push({
      group: `${row.kind} alone`,
      what: `${mib(row.sentBytes)} sent`,
      unit: 'ms',
      measured: row.ms,
      predicted: call(row.kind, row.sentBytes).collectiveS! * 1e3,
      ...origin(row, false),
    });
  }
  for (const row of wanted(file.besideH2d, true)) {
    readings.push({
      group: `${row.kind} beside H2D`,
      what: `${mib(row.sentBytes)} sent, chunks of ${mib(row.chunkBytes)}`,
      unit: 'ms',
      measured: row.ms,
      predicted: call(row.kind, row.sentBytes, { chunkBytes: row.chunkBytes, paceS: 0 }).collectiveS! * 1e3,
      ...origin(row, true),
    });
  }
  for (const row of wanted(file.paced, true)) {
    const rates = call('all-to-all', row.sentBytes, {
      chunkBytes: row.chunkBytes,
      paceS: row.pauseUs * 1e-6,
    });
    const what = `chunks of ${mib(row.chunkBytes)}, pause ${row.pauseUs} us`;
    readings.push(
      {
        group: 'paced: all-to-all',
        what,
        unit: 'GB/s',
        measured: row.collectiveGBps,
        predicted: row.sentBytes / rates.collectiveS! / 1e9,
        ...origin(row, true),
      },
      {
        group: 'paced: H2D',
        what,
        unit: 'GB/s',
        measured: row.h2dGBps,
        predicted: rates.h2dBytesPerS! / 1e9,
        ...origin(row, true),
      },
    );
  }
  return readings;
}

/** Every reading of one GPU with a mirrored peer: staged transports, and compute against duty. */
export function mirroredReadings(): Reading[] {
  const file = read('h200-mirrored.yaml', mirroredFormat);
  const system = loadSystem(file.machine);
  const readings: Reading[] = [];
  for (const row of file.stagedSm) {
    const { ctas, sentBytes, chunkBytes, ms } = row;
    const rates = probe(system, {
      groupSize: 2,
      collective: { transport: stagedSmName(ctas), kind: 'all-to-all', sentBytes },
      ...(chunkBytes !== undefined && { h2d: { chunkBytes, paceS: 0 } }),
    });
    readings.push({
      group: chunkBytes === undefined ? 'staged-sm alone' : 'staged-sm beside H2D',
      what: `${ctas} CTAs, ${mib(sentBytes)} sent`,
      unit: 'ms',
      measured: ms,
      predicted: rates.collectiveS! * 1e3,
      ...origin(row, chunkBytes !== undefined),
    });
  }
  for (const row of file.stagedCopy) {
    const { sentBytes, pieceBytes, ms, prefetchBytes, allMs } = row;
    const one = probe(system, {
      groupSize: 2,
      collective: { transport: STAGED_COPY, kind: 'all-to-all', sentBytes, pieceBytes },
    });
    const what = `${mib(sentBytes)} sent in pieces of ${mib(pieceBytes)}`;
    readings.push({
      group: 'staged-copy alone',
      what,
      unit: 'ms',
      measured: ms,
      predicted: one.collectiveS! * 1e3,
      ...origin(row, false),
    });
    if (prefetchBytes === undefined || allMs === undefined) continue;
    const prefetchS = prefetchBytes / system.gpu.copyEngine.h2dBytesPerS;
    readings.push({
      group: 'staged-copy beside H2D',
      what: `four of ${what}, then ${mib(prefetchBytes)} of prefetch in the same stream`,
      unit: 'ms',
      measured: allMs,
      predicted: (4 * one.collectiveS! + prefetchS) * 1e3,
      ...origin(row, true),
    });
  }
  return [...readings, ...dutyReadings(file.duty)];
}

/** Work of the two kernels that were run at several duties. */
const DUTY_WORK = {
  gemm: { class: 'gemm', flops: 2 * 8190 * 5120 * 13824, bytes: 0, kernels: 1 },
  attention: {
    ...({ class: 'attention', flops: 4 * 16380 * 16380 * 2560, bytes: 0, kernels: 1 } as const),
    attention: { queryRows: 16380, keyRows: 16380, heads: 20 },
  },
} as const;

function dutyReadings(rows: z.output<typeof mirroredFormat>['duty']): Reading[] {
  const { gpu } = loadSystem('h200-x1');
  const power = gpu.power!;
  return rows.map((row) => {
    const { op, gapMs, ms } = row;
    const work = DUTY_WORK[op];
    const fullS = segmentTimeS(work, gpu);
    const energy = { gemm: 0, attention: 0, elementwise: 0, [op]: work.flops * power.joulesPerFlop[op] };
    const runS = (clock: number) => fullS * slowdown(power, op, clock);
    const clock = cappedClock(power, energy, (at) => runS(at) + gapMs * 1e-3);
    return {
      group: 'compute against duty',
      what: `${op}, gap ${gapMs} ms`,
      unit: 'ms',
      measured: ms,
      predicted: runS(clock) * 1e3,
      ...origin(row, false),
    };
  });
}

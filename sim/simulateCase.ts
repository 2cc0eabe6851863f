import type { CaseParameters } from '../model/calibration/cases.ts';
import { runningRanks } from '../model/physics/linkShare.ts';
import { ProgramBuilder } from '../model/program/programBuilder.ts';
import { addStagedCollective } from '../model/program/stagedCollective.ts';
import type { StepProgram } from '../model/program/stepProgram.ts';
import type { System } from '../model/system/system.ts';
import { transportOf } from '../model/system/transport.ts';
import { Engine } from './engine.ts';
import { lockstepCase } from './lockstepCase.ts';
import type { Recorder } from './recorder.ts';

/** What a calibration case takes on rank 0, as its record says it. */
export interface CaseTimes {
  /** Seconds of each collective. */
  callS: number[];
  /** Seconds of all chunks to the device, and to the host; 0 without any, and beside collectives, which they outlast. */
  downS: number;
  upS: number;
  /** Seconds until the last collective's end, and the bytes that were copied to the device meanwhile. */
  windowS: number;
  windowBytes: number;
}

/**
 * Simulates one micro-benchmark of a calibration program: the same copies and collectives, begun at one time. Of copies
 * beside collectives, no more than the chunk in which the last collective ends: the rest is most of them, and nobody asks.
 */
export function simulateCase(system: System, groupSize: number, parameters: CaseParameters): CaseTimes {
  const transport =
    parameters.kind === 'copies' ? null : transportOf(system, parameters.transport, groupSize);
  const alike =
    transport?.kind === 'staged-copy' ? null : lockstepCase(system, groupSize, parameters, transport);
  return alike ?? simulateCaseByEvents(system, groupSize, parameters);
}

/** The same, whatever the case asks for: every rank's streams, copies and collectives as events of the Engine. */
export function simulateCaseByEvents(
  system: System,
  groupSize: number,
  parameters: CaseParameters,
): CaseTimes {
  const builder = new ProgramBuilder();
  const ranks = runningRanks(system, groupSize);
  // Everything begins at one time, and nothing of the next step before this one has ended: marks of one stream keep order.
  const edge = { kind: 'mark', role: 'step', rank: 0, stream: 'compute', position: 0, group: -1 } as const;
  const start = builder.add({ ...edge, label: 'start' });
  const down: number[] = [];
  const up: number[] = [];
  if (parameters.kind !== 'collective') {
    const direction = parameters.kind === 'copies' ? parameters.direction : 'h2d';
    for (let rank = 0; rank < Math.min(ranks, parameters.gpus); rank += 1) {
      if (direction !== 'd2h') down.push(addChunks(builder, rank, 'h2d', start, parameters));
      if (direction !== 'h2d') up.push(addChunks(builder, rank, 'd2h', start, parameters));
    }
  }
  const calls =
    parameters.kind === 'copies' ? [] : addCalls(builder, system, ranks, groupSize, start, parameters);
  builder.add({ ...edge, label: 'end' }, [...down, ...up, ...calls.slice(-1)]);
  const program = builder.finish({
    ranks,
    groupSize,
    blocks: [],
    blocksPerPass: 0,
    slots: 0,
    slotBytes: 0,
    streamedPerStep: 0,
  });
  if (parameters.kind === 'together') return timesTogether(program, system, calls, down[0]!);
  const engine = new Engine(program, system);
  engine.runUntil(() => false);
  const endS = (op: number | undefined) => (op === undefined ? 0 : engine.firstEndS(op)!);
  const callS = durations(calls.map(endS));
  return { callS, downS: endS(down[0]), upS: endS(up[0]), windowS: endS(calls.at(-1)), windowBytes: 0 };
}

function timesTogether(
  program: StepProgram,
  system: System,
  calls: readonly number[],
  copy: number,
): CaseTimes {
  const chunks = new ChunksOf(copy);
  const engine = new Engine(program, system, { recorder: chunks });
  engine.runUntil(() => {
    const windowS = engine.firstEndS(calls.at(-1)!);
    return windowS !== null && (chunks.lastEndS >= windowS || engine.firstEndS(copy) !== null);
  });
  const ends = calls.map((call) => engine.firstEndS(call)!);
  const windowS = ends.at(-1)!;
  return { callS: durations(ends), downS: 0, upS: 0, windowS, windowBytes: chunks.until(windowS) };
}

/** Seconds of each of several calls that follow one another from time 0. */
function durations(ends: readonly number[]): number[] {
  return ends.map((endS, index) => endS - (ends[index - 1] ?? 0));
}

type ChunkCase = Extract<CaseParameters, { kind: 'copies' | 'together' }>;
type CallCase = Extract<CaseParameters, { kind: 'collective' | 'together' }>;

function addChunks(
  builder: ProgramBuilder,
  rank: number,
  direction: 'h2d' | 'd2h',
  start: number,
  { chunkBytes, chunks, paceS }: ChunkCase,
): number {
  const copy = builder.add({
    ...{ kind: 'copy', role: 'prefetch', rank, position: 0, label: direction, direction },
    stream: direction === 'h2d' ? 'copy' : 'stage-out',
    ...{ bytes: chunks * chunkBytes, chunkBytes, paceS: direction === 'h2d' ? paceS : 0 },
    ...{ pausedByHost: false, sourceBytesPerS: Number.POSITIVE_INFINITY },
    ...{ target: null, group: -1, source: -1, phase: 0 },
  });
  builder.wait(copy, start);
  return copy;
}

/** Collectives one after another; returns what ends each on rank 0. */
function addCalls(
  builder: ProgramBuilder,
  system: System,
  ranks: number,
  groupSize: number,
  start: number,
  { transport: name, collective, sentBytes, pieceBytes, calls }: CallCase,
): number[] {
  const transport = transportOf(system, name, groupSize);
  const segment = { kind: 'collective', name: 'case', collective, sentBytes, bufferBytes: 0 } as const;
  let after: (number | undefined)[] = Array.from({ length: ranks }, () => start);
  return Array.from({ length: calls }, (_, group) => {
    after =
      transport.kind === 'flow'
        ? after.map((before, rank) =>
            builder.add(
              {
                ...{ kind: 'collective', rank, stream: 'collective', position: 0, label: `call ${group}` },
                ...{ collective, group, transport: transport.name, sentBytes },
              },
              [before],
            ),
          )
        : addStagedCollective(builder, {
            ...{ ranks, groupSize, position: 0, label: `call ${group}`, group, segment, transport },
            ...{ pieceBytes: pieceBytes ?? transport.pieceBytes, inCopyStream: false, after },
            drained: () => undefined,
            hbmBytesPerS: system.gpu.hbmBytesPerS,
          });
    return after[0]!;
  });
}

/** Bytes of one operation's chunks over time. */
class ChunksOf implements Recorder {
  readonly #op: number;
  readonly #chunks: { startS: number; endS: number; bytes: number }[] = [];
  lastEndS = 0;

  constructor(op: number) {
    this.#op = op;
  }

  chunk(op: number, startS: number, endS: number, bytes: number): void {
    if (op !== this.#op) return;
    this.#chunks.push({ startS, endS, bytes });
    this.lastEndS = endS;
  }

  until(timeS: number): number {
    return this.#chunks.reduce(
      (sum, { startS, endS, bytes }) =>
        sum + bytes * Math.max(0, Math.min(1, (timeS - startS) / (endS - startS))),
      0,
    );
  }
}

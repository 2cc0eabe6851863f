import type { CollectiveKind } from '../model/dit/kinds.ts';
import { runningRanks } from '../model/physics/linkShare.ts';
import { ProgramBuilder } from '../model/program/programBuilder.ts';
import { addStagedCollective } from '../model/program/stagedCollective.ts';
import type { StepProgram } from '../model/program/stepProgram.ts';
import type { System } from '../model/system/system.ts';
import { transportOf } from '../model/system/transport.ts';
import { Engine } from './engine.ts';
import type { Recorder } from './recorder.ts';

/** A micro-benchmark: collectives back to back, copies back to back, or both at once on every rank. */
export interface Probe {
  groupSize: number;
  collective?: { transport: string; kind: CollectiveKind; sentBytes: number; pieceBytes?: number };
  h2d?: { chunkBytes: number; paceS: number };
}

/** Rates per rank and direction while everything that was asked for runs; null for what was not. */
export interface ProbeRates {
  collectiveS: number | null;
  h2dBytesPerS: number | null;
}

/** Collectives in one round of the probe, and rounds; the first is warm-up. */
const CALLS = 8;
const ROUNDS = 6;

/**
 * Simulates a micro-benchmark: the same programs that a calibration measures, so that the machine's numbers can
 * be checked one by one.
 */
export function probe(system: System, { groupSize, collective, h2d }: Probe): ProbeRates {
  const builder = new ProgramBuilder();
  const ranks = runningRanks(system, groupSize);
  for (let rank = 0; rank < ranks; rank += 1) {
    const base = { rank, position: 0, label: 'probe' };
    if (h2d === undefined) continue;
    // Enough bytes to outlast the collectives of a round at any share of the link.
    const roundS = collective === undefined ? 20e-3 : CALLS * 3 * (collective.sentBytes / 20e9 + 50e-6);
    const chunkS = h2d.chunkBytes / system.gpu.copyEngine.h2dBytesPerS + h2d.paceS;
    const chunks = Math.max(4, Math.ceil(roundS / chunkS / 3));
    const copy = builder.add({
      ...base,
      kind: 'copy',
      role: 'prefetch',
      stream: 'copy',
      direction: 'h2d',
      bytes: chunks * h2d.chunkBytes,
      chunkBytes: h2d.chunkBytes,
      paceS: h2d.paceS,
      pausedByHost: false,
      sourceBytesPerS: Number.POSITIVE_INFINITY,
      target: null,
      group: -1,
      source: -1,
      phase: 0,
    });
    // A round ends with its collectives, or with its copies if there are none.
    if (collective === undefined) {
      builder.add({ ...base, kind: 'mark', role: 'step', stream: 'compute', group: -1 }, [copy]);
    }
  }
  if (collective !== undefined) addCollectives(builder, system, ranks, groupSize, collective);
  const counter = new ChunkCounter();
  const program = builder.finish({
    ranks,
    groupSize,
    blocks: [],
    blocksPerPass: 0,
    slots: 0,
    slotBytes: 0,
    streamedPerStep: 0,
  });
  const engine = new Engine(program, system, { recorder: counter });
  const last = engine.run({ exactSteps: ROUNDS, fromStart: true });
  const from = engine.boundaryS(0);
  return {
    collectiveS:
      collective === undefined ? null : (engine.boundaryS(ROUNDS - 1) - from) / (ROUNDS - 1) / CALLS,
    h2dBytesPerS: h2d === undefined ? null : counter.rate(program, from, Math.min(last.endS, counter.lastS)),
  };
}

function addCollectives(
  builder: ProgramBuilder,
  system: System,
  ranks: number,
  groupSize: number,
  { transport: name, kind, sentBytes, pieceBytes }: NonNullable<Probe['collective']>,
): void {
  const transport = transportOf(system, name, groupSize);
  const segment = { kind: 'collective', name: 'probe', collective: kind, sentBytes, bufferBytes: 0 } as const;
  let after: (number | undefined)[] = Array.from({ length: ranks }, () => undefined);
  for (let group = 0; group < CALLS; group += 1) {
    if (transport.kind === 'flow') {
      for (let rank = 0; rank < ranks; rank += 1) {
        builder.add({
          kind: 'collective',
          rank,
          stream: 'collective',
          position: 0,
          label: `probe ${group}`,
          collective: kind,
          group,
          transport: transport.name,
          sentBytes,
        });
      }
      continue;
    }
    after = addStagedCollective(builder, {
      ranks,
      groupSize,
      position: 0,
      label: `probe ${group}`,
      group,
      segment,
      transport,
      pieceBytes: pieceBytes ?? transport.pieceBytes,
      inCopyStream: false,
      after,
      drained: () => undefined,
      hbmBytesPerS: system.gpu.hbmBytesPerS,
    });
  }
}

/** Bytes that prefetch copies of rank 0 moved between two times. */
class ChunkCounter implements Recorder {
  readonly #chunks: { op: number; startS: number; endS: number; bytes: number }[] = [];
  lastS = 0;

  chunk(op: number, startS: number, endS: number, bytes: number): void {
    this.#chunks.push({ op, startS, endS, bytes });
    this.lastS = endS;
  }

  rates(): void {}

  rate(program: StepProgram, from: number, to: number): number {
    let moved = 0;
    for (const { op: id, startS, endS, bytes } of this.#chunks) {
      const op = program.ops[id]!;
      if (op.kind !== 'copy' || op.role !== 'prefetch' || op.rank !== 0) continue;
      const inside = Math.max(0, Math.min(endS, to) - Math.max(startS, from));
      moved += bytes * (inside / (endS - startS));
    }
    return moved / (to - from);
  }
}

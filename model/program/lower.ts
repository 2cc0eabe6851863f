import type { Call } from '../physics/collectivePhases.ts';
import { sourceBytesPerS } from '../physics/copySource.ts';
import { launchLeadBlocks } from '../physics/launchLead.ts';
import { runningRanks } from '../physics/linkShare.ts';
import { checkIssuedBytes, type Plan } from '../plan/plan.ts';
import type { System } from '../system/system.ts';
import { transportOf } from '../system/transport.ts';
import type { BlockKind, CollectiveSegment, Workload } from '../workload/workload.ts';
import { blockLabel, launchLabel, prefetchLabel, segmentLabel } from './labels.ts';
import { ProgramBuilder } from './programBuilder.ts';
import { addStagedCollective } from './stagedCollective.ts';
import { type ComputeStage, type Detail, type OverlappedStage, type Stage, stagesOf } from './stages.ts';
import type { StepProgram } from './stepProgram.ts';
import { type Transfer, Transfers } from './transfers.ts';

/**
 * Lowers a plan for one workload and machine to the program of one steady step: the seam between simulator and
 * code generator, which both run exactly this.
 *
 * Per rank: `compute` runs the blocks' segments; `collective` the collectives, each after the compute before
 * it; `copy` the prefetch runs, per executing block and window in order. The last block of a step issues the
 * first block of the next.
 *
 * @throws Error where the program does not copy what the plan streams: a bug of whoever made the plan.
 * @param detail `segments` for a program to look at or to generate; `windows` merges the compute between
 * collectives, which takes the same time with a fifth of the operations, for searching among plans.
 */
export function lower(
  workload: Workload,
  system: System,
  plan: Plan,
  detail: Detail = 'segments',
): StepProgram {
  const builder = new ProgramBuilder();
  const ranks = runningRanks(system, workload.ranks);
  const lowering = new Lowering(builder, workload, system, plan, ranks, detail);
  for (let position = 0; position < lowering.positions; position += 1) lowering.addBlock(position);
  lowering.closeStep();
  checkIssuedBytes('the program', plan, workload.passes, lowering.issuedBytes);
  const streamed = plan.blocks.filter((block) => block.windowBytes.length > 0).length;
  return builder.finish({
    ranks,
    groupSize: workload.ranks,
    blocks: Array.from({ length: lowering.positions }, (_, position) => ({
      weightBytes: workload.blocks[position % workload.blocks.length]!.weightBytes,
      residentBytes: plan.blocks[position % workload.blocks.length]!.residentBytes,
    })),
    blocksPerPass: workload.blocks.length,
    slots: plan.slots,
    slotBytes: Math.max(0, ...plan.blocks.map((block) => total(block.windowBytes))),
    streamedPerStep: streamed * workload.passes,
  });
}

class Lowering {
  readonly positions: number;
  readonly #transfers: Transfers;
  /** Per rank and position: the block-start mark, the last compute operation, the last copy for that block. */
  readonly #starts: number[][];
  readonly #lastReads: number[][];
  readonly #lastCopies: (number | undefined)[][];
  /** Per rank and position: what each collective of the block waits for on the compute stream. */
  readonly #launchPoints: number[][][];
  readonly #leadBlocks: number;
  /** Waits that need an operation that is not there yet: [waiting op, () => op it waits for, steps ago]. */
  readonly #later: [number, () => number | undefined, 0 | 1][] = [];
  /** Per rank: the collective that the next operation on the compute stream must wait for. */
  readonly #pending: (number | undefined)[] = [];
  #group = 0;
  /** Bytes of the copies that one rank issues. */
  issuedBytes = 0;

  readonly builder: ProgramBuilder;
  readonly workload: Workload;
  readonly system: System;
  readonly plan: Plan;
  readonly ranks: number;

  readonly #detail: Detail;
  /** Per block kind: what it runs, timed. */
  readonly #stages = new Map<BlockKind, Stage[]>();

  constructor(
    builder: ProgramBuilder,
    workload: Workload,
    system: System,
    plan: Plan,
    ranks: number,
    detail: Detail,
  ) {
    for (const kind of new Set(workload.blocks)) this.#stages.set(kind, stagesOf(kind, system.gpu, detail));
    this.#detail = detail;
    this.builder = builder;
    this.workload = workload;
    this.system = system;
    this.plan = plan;
    this.ranks = ranks;
    const perPass = workload.blocks.length;
    this.positions = perPass * workload.passes;
    const perRank = <T>(): T[][] => Array.from({ length: ranks }, () => []);
    this.#starts = perRank();
    this.#lastReads = perRank();
    this.#lastCopies = perRank();
    this.#launchPoints = perRank();
    this.#transfers = new Transfers(workload, plan);
    this.#leadBlocks = plan.yieldRule === 'launch-window' ? launchLeadBlocks(workload, system, plan) : 0;
  }

  addBlock(position: number): void {
    const block = this.workload.blocks[position % this.workload.blocks.length]!;
    const name = this.#nameOf(position);
    const sequential = this.plan.sequential;
    for (let rank = 0; rank < this.ranks; rank += 1) {
      this.#addCopies(rank, position, 0, undefined, sequential ? 'all' : 'own');
      const start = this.builder.add(
        {
          kind: 'mark',
          role: 'block-start',
          rank,
          stream: 'compute',
          position,
          label: segmentLabel(name, 'start'),
          group: -1,
        },
        [this.#takePending(rank)],
      );
      this.#starts[rank]!.push(start);
      this.#launchPoints[rank]!.push([]);
      this.#waitForWeights(rank, position, start);
      if (!sequential) this.#addCopies(rank, position, 0, start, 'others');
    }
    let window = 0;
    for (const stage of this.#stages.get(block)!) {
      const label = this.#detail === 'windows' ? '' : segmentLabel(name, stage.name);
      if (stage.kind === 'compute') this.#addCompute(position, label, stage);
      else if (stage.kind === 'overlapped') this.#addOverlapped(position, name, stage);
      else {
        window += 1;
        this.#addCollective(position, window, label, stage);
      }
    }
    for (let rank = 0; rank < this.ranks; rank += 1) {
      this.#lastReads[rank]!.push(this.builder.last(rank, 'compute')!);
    }
  }

  #addCompute(position: number, label: string, stage: ComputeStage, besideGroup?: number): void {
    for (let rank = 0; rank < this.ranks; rank += 1) {
      this.builder.add(
        {
          kind: 'compute',
          rank,
          stream: 'compute',
          position,
          label,
          class: stage.class,
          flops: stage.flops,
          bytes: stage.bytes,
          durationS: stage.durationS,
          secondsOf: stage.secondsOf,
          noRoomS: stage.noRoomS,
          ...(besideGroup !== undefined && { besideGroup }),
        },
        [this.#takePending(rank)],
      );
    }
  }

  /**
   * A collective from the end of the compute before it on, compute beside it, and a wait for both. It ends no window, so that no plan
   * drains for it, yields to it or pauses around its launch.
   */
  #addOverlapped(position: number, block: string, { collective, compute }: OverlappedStage): void {
    const transport = transportOf(this.system, this.plan.transport, this.workload.ranks);
    if (transport.kind !== 'flow')
      throw new Error(`${collective.name}: ${transport.name} has no collective beside compute`);
    const group = this.#group++;
    const labelOf = (segment: string) => (this.#detail === 'windows' ? '' : segmentLabel(block, segment));
    const sends = Array.from({ length: this.ranks }, (_, rank) =>
      this.builder.add(
        {
          kind: 'collective',
          rank,
          stream: 'collective',
          position,
          label: labelOf(collective.name),
          ...moved(collective, group, transport.name),
        },
        [this.builder.last(rank, 'compute')],
      ),
    );
    for (const stage of compute) this.#addCompute(position, labelOf(stage.name), stage, group);
    for (const [rank, send] of sends.entries()) this.#pending[rank] = send;
  }

  /** Nobody reads the labels of a program that is only searched with, and they cost a tenth of it. */
  #nameOf(position: number): string {
    const { blocks, passes } = this.workload;
    if (this.#detail === 'windows') return 'block';
    const pass = Math.floor(position / blocks.length);
    return blockLabel(position % blocks.length, passes > 1 ? pass : null);
  }

  /** Waits across the step's end: the first operations of a step follow the last ones of the step before. */
  closeStep(): void {
    for (const [id, target, stepsAgo] of this.#later) {
      const op = target();
      if (op !== undefined) this.builder.wait(id, op, stepsAgo);
    }
    for (let rank = 0; rank < this.ranks; rank += 1) {
      const pending = this.#pending[rank];
      if (pending !== undefined) this.builder.wait(this.#starts[rank]![0]!, pending, 1);
    }
  }

  #takePending(rank: number): number | undefined {
    const pending = this.#pending[rank];
    this.#pending[rank] = undefined;
    return pending;
  }

  #waitForWeights(rank: number, position: number, start: number): void {
    const transfer = this.#transfers.to(position);
    if (transfer !== undefined) {
      this.#later.push([start, () => this.#lastCopies[rank]![position], transfer.stepsAhead]);
    }
    const firstOfPass = position % this.workload.blocks.length === 0;
    if (!this.plan.drainAtPassStart || !firstOfPass) return;
    if (position === 0) this.#later.push([start, () => this.builder.last(rank, 'copy'), 1]);
    else {
      const last = this.builder.last(rank, 'copy');
      if (last !== undefined) this.builder.wait(start, last);
    }
  }

  /**
   * The runs of one window, for every block whose copy is issued at this position. The block's own come before it starts, so
   * that they follow the compute before it.
   */
  #addCopies(
    rank: number,
    position: number,
    window: number,
    after: number | undefined,
    which: 'all' | 'own' | 'others' = 'all',
  ): void {
    for (const transfer of this.#transfers.from(position)) {
      const isOwn = transfer.to === position;
      if (which !== 'all' && isOwn !== (which === 'own')) continue;
      const bytes = transfer.windowBytes[window] ?? 0;
      if (bytes === 0) continue;
      const from = transfer.residentBytes + total(transfer.windowBytes.slice(0, window));
      const { plan } = this;
      const id = this.builder.add(
        {
          kind: 'copy',
          role: 'prefetch',
          rank,
          stream: 'copy',
          position,
          label: prefetchLabel(this.#nameOf(transfer.to)),
          direction: 'h2d',
          bytes,
          chunkBytes: Math.min(plan.chunkBytes, bytes),
          paceS: plan.paceS,
          pausedByHost: plan.yieldRule === 'launch-window',
          sourceBytesPerS: sourceBytesPerS(this.system, plan),
          target: {
            position: transfer.to,
            stepsAhead: transfer.stepsAhead,
            from,
            to: from + bytes,
            slot: transfer.ordinal % Math.max(1, plan.slots),
          },
          group: -1,
          source: -1,
          phase: 0,
        },
        [after],
      );
      if (this.plan.sequential || isOwn) {
        // In stream order behind the compute before it, and behind a collective that ends a block.
        const before = this.#pending[rank] ?? this.builder.last(rank, 'compute');
        if (before !== undefined) this.builder.wait(id, before);
        else this.#later.push([id, () => this.#pending[rank] ?? this.builder.last(rank, 'compute'), 1]);
      }
      if (rank === 0) this.issuedBytes += bytes;
      this.#waitForSlot(rank, transfer, id);
      this.#lastCopies[rank]![transfer.to] = id;
    }
  }

  #waitForSlot(rank: number, transfer: Transfer, id: number): void {
    const reader = this.#transfers.slotReader(transfer);
    if (reader !== null)
      this.#later.push([id, () => this.#lastReads[rank]![reader.position], reader.stepsBack]);
  }

  #addCollective(position: number, window: number, label: string, segment: CollectiveSegment): void {
    const { plan, builder } = this;
    const transport = transportOf(this.system, plan.transport, this.workload.ranks);
    const group = this.#group++;
    const afterCompute = Array.from({ length: this.ranks }, (_, rank) => builder.last(rank, 'compute')!);
    for (let rank = 0; rank < this.ranks; rank += 1) {
      this.#launchPoints[rank]![position]!.push(afterCompute[rank]!);
      if (plan.yieldRule === 'launch-window') this.#addLaunch(rank, position, label);
    }
    const drained = (rank: number) => (plan.yieldRule === 'drain' ? builder.last(rank, 'copy') : undefined);
    const ends =
      transport.kind === 'flow'
        ? afterCompute.map((before, rank) =>
            builder.add(
              {
                kind: 'collective',
                rank,
                stream: 'collective',
                position,
                label,
                ...moved(segment, group, transport.name),
              },
              [before, drained(rank)],
            ),
          )
        : addStagedCollective(builder, {
            ranks: this.ranks,
            groupSize: this.workload.ranks,
            position,
            label,
            group,
            segment,
            transport,
            pieceBytes: plan.pieceBytes,
            inCopyStream: plan.stagedInCopyStream,
            after: afterCompute,
            drained,
            hbmBytesPerS: this.system.gpu.hbmBytesPerS,
          });
    for (let rank = 0; rank < this.ranks; rank += 1) {
      this.#pending[rank] = ends[rank]!;
      // Behind pieces of their own stream, chunks yield by standing in line.
      const waits = plan.yieldRule === 'wait' && !plan.stagedInCopyStream;
      this.#addCopies(rank, position, window, waits ? ends[rank]! : undefined);
    }
  }

  /** What the host does for one collective: its launch, as early as the launching thread runs ahead. */
  #addLaunch(rank: number, position: number, label: string): void {
    const id = this.builder.add({
      kind: 'delay',
      role: 'launch',
      rank,
      stream: 'host',
      position,
      label: launchLabel(label),
      durationS: this.system.host.launchWindowS,
    });
    const index = this.#launchPoints[rank]![position]!.length - 1;
    const earlier = position - this.#leadBlocks;
    const point = (at: number) => () => {
      const points = this.#launchPoints[rank]![at]!;
      return points[Math.min(index, points.length - 1)] ?? this.#starts[rank]![at];
    };
    if (earlier >= 0) this.#later.push([id, point(earlier), 0]);
    else this.#later.push([id, point(earlier + this.positions), 1]);
  }
}

/** How a collective moves. Programs are told apart by their JSON, so that the order of these fields is part of what was measured. */
function moved(
  { collective, sentBytes, members, toNeighbour }: CollectiveSegment,
  group: number,
  transport: string,
): Call & { group: number; transport: string } {
  const further = { ...(members && { members }), ...(toNeighbour && { toNeighbour }) };
  return { collective, group, transport, sentBytes, ...further };
}

function total(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0);
}

import { windowTimesS } from '../model/physics/compute.ts';
import { copyRates } from '../model/physics/rates.ts';
import { fitsSlots, type IssueOrder, topUp } from '../model/plan/issueOrder.ts';
import type { BlockPlan, Plan } from '../model/plan/plan.ts';
import { FROM_SEARCH } from '../model/plan/recipe.ts';
import { issuerOf } from '../model/plan/windows.ts';
import type { System } from '../model/system/system.ts';
import { collectiveTransport, type StagedCopyTransport } from '../model/system/transport.ts';
import type { BlockKind, Workload } from '../model/workload/workload.ts';
import { dealWindows, type WindowRoom, type WindowRule } from './dealWindows.ts';
import { type Backend, besideFlows } from './hidingRoom.ts';
import { namedByContent } from './planWords.ts';
import { isStagedCopy, secondsPerByte } from './streamProgram.ts';

/** The variables of a plan, one value each but for the residents, which every block has its own of. */
export interface PlanVariables {
  backend: Backend;
  /** Infinity for a block's bytes of a window in one copy. */
  chunkBytes: number;
  slots: number;
  windows: WindowRule;
  /** Issued as early as the slots allow where blocks in between stay, or always slots - 1 blocks ahead. */
  issue: 'early' | 'near';
  /** Seconds of pause after each chunk. */
  paceS: number;
  residentBytes: readonly number[];
}

/** Makes plans of variables for one workload and machine; what windows hold is worked out once for a kind of block. */
export class PlanMaker {
  readonly #workload: Workload;
  readonly #system: System;
  readonly #clock: number;
  readonly #rooms = new Map<string, WindowRoom>();

  constructor(workload: Workload, system: System, clock: number) {
    this.#workload = workload;
    this.#system = system;
    this.#clock = clock;
  }

  /** Null where the slots do not suffice for the order of issue. */
  make(variables: PlanVariables): Plan | null {
    const { blocks } = this.#workload;
    const { backend, chunkBytes, windows, residentBytes } = variables;
    const streamed = blocks.flatMap(({ weightBytes }, index) =>
      residentBytes[index]! < weightBytes ? [index] : [],
    );
    const order = issueOrder(streamed, blocks.length, variables);
    if (!fitsSlots(order, blocks.length)) return null;
    // Most blocks stream as much beside the same kind.
    const dealt = new Map<BlockKind, Map<number, readonly number[]>>();
    const windowBytes = streamed.map((index, place) => {
      const running = blocks[issuerOf(order.issueAt[place]!, blocks.length)]!;
      const bytes = blocks[index]!.weightBytes - residentBytes[index]!;
      const ofRunning = dealt.get(running) ?? new Map<number, readonly number[]>();
      dealt.set(running, ofRunning);
      const known = ofRunning.get(bytes);
      if (known !== undefined) return known;
      const own = dealWindows(windows, bytes, chunkBytes, this.#room(running, backend, chunkBytes));
      ofRunning.set(bytes, own);
      return own;
    });
    return planOf(this.#workload, this.#system, variables, { ...order, windowBytes });
  }

  #room(running: BlockKind, backend: Backend, chunkBytes: number): WindowRoom {
    const key = `${running.name} ${backend.transport} ${chunkBytes} ${backend.pieceBytes}`;
    const room = this.#rooms.get(key) ?? this.#roomOf(running, backend, chunkBytes);
    this.#rooms.set(key, room);
    return room;
  }

  #roomOf(running: BlockKind, backend: Backend, chunkBytes: number): WindowRoom {
    const perByteS = secondsPerByte(this.#workload, this.#system, chunkBytes);
    const { ranks } = this.#workload;
    const transport = collectiveTransport(this.#system, backend, ranks);
    // The engine is free until the first piece has been written out.
    const writeS = transport?.kind === 'staged-copy' ? this.#firstWriteS(transport, backend.pieceBytes) : 0;
    const holdsBytes = windowTimesS(running, this.#system.gpu, this.#clock).map(
      (seconds, window, { length }) => (seconds + (window < length - 1 ? writeS : 0)) / perByteS,
    );
    const besideBytes = running.segments.flatMap((segment) => {
      if (segment.kind !== 'collective') return [];
      if (transport?.kind !== 'flow') return [0];
      const besides = besideFlows(segment, transport, this.#system, ranks);
      const roomS = besides.reduce((sum, flow) => sum + (flow.costPerS < 1 ? flow.roomS : 0), 0);
      return [roomS * copyRates(this.#system, ranks).h2d];
    });
    return { holdsBytes, besideBytes };
  }

  #firstWriteS({ latencyS, flagS }: StagedCopyTransport, pieceBytes: number): number {
    const { startUpS } = this.#system.gpu.copyEngine;
    return latencyS + startUpS + pieceBytes / copyRates(this.#system, this.#workload.ranks).d2h + flagS;
  }
}

/** Which streamed block is issued when, and in how many buffers: fewer than asked for where fewer blocks are streamed. */
export function issueOrder(
  streamed: readonly number[],
  blocks: number,
  { slots, issue }: Pick<PlanVariables, 'slots' | 'issue'>,
): IssueOrder {
  if (streamed.length === 0) return { streamed, issueAt: [], slots: 0 };
  const early = topUp(streamed, blocks, slots - 1);
  if (issue === 'early' || early.slots === 1) return early;
  return { streamed, issueAt: streamed.map((block) => block - (early.slots - 1)), slots: early.slots };
}

/** What of a plan's variables does not follow from its windows. */
type PlanHead = Omit<PlanVariables, 'slots' | 'issue' | 'windows'> & { windows: WindowRule | 'dealt' };

/** An order of issue with the bytes that each streamed block has in each window of the block that runs meanwhile. */
export interface DealtOrder extends IssueOrder {
  /** In the order of `streamed`. */
  windowBytes: readonly (readonly number[])[];
}

/** The plan of an order of issue and of what each streamed block has in each window. */
export function planOf(
  workload: Workload,
  system: System,
  variables: PlanHead,
  { streamed, issueAt, slots, windowBytes }: DealtOrder,
): Plan {
  const { backend, chunkBytes, windows, paceS, residentBytes } = variables;
  const blocks: BlockPlan[] = workload.blocks.map(({ weightBytes }, index) => ({
    residentBytes: Math.min(residentBytes[index]!, weightBytes),
    ...{ issueAt: index, windowBytes: [] },
  }));
  for (const [place, index] of streamed.entries()) {
    blocks[index] = {
      residentBytes: residentBytes[index]!,
      issueAt: issueAt[place]!,
      windowBytes: windowBytes[place]!,
    };
  }
  const plan: Plan = {
    ...{ name: '', recipe: FROM_SEARCH, chunkBytes, blocks, slots },
    yieldRule: windows === 'open' ? 'none' : 'wait',
    paceS,
    ...{ drainAtPassStart: false, sequential: false },
    transport: backend.transport,
    pieceBytes: backend.pieceBytes,
    stagedInCopyStream: windows !== 'open' && isStagedCopy(system, backend.transport),
  };
  return namedByContent(plan, workload);
}

import type { Plan } from '../plan/plan.ts';
import type { Workload } from '../workload/workload.ts';

/** A block's copy, placed in the step: issued at the start of position `from` for the block at position `to`. */
export interface Transfer {
  to: number;
  /** 1 where the block belongs to the next step. */
  stepsAhead: 0 | 1;
  from: number;
  /** Bytes per hiding window of the block at `from`. */
  windowBytes: readonly number[];
  residentBytes: number;
  /** Place among the streamed blocks of the step, which gives the slot. */
  ordinal: number;
}

/** The copies of one step, by the positions that they are issued at and made for. */
export class Transfers {
  readonly #from: Transfer[][];
  readonly #to = new Map<number, Transfer>();
  readonly #streamedPositions: number[] = [];
  readonly #slots: number;

  constructor({ blocks, passes }: Workload, plan: Plan) {
    const perPass = blocks.length;
    const positions = perPass * passes;
    this.#slots = plan.slots;
    this.#from = Array.from({ length: positions }, () => []);
    for (let position = 0; position < positions; position += 1) {
      const block = plan.blocks[position % perPass]!;
      if (block.windowBytes.length === 0) continue;
      const from = Math.floor(position / perPass) * perPass + block.issueAt;
      const transfer: Transfer = {
        to: position,
        stepsAhead: from < 0 ? 1 : 0,
        from: (from + positions) % positions,
        windowBytes: block.windowBytes,
        residentBytes: block.residentBytes,
        ordinal: this.#streamedPositions.length,
      };
      this.#streamedPositions.push(position);
      this.#to.set(position, transfer);
      this.#from[transfer.from]!.push(transfer);
    }
    for (const list of this.#from) list.sort((a, b) => a.stepsAhead - b.stepsAhead || a.to - b.to);
  }

  from(position: number): readonly Transfer[] {
    return this.#from[position]!;
  }

  to(position: number): Transfer | undefined {
    return this.#to.get(position);
  }

  /**
   * The position whose block sat in a transfer's slot, `slots` streamed blocks earlier, and must have been read before it is
   * overwritten; null where nobody sat there.
   */
  slotReader(transfer: Transfer): { position: number; stepsBack: 0 | 1 } | null {
    const count = this.#streamedPositions.length;
    const before = transfer.ordinal - this.#slots + transfer.stepsAhead * count;
    // A transfer for the next step may wait for a reader of this step; one for this step, of the last.
    if (before < -count || before >= count) return null;
    const position = this.#streamedPositions[((before % count) + count) % count]!;
    return { position, stepsBack: before < 0 ? 1 : 0 };
  }
}

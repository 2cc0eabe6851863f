import type { FlowSystem } from '../sharing/flowSystem.ts';
import type { CopyRun } from './copyChannels.ts';
import type { CopyEngineHost } from './copyEngineHost.ts';
import type { StagedBytes } from './stagedBytes.ts';

/** Routes of staged pieces: what a reader gets from memory depends on the bytes that have been staged since its piece was written. */
export class StagedRoutes {
  readonly #host: Pick<CopyEngineHost, 'now' | 'stagedRead'>;
  readonly #flows: FlowSystem;
  readonly #staged: StagedBytes;
  /** By engine: its route without regard to the cache, and the host memory that it copies from or to. */
  readonly #route: readonly number[];
  readonly #memory: readonly number[];
  /** By engine: the flow of the piece that it writes, -1 for none, and the flow's bytes. */
  readonly #flow: Int32Array;
  readonly #bytes: Float64Array;

  constructor(
    host: Pick<CopyEngineHost, 'now' | 'stagedRead'>,
    flows: FlowSystem,
    staged: StagedBytes,
    engines: readonly { route: number; memory: number }[],
  ) {
    this.#host = host;
    this.#flows = flows;
    this.#staged = staged;
    this.#route = engines.map((engine) => engine.route);
    this.#memory = engines.map((engine) => engine.memory);
    this.#flow = new Int32Array(engines.length).fill(-1);
    this.#bytes = new Float64Array(engines.length);
  }

  /** The route of a piece that begins or goes on. @param isNew whether none of it has moved. */
  routeOf(engine: number, piece: CopyRun, isNew: boolean): number {
    const underWay = (memory: number) => this.#underWay(memory);
    if (piece.direction === 'h2d')
      return this.#host.stagedRead(engine, this.#staged.missed(piece.source, underWay));
    // A write that lost its time slice goes on.
    if (isNew) this.#staged.begin(piece.id, this.#memory[engine]!, underWay(this.#memory[engine]!));
    return this.#route[engine]!;
  }

  /** Bytes of a piece have become a flow. */
  starts(engine: number, piece: CopyRun, flow: number, bytes: number): void {
    if (piece.direction !== 'd2h') return;
    this.#flow[engine] = flow;
    this.#bytes[engine] = bytes;
  }

  /** The flow of a piece has ended, with so many bytes. */
  ends(engine: number, piece: CopyRun, bytes: number): void {
    if (piece.direction !== 'd2h') return;
    this.#flow[engine] = -1;
    this.#staged.add(this.#memory[engine]!, bytes);
  }

  /** Bytes of staged pieces that have landed in a memory and are not accounted for yet. */
  #underWay(memory: number): number {
    let bytes = 0;
    for (let engine = 0; engine < this.#flow.length; engine += 1) {
      if (this.#flow[engine]! < 0 || this.#memory[engine] !== memory) continue;
      bytes += this.#bytes[engine]! - this.#flows.remaining(this.#flow[engine]!, this.#host.now);
    }
    return bytes;
  }
}

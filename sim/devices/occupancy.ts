/** When compute leaves kernels of other streams no room, by rank. Seconds since the simulation's start. */
export class Occupancy {
  /** Whether any compute of the program does. */
  readonly mayShut: boolean;
  /** Seconds from a compute operation's start until another kernel finds room beside it. */
  readonly #noRoomS: Float64Array;
  readonly #rankOf: ArrayLike<number>;
  /** By rank, in order: when nothing else finds room. What is over is dropped when it is asked for. */
  readonly #shut: { fromS: number; untilS: number }[][];

  constructor(noRoomS: Float64Array, rankOf: ArrayLike<number>, ranks: number) {
    this.mayShut = noRoomS.some((seconds) => seconds > 0);
    this.#noRoomS = noRoomS;
    this.#rankOf = rankOf;
    this.#shut = Array.from({ length: ranks }, () => []);
  }

  /** A compute operation begins. */
  begin(op: number, startS: number): void {
    if (this.#noRoomS[op]! === 0) return;
    this.#shut[this.#rankOf[op]!]!.push({ fromS: startS, untilS: startS + this.#noRoomS[op]! });
  }

  /** When a kernel of another stream that is ready now finds room: at once, or when compute leaves some. */
  roomAtS(rank: number, nowS: number): number {
    const shut = this.#shut[rank]!;
    while (shut.length > 0 && shut[0]!.untilS <= nowS) shut.shift();
    const first = shut[0];
    return first === undefined || first.fromS > nowS ? nowS : first.untilS;
  }
}

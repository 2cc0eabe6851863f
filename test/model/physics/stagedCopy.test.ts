import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { CollectiveKind } from '../../../model/dit/kinds.ts';
import {
  pieceSizes,
  type StagedPieces,
  stagedCopyAloneS,
  stagedPieces,
} from '../../../model/physics/stagedCopy.ts';
import type { CopyEngine } from '../../../model/system/system.ts';
import type { StagedCopyTransport } from '../../../model/system/transport.ts';

const pieces = suite('pieces of a staged collective');

for (const [bytes, pieceBytes, sizes] of [
  [8, 4, [4, 4]],
  [10, 4, [4, 4, 2]],
  [3, 4, [3]],
  // A collective without bytes still has its flag.
  [0, 4, [0]],
] as const) {
  pieces(`${bytes} bytes in pieces of ${pieceBytes}`, () =>
    assert.equal(pieceSizes(bytes, pieceBytes), sizes),
  );
}

const EXCHANGES: { what: string; kind: CollectiveKind; sentBytes: number; expected: StagedPieces[] }[] = [
  {
    // 3 peers, 8 bytes to each, in 3 equal pieces: each is written and read by its own peer.
    what: 'all-to-all of 4 ranks: writes = reads = pieces x peers',
    kind: 'all-to-all',
    sentBytes: 24,
    expected: [{ pieceBytes: 8 / 3, writes: 9, reads: 9 }],
  },
  {
    // What one rank writes, all its peers read.
    what: 'all-gather of 4 ranks: writes = pieces, reads = pieces x peers',
    kind: 'all-gather',
    sentBytes: 24,
    expected: [{ pieceBytes: 8 / 3, writes: 3, reads: 9 }],
  },
  {
    what: 'all-reduce of 4 ranks: shards exchanged, then sums gathered, half of the bytes in each',
    kind: 'all-reduce',
    sentBytes: 48,
    expected: [
      { pieceBytes: 8 / 3, writes: 9, reads: 9 },
      { pieceBytes: 8 / 3, writes: 3, reads: 9 },
    ],
  },
];
for (const { what, kind, sentBytes, expected } of EXCHANGES) {
  pieces(what, () => assert.equal(stagedPieces(kind, sentBytes, 4, 3), expected));
}

pieces.run();

const times = suite('seconds of a staged collective by itself');

const engine: CopyEngine = {
  ...{ h2dBytesPerS: 2, d2hBytesPerS: 4 },
  ...{ startUpS: 3, gapS: 1, turnS: 1, paceOverheadS: 0 },
};
/** Bytes/s: reads take 4 s of 8 bytes alone, writes 2 s, either 8 s while both run. */
const link = { h2d: 2, d2h: 4, both: 1, bothD2h: 1 };

const TIMES: {
  equation: string;
  latencyS?: number;
  flagS: number;
  exchanges: StagedPieces[];
  seconds: number;
}[] = [
  {
    // first write 3 + 2 + 10; second write 1 + 8 + 10; last read 3 + 4.
    equation: 'writes decide: latency + first write + (writes - 1) x write stage + last read',
    ...{ flagS: 10, exchanges: [{ pieceBytes: 8, writes: 2, reads: 2 }] },
    seconds: 100 + 15 + 19 + 7,
  },
  {
    // One write, read by three: nothing is written any more, so that reads have the link to themselves: 1 + 4 each.
    equation: 'more reads than writes: latency + first write + reads x (pause + bytes alone)',
    ...{ flagS: 10, exchanges: [{ pieceBytes: 8, writes: 1, reads: 3 }] },
    seconds: 100 + 15 + 3 * 5,
  },
  {
    // 1 + 8 for a read beside a write is more than the last read's 3 + 4.
    equation: 'as many reads as writes: a read lasts as long as its bytes beside a write',
    ...{ latencyS: 0, flagS: 0, exchanges: [{ pieceBytes: 8, writes: 1, reads: 1 }] },
    seconds: 5 + 9,
  },
  {
    equation: 'two exchanges follow each other behind one start-up',
    flagS: 10,
    exchanges: [
      { pieceBytes: 8, writes: 2, reads: 2 },
      { pieceBytes: 8, writes: 1, reads: 3 },
    ],
    seconds: 100 + 41 + 30,
  },
];
for (const { equation, latencyS = 100, flagS, exchanges, seconds } of TIMES) {
  times(equation, () => {
    const transport: StagedCopyTransport = {
      ...{ kind: 'staged-copy', carrier: { by: 'copy-engines' }, name: 'staged-copy' },
      ...{ pieceBytes: 8, cacheBytes: 0 },
      ...{ latencyS, flagS },
    };
    assert.is(
      stagedCopyAloneS(transport, engine, exchanges, () => link),
      seconds,
    );
  });
}

times(
  'where one direction is faster while both run, the other has the link to itself for what is left',
  () => {
    const transport: StagedCopyTransport = {
      ...{ kind: 'staged-copy', carrier: { by: 'copy-engines' }, name: 'staged-copy' },
      ...{ pieceBytes: 8, cacheBytes: 0 },
      ...{ latencyS: 0, flagS: 0 },
    };
    const one: StagedPieces[] = [{ pieceBytes: 8, writes: 1, reads: 1 }];
    // While 8 bytes are written at 2 bytes/s 4 are read; the other 4 take 2 s alone. First write 3 + 2, pause 1.
    const reads = stagedCopyAloneS(transport, engine, one, () => ({ h2d: 2, d2h: 4, both: 1, bothD2h: 2 }));
    assert.is(reads, 5 + (1 + 4 + 2));
    // A second write that is the slower one: in the 4 s of 8 bytes read 4 are written, the others take 1 s alone. Last read 3 + 4.
    const two: StagedPieces[] = [{ pieceBytes: 8, writes: 2, reads: 2 }];
    const writes = stagedCopyAloneS({ ...transport, flagS: 10 }, engine, two, () => ({
      ...{ h2d: 2, d2h: 4, both: 2, bothD2h: 1 },
    }));
    assert.is(writes, 15 + (1 + 4 + 1 + 10) + 7);
  },
);

times.run();

import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { numberQueue } from '../../../model/analytic/copyQueue.ts';
import { launchesOf } from '../../../model/analytic/launches.ts';
import { besideTimeSlices, type StagedBeside } from '../../../model/analytic/timeSlices.ts';
import type { CollectiveKind } from '../../../model/dit/kinds.ts';
import { NUMBERS } from '../../../model/physics/arithmetic.ts';
import { lostToWritesS, stagedCopyAloneS, stagedPieces } from '../../../model/physics/stagedCopy.ts';
import type { StagedCopyTransport } from '../../../model/system/transport.ts';
import { compute, machineOf, planOf, send, workloadOf } from '../../support/roundNumbers.ts';

const near = (value: number, expected: number) =>
  assert.ok(Math.abs(value - expected) <= 1e-9 * Math.max(1, expected), `expected ${expected}, got ${value}`);

const slices = suite(
  'staged pieces beside a prefetch stream: seconds by hand, and what is left of 100 s of copies',
);

/** Four pieces of 1 s that take 2 s each alone, slices of 3 s. */
const FOUR: StagedBeside<number> = {
  ...{ pieces: 4, pieceS: 1, aloneS: 8, sliceS: 3, gapS: 0, chunkS: 2, pauseS: 0 },
  sinceReadS: 100,
};

const SLICES: [
  what: string,
  equation: string,
  staged: Partial<StagedBeside<number>>,
  queuedS: number,
  seconds: number,
  leftS: number,
][] = [
  ['a slice before each piece but the first', 'write 1 + 4 pieces + 3 slices of 3', {}, 100, 14, 90],
  ['the gap behind each slice', 'the same + 4 x 0.5', { gapS: 0.5 }, 100, 16, 90],
  [
    'what is left of a slice begun after the last read',
    'slice 3 - 0.5 since - write 1 more',
    { sinceReadS: 0.5 },
    100,
    15.5,
    88.5,
  ],
  ['nothing is left of it once it is over', 'write 1 > slice 3 - 2.5', { sinceReadS: 2.5 }, 100, 14, 90],
  [
    'a piece of two and a half slices waits for two more',
    'write 0.5 + 2 x 7.5 + slices (3 + 2) x 3',
    { pieces: 2, pieceS: 7.5, aloneS: 16 },
    100,
    30.5,
    84.5,
  ],
  ['one piece writes for all but its read', 'write 8 - 1 + piece 1', { pieces: 1 }, 100, 8, 93],
  [
    'a paced stream gives its slice away at the end of a chunk',
    'write 1 + 4 pieces + 3 chunks of 2',
    { pauseS: 0.5 },
    100,
    11,
    91.5,
  ],
  [
    'no chunk is longer than a slice',
    'write 1 + 4 pieces + 3 slices of 3',
    { pauseS: 0.5, chunkS: 9 },
    100,
    14,
    88.5,
  ],
  [
    'as many pieces as fit go into a pause',
    'write 1 + 2 pauses of 4 with two pieces each + 1 chunk of 2',
    { pauseS: 4 },
    100,
    11,
    93,
  ],
  [
    'when the prefetch has ended pieces go at their own pace',
    'write 1 + piece 1 + 1 s of copies + 3 pieces of 2',
    {},
    2,
    9,
    0,
  ],
];
for (const [what, equation, staged, queuedS, seconds, leftS] of SLICES) {
  slices(`${what}: ${equation} = ${seconds}`, () => {
    const queue = numberQueue();
    queue.push({ block: 0, issuedBy: 0, window: 0, moveS: queuedS, pauseS: 0, chunks: queuedS });
    near(besideTimeSlices(queue, { ...FOUR, ...staged }), seconds);
    near(queue.allLeftS, leftS);
  });
}
slices.run();

const alone = suite('a staged collective by itself: seconds by hand');

/** 4 bytes/s down, 2 up, 1 each way at once; start-up 8, gap 3, flag 5, latency 7. */
const link = { h2d: 4, d2h: 2, both: 1, bothD2h: 1 };
const engine = { h2dBytesPerS: 4, d2hBytesPerS: 2, startUpS: 8, gapS: 3, turnS: 1, paceOverheadS: 0 };
const transport: StagedCopyTransport = {
  kind: 'staged-copy',
  carrier: { by: 'copy-engines' },
  name: 's',
  latencyS: 7,
  flagS: 5,
  pieceBytes: 4,
  cacheBytes: 0,
};

const ALONE: [
  kind: CollectiveKind,
  ranks: number,
  sentBytes: number,
  pieces: [bytes: number, writes: number, reads: number][],
  seconds: number,
  lostS: number,
  equation: string,
][] = [
  ['all-to-all', 2, 4, [[4, 1, 1]], 31, 3, '7 + (8 + 2 + 5) + max(8 + 1, 3 + 4)'],
  ['all-to-all', 2, 12, [[4, 3, 3]], 55, 9, '7 + 15 + max(2 x (3 + 4 + 5) + 9, 3 x 7)'],
  ['all-to-all', 2, 9, [[3, 3, 3]], 52.25, 6.75, '7 + (8 + 1.5 + 5) + 2 x (3 + 3 + 5) + 8.75'],
  ['all-to-all', 3, 16, [[4, 4, 4]], 67, 12, '7 + 15 + 3 x 12 + 9: two peers, two pieces each'],
  [
    'all-gather',
    3,
    16,
    [[4, 2, 4]],
    43,
    6,
    '7 + 15 + max(1 x 12 + 9, 4 x (3 + 1)): what is written once, two read',
  ],
  ['all-gather', 5, 32, [[4, 2, 8]], 54, 6, '7 + 15 + max(21, 8 x 4)'],
  [
    'all-reduce',
    2,
    8,
    [
      [4, 1, 1],
      [4, 1, 1],
    ],
    55,
    6,
    '7 + 2 x (15 + 9): shards, then sums',
  ],
];
for (const [kind, ranks, sentBytes, expected, seconds, lostS, equation] of ALONE) {
  alone(`${kind} of ${sentBytes} bytes between ${ranks}: ${equation} = ${seconds}`, () => {
    const pieces = stagedPieces(kind, sentBytes, ranks, 4);
    assert.equal(
      pieces,
      expected.map(([pieceBytes, writes, reads]) => ({ pieceBytes, writes, reads })),
    );
    near(
      stagedCopyAloneS(transport, engine, pieces, () => link),
      seconds,
    );
    // Written bytes x (1/1 - 1/4).
    near(lostToWritesS(NUMBERS, pieces, link), lostS);
  });
}
// First write 0 + 2 + 5, then the read stage at the rate of both directions, 3 + 4, which is longer than 0 + 1.
alone('as many reads as writes share the link with them', () =>
  near(
    stagedCopyAloneS(transport, { ...engine, startUpS: 0 }, stagedPieces('all-to-all', 4, 2, 4), () => link),
    21,
  ),
);
alone.run();

const launches = suite('launches of collectives, by the block during which they begin');

const of = (leadS: number, rule: 'launch-window' | 'none') => {
  const base = workloadOf([compute(1), send(1), send(1)], { ranks: 2, count: 3 });
  // Two collectives, three, none.
  const [two] = base.blocks;
  const blocks = [
    two!,
    { ...two!, segments: [compute(1), send(1), send(1), send(1)] },
    { ...two!, segments: [compute(1)] },
  ];
  return launchesOf(
    { ...base, blocks },
    machineOf({ host: { launchLeadS: leadS } }),
    planOf([1], { yieldRule: rule }),
  );
};

launches('a lead of one block: each with those of the next, at the same collective or at its last', () =>
  assert.equal(of(0, 'launch-window'), [[1, 2], [0, 0, 0], [2]]),
);
// Blocks take 3, 4 and 1 ms: 8 / 3 on average.
launches('a lead of two blocks', () => assert.equal(of(5.3e-3, 'launch-window'), [[0, 0], [1, 1, 0], [3]]));
launches('nobody else pauses for them', () => assert.is(of(0, 'none'), null));
launches.run();

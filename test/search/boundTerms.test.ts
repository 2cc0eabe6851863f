import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { BlockKind, Workload } from '../../model/workload/workload.ts';
import type { HidingRoom } from '../../search/hidingRoom.ts';
import { leastStreamedBytes, pooledPassS } from '../../search/pooledBound.ts';

const bytes = suite('least bytes of a pass that must be streamed');

const of = (sizes: number[], experts = 1): Workload =>
  ({
    blocks: sizes.map((weightBytes): BlockKind => ({ name: 'b', weightBytes, segments: [] })),
    experts,
  }) as never as Workload;

for (const { equation, sizes, experts, memory, slots, expected } of [
  { equation: 'all blocks fit: none', sizes: [10, 10], memory: 20, slots: 1, expected: 0 },
  {
    // 20 - (16 - s) are streamed, at most 2 s.
    equation: '4 + s = 2 s: buffers of 4, 8 bytes streamed',
    ...{ sizes: [10, 10], memory: 16, slots: 1, expected: 8 },
  },
  {
    // Each further buffer is memory that residents lose: 4 + 2 s <= 2 s never holds.
    equation: '4 + 2 s = 2 s: two buffers never do',
    ...{ sizes: [10, 10], memory: 16, slots: 2, expected: null },
  },
  {
    // Above 4 bytes only the larger block fills a buffer: 3.5 + s = 2 s below.
    equation: 'a small block streams no more than it has: 3.5 + s = min(4, s) + min(10, s)',
    ...{ sizes: [4, 10], memory: 10.5, slots: 1, expected: 7 },
  },
  {
    // 1 + s <= min(1, s) + min(10, s) + min(10, s): 3 s up to 1, then 1 + 2 s.
    equation: 'the same where the small block is full: 3 + s = 1 + 2 s',
    ...{ sizes: [1, 10, 10], memory: 18, slots: 1, expected: 5 },
  },
  {
    // Residents of two experts take twice the memory: 20 - (34 - s) / 2 = 2 s.
    equation: 'two experts: 3 + s / 2 = 2 s',
    ...{ sizes: [10, 10], experts: 2, memory: 34, slots: 1, expected: 4 },
  },
] as {
  equation: string;
  sizes: number[];
  experts?: number;
  memory: number;
  slots: number;
  expected: number | null;
}[]) {
  bytes(equation, () => {
    const found = leastStreamedBytes(of(sizes, experts), { gpuBytes: memory, pinnedBytes: 1e9 }, slots);
    if (expected === null) assert.is(found, null);
    else assert.ok(found !== null && Math.abs(found - expected) < 1e-9, String(found));
  });
}

bytes.run();

const pool = suite('seconds of a pass if all rooms were one');

/** 9 s alone, of which 3 are free; 1 s of copying at 0.2 s each beside one collective, 3 at 0.5 beside the other. */
const ROOMS: HidingRoom[] = [
  { aloneS: 5, freeS: 2, beside: [{ roomS: 3, costPerS: 0.5 }] },
  { aloneS: 4, freeS: 1, beside: [{ roomS: 1, costPerS: 0.2 }] },
];

for (const [equation, streamed, seconds] of [
  ['nothing streamed: the pass alone', 0, 9],
  ['3 s of copying: free', 6, 9],
  ['4 s: one beside the cheapest collective, whichever block it is in', 8, 9.2],
  ['3.5 s: half of what finds room there', 7, 9.1],
  ['6 s: two more beside the next', 12, 9.2 + 2 * 0.5],
  ['10 s: three find no room', 20, 9.2 + 3 * 0.5 + 3],
] as const) {
  // Two bytes a second.
  pool(equation, () => {
    const found = pooledPassS(ROOMS, streamed, 2);
    assert.ok(Math.abs(found - seconds) < 1e-12, String(found));
  });
}

pool.run();

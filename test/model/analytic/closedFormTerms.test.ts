import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { closedForm } from '../../../model/analytic/closedForm.ts';
import type { Plan } from '../../../model/plan/plan.ts';
import type { BoundWorkload, Segment } from '../../../model/workload/workload.ts';
import {
  compute,
  type MachineNumbers,
  MB,
  machineOf,
  ms,
  planOf,
  send,
  workloadOf,
} from '../../support/roundNumbers.ts';

/**
 * A case for each term of the closed form that only this term decides. Two equal blocks of round numbers: a megabyte is a
 * millisecond on the link, in a collective and in device memory; whatever costs time beyond that is given in the case. The
 * equation is that of one block unless it says `step`.
 */
const terms = suite('terms of the closed form, each in milliseconds by hand');

interface Case {
  what: string;
  equation: string;
  blockMs: number;
  segments: readonly Segment[];
  plan: Plan;
  machine?: MachineNumbers;
  workload?: Partial<BoundWorkload> & { count?: number };
}

const TWO = { ranks: 2 };
const inStream: Partial<Plan> = { transport: 'staged-copy', stagedInCopyStream: true };
const ownStream: Partial<Plan> = { transport: 'staged-copy' };
const three = [compute(1), send(1), compute(1), send(1), compute(1)];
const separate: MachineNumbers['beside'] = { collective: 1, h2d: 1 };
/** Four tiles on three multiprocessors: two waves, places for six tiles, 1.5 of the time of the FLOPs. */
const attention: Segment = {
  ...{ kind: 'compute', name: 'attention', class: 'attention', flops: 4e9, bytes: 0, kernels: 1 },
  attention: { queryRows: 512, keyRows: 512, heads: 1 },
};
const tiles = { multiprocessors: 3, rows: 128, ragged: 1, overheadS: 0 };

const CASES: readonly Case[] = [
  {
    what: 'chunks: the last, short one counts, and each has its gap',
    equation: '10.5 MB + 11 chunks x gap 0.2',
    blockMs: 12.7,
    segments: [compute(5)],
    plan: planOf([10.5]),
    machine: { engine: { gapS: ms(0.2), startUpS: ms(3) } },
  },
  {
    what: 'compute hides copies: the longer of both',
    equation: 'max(compute 12.8, 10.5 MB + 11 x 0.2)',
    blockMs: 12.8,
    segments: [compute(12.8)],
    plan: planOf([10.5]),
    machine: { engine: { gapS: ms(0.2) } },
  },
  {
    what: 'an engine that has been idle for longer than a start-up costs one',
    equation: 'compute 1 + collective (0.1 + 1) + start-up 0.5 + 4 MB + 3 gaps of 0.2',
    blockMs: 7.2,
    segments: [compute(1), send(1), compute(1)],
    plan: planOf([0, 4], { yieldRule: 'wait' }),
    machine: { engine: { gapS: ms(0.2), startUpS: ms(0.5) }, flow: { latencyS: ms(0.1) } },
    workload: TWO,
  },
  {
    what: 'one that has been idle for less is awake',
    equation: 'compute 1 + collective (0.1 + 1) + 4 MB + 4 gaps of 0.2; idle 2.1 < start-up 3',
    blockMs: 6.9,
    segments: [compute(1), send(1), compute(1)],
    plan: planOf([0, 4], { yieldRule: 'wait' }),
    machine: { engine: { gapS: ms(0.2), startUpS: ms(3) }, flow: { latencyS: ms(0.1) } },
    workload: TWO,
  },
  {
    what: 'pace: its overhead and, below a start-up, the gap',
    equation: '3 x (1 MB + pace 0.3 + overhead 0.1 + gap 0.05), 0.4 < start-up 0.6',
    blockMs: 4.35,
    segments: [compute(1)],
    plan: planOf([3], { paceS: ms(0.3) }),
    machine: { engine: { gapS: ms(0.05), startUpS: ms(0.6), paceOverheadS: ms(0.1) } },
  },
  {
    what: 'pace at least as long as a start-up costs one',
    equation: '3 x (1 MB + 0.3 + 0.1 + start-up 0.35)',
    blockMs: 5.25,
    segments: [compute(1)],
    plan: planOf([3], { paceS: ms(0.3) }),
    machine: { engine: { gapS: ms(0.05), startUpS: ms(0.35), paceOverheadS: ms(0.1) } },
  },
  {
    what: 'the pause after a chunk goes on while nothing is queued',
    equation: 'compute 1 + collective 1 + (pace 3 + overhead 0.5 - idle 2) + start-up 0.25 + 4 MB',
    blockMs: 7.75,
    segments: [compute(1), send(1)],
    plan: planOf([0, 4], { yieldRule: 'wait', paceS: ms(3), chunkBytes: 4 * MB }),
    machine: { engine: { startUpS: ms(0.25), paceOverheadS: ms(0.5) } },
    workload: TWO,
  },
  {
    what: 'attention leaves a paced stream one chunk and then its last wave',
    equation: 'attention 6 + 8 x (1 + 0.5) - (one chunk 1.5 + last wave 3)',
    blockMs: 13.5,
    segments: [attention],
    plan: planOf([8], { paceS: ms(0.5) }),
    machine: { engine: { startUpS: ms(1) }, gpu: { attentionTiles: tiles, peakFlops: 1e12 } },
  },
  {
    what: 'without pace attention hides copies like anything else',
    equation: 'max(attention 6, 8 MB)',
    blockMs: 8,
    segments: [attention],
    plan: planOf([8]),
    machine: { gpu: { attentionTiles: tiles, peakFlops: 1e12 } },
  },
  {
    what: 'none: later windows are copied from the block start on',
    equation: '1 + 2 (beside 1 of 5 MB) + 1 + 2 (beside 1 of 3) + 1 + 1 left',
    blockMs: 8,
    segments: three,
    plan: planOf([0, 0, 6]),
    workload: TWO,
  },
  {
    what: 'wait: they are copied after their collective',
    equation: '1 + 1 + 1 + 1 + 6 MB beside compute of 1',
    blockMs: 10,
    segments: three,
    plan: planOf([0, 0, 6], { yieldRule: 'wait' }),
    workload: TWO,
  },
  {
    what: 'wait: a slot to spare lets no chunk start before its collective has ended',
    equation: '1 + 1 + 1 + 1 + 6 MB beside compute of 1',
    blockMs: 10,
    segments: three,
    plan: planOf([0, 0, 6], { yieldRule: 'wait', slots: 3, count: 3 }),
    workload: { ...TWO, count: 3 },
  },
  {
    what: 'drain: a collective waits for the windows before it, no others',
    equation: '1 + wait 1 + 2 (beside 1 of 3 MB) + 1 + wait 1 + 2 (beside 1 of 1) + 1',
    blockMs: 9,
    segments: three,
    plan: planOf([2, 3, 1], { yieldRule: 'drain' }),
    workload: TWO,
  },
  {
    what: 'drain of a window behind the first collective holds up the second',
    equation: '1 + 2 (beside 1 of 5 MB left) + 1 + wait 3 + 1 + 1',
    blockMs: 9,
    segments: three,
    plan: planOf([0, 6], { yieldRule: 'drain' }),
    workload: TWO,
  },
  {
    what: 'drain also waits for what earlier blocks have issued',
    equation:
      'step: 3 blocks of 2 + 1, block 1 waits for 6 MB - (2 + 1 + 2) that block 0 issued behind its collective',
    blockMs: 10 / 3,
    segments: [compute(2), send(1)],
    plan: planOf([], {
      ...{ yieldRule: 'drain', slots: 1 },
      blocks: [[], [], [0, 6 * MB]].map((windowBytes, index) => ({
        ...{ residentBytes: 0, issueAt: index === 2 ? 0 : index, windowBytes },
      })),
    }),
    machine: { beside: separate },
    workload: { ...TWO, count: 3 },
  },
  {
    what: 'a drained pass waits at its start for copies of all its blocks',
    equation: 'step: 3 blocks of 4 + (6 MB of block 1 - compute 4 of block 2)',
    blockMs: 14 / 3,
    segments: [compute(4)],
    plan: planOf([], {
      drainAtPassStart: true,
      blocks: [[], [6 * MB], []].map((windowBytes, index) => ({
        ...{ residentBytes: 0, issueAt: index === 1 ? -1 : index, windowBytes },
      })),
    }),
    workload: { count: 3 },
  },
  {
    what: 'any other waits for its own copies',
    equation: 'step: 3 blocks of 4, 6 MB beside two of them',
    blockMs: 4,
    segments: [compute(4)],
    plan: planOf([], {
      blocks: [[], [6 * MB], []].map((windowBytes, index) => ({
        ...{ residentBytes: 0, issueAt: index === 1 ? -1 : index, windowBytes },
      })),
    }),
    workload: { count: 3 },
  },
  {
    what: 'sequential: from pageable memory, nothing overlaps',
    equation: '3 MB / 0.5 GB/s + compute 1',
    blockMs: 7,
    segments: [compute(1)],
    plan: planOf([], {
      ...{ sequential: true, slots: 1 },
      blocks: [0, 1].map((index) => ({ residentBytes: 0, issueAt: index, windowBytes: [3 * MB] })),
    }),
  },
  {
    what: 'beside a collective a copy takes no more of the link than its pageable source gives',
    equation:
      'compute 1 + collective 3 at half speed of the link, copies at the 0.5 GB/s of their source: 4 MB in 8',
    blockMs: 8,
    segments: [compute(1), send(3)],
    plan: planOf([4], { sequential: true }),
    workload: TWO,
  },
  {
    what: 'a launch puts off the chunk behind the one in flight, by half of itself where it is shorter',
    equation: '4 MB + 0.5^2 / (2 x 1)',
    blockMs: 4.125,
    segments: [compute(2), send(1)],
    plan: planOf([4], { yieldRule: 'launch-window' }),
    machine: { beside: separate, host: { launchWindowS: ms(0.5) } },
    workload: TWO,
  },
  {
    what: 'a launch longer than a chunk, by all of it but half a chunk',
    equation: '4 MB + 3 - 1 / 2',
    blockMs: 6.5,
    segments: [compute(2), send(1)],
    plan: planOf([4], { yieldRule: 'launch-window' }),
    machine: { beside: separate, host: { launchWindowS: ms(3) } },
    workload: TWO,
  },
  {
    what: 'two launches without a break are one of twice the length',
    equation: '4 MB + (2 x 0.5)^2 / (2 x 1); the second begins when the first has 0.3 left',
    blockMs: 4.5,
    segments: [compute(2), send(0.2), send(0.2)],
    plan: planOf([4], { yieldRule: 'launch-window' }),
    machine: { beside: separate, host: { launchWindowS: ms(0.5) } },
    workload: TWO,
  },
  {
    what: 'a copy that is issued during a launch waits for its end; one in flight is not held',
    equation: 'step: 2.5 (0.5 of a launch + 2 MB) + 2 (2 MB, no launch at its start)',
    blockMs: 2.25,
    segments: [compute(1), send(1)],
    plan: planOf([2], { yieldRule: 'launch-window', chunkBytes: 2 * MB }),
    machine: { beside: separate, host: { launchWindowS: ms(1.5) } },
    workload: TWO,
  },
  {
    what: 'no rule but launch-window knows of launches',
    equation: '4 MB',
    blockMs: 4,
    segments: [compute(2), send(1)],
    plan: planOf([4]),
    machine: { beside: separate, host: { launchWindowS: ms(3) } },
    workload: TWO,
  },
  {
    what: 'a longer gap beside a collective, less the usual one, is left to the collective',
    equation: '2 / ((6 + 3) / 15) + compute 1 + (1 - 3.333 / 15) x 7.2 - 1, pauses 6 x (0.2 + 0.3) beside it',
    blockMs: 10 / 3 + 5.6,
    segments: [send(2), compute(1)],
    plan: planOf([6]),
    machine: { engine: { gapS: ms(0.2), startUpS: ms(0.2) }, beside: { gapS: ms(0.5) } },
    workload: TWO,
  },
  {
    what: 'a shorter gap beside a collective than alone is none',
    equation: '2 / ((6 + 1.2) / 13.2) + compute 1 + (1 - 3.667 / 13.2) x 7.2 - 1',
    blockMs: 11 / 3 + 5.2,
    segments: [send(2), compute(1)],
    plan: planOf([6]),
    machine: { engine: { gapS: ms(0.2), startUpS: ms(0.2) }, beside: { gapS: ms(0.1) } },
    workload: TWO,
  },
  {
    what: 'during a latency copies have the link to themselves',
    equation: 'latency 2 + 2 (beside 1 of 1 MB left) + compute 0',
    blockMs: 4,
    segments: [send(1)],
    plan: planOf([3]),
    machine: { flow: { latencyS: ms(2) } },
    workload: TWO,
  },
  {
    what: 'filling a pipeline takes time',
    equation: 'compute 1 + latency 0.25 + 2 MB + cost 2 x 0.5 MB',
    blockMs: 4.25,
    segments: [compute(1), send(2)],
    plan: planOf([]),
    machine: { flow: { latencyS: ms(0.25), fill: { bytes: 0.5 * MB, cost: 2 } } },
    workload: TWO,
  },
  {
    what: 'pieces in the copy stream queue behind the chunks',
    equation: 'compute 1 + 3 MB left + 1 read',
    blockMs: 5,
    segments: [compute(1), send(1)],
    plan: planOf([4], inStream),
    workload: TWO,
  },
  {
    what: 'and take their own time where that is longer: written, then read',
    equation: 'compute 1 + 1 write + 1 read',
    blockMs: 3,
    segments: [compute(1), send(1)],
    plan: planOf([1.5], inStream),
    workload: TWO,
  },
  {
    what: 'chunks of a later window stand behind the pieces whatever the rule',
    equation: 'compute 1 + 1 write + 1 read + 4 MB',
    blockMs: 7,
    segments: [compute(1), send(1)],
    plan: planOf([0, 4], inStream),
    workload: TWO,
  },
  {
    what: 'after a staged collective the engine is awake',
    equation: 'compute 1 + 1 write + 1 read, each with a start-up of 0.5, + gap 0.25 + 4 MB',
    blockMs: 8.25,
    segments: [compute(1), send(1)],
    plan: planOf([0, 4], { ...ownStream, yieldRule: 'wait', chunkBytes: 4 * MB }),
    machine: { engine: { startUpS: ms(0.5), gapS: ms(0.25) } },
    workload: TWO,
  },
  {
    what: 'a piece waits for the slice that the prefetch began after the last read',
    equation: '1 + (1 write + 1 read) + 0.5 + (1 write + (slice 2 - 0.5 - 1) + 1 read) + 20 MB - 4 meanwhile',
    blockMs: 22,
    segments: [compute(1), send(1), compute(0.5), send(1)],
    plan: planOf([20], ownStream),
    machine: { engine: { turnS: ms(2) } },
    workload: TWO,
  },
  {
    what: 'also where all copies are hidden',
    equation: '1 + (1 write + 1 read) + 0.5 + (1 write + (slice 2 - 0.5 - 1) + 1 read) + compute 40',
    blockMs: 46,
    segments: [compute(1), send(1), compute(0.5), send(1), compute(40)],
    plan: planOf([20], ownStream),
    machine: { engine: { turnS: ms(2) } },
    workload: TWO,
  },
  {
    what: 'ranks on one GPU share its compute',
    equation: '2 ranks x compute 15',
    blockMs: 30,
    segments: [compute(15)],
    plan: planOf([10]),
    machine: { peer: 'colocated' },
    workload: TWO,
  },
  {
    what: 'and its copy engine',
    equation: '2 ranks x 10 MB',
    blockMs: 20,
    segments: [compute(2)],
    plan: planOf([10]),
    machine: { peer: 'colocated' },
    workload: TWO,
  },
  {
    what: 'a slot that is still being read puts a copy off to the block after its reader, all windows at once',
    equation:
      '4 MB and collective 1, the copy issued a block ahead although the plan says two: (1 + 2 beside 1 MB) + 2 left',
    blockMs: 5,
    segments: [compute(1), send(1)],
    plan: planOf([0, 4], {
      ...{ yieldRule: 'wait', slots: 2 },
      blocks: [0, 1, 2].map((index) => ({ residentBytes: 0, issueAt: index - 2, windowBytes: [0, 4 * MB] })),
    }),
    workload: { ...TWO, count: 3 },
  },
];

for (const { what, equation, blockMs, segments, plan, machine, workload } of CASES) {
  terms(`${what}: ${equation} = ${blockMs.toFixed(4)}`, () => {
    const bound = workloadOf(segments, workload);
    const stepMs = closedForm(bound, machineOf(machine), plan).stepTimeS * 1e3;
    const got = stepMs / bound.blocks.length;
    assert.ok(Math.abs(got / blockMs - 1) < 1e-9, `expected ${blockMs} ms, got ${got}`);
  });
}

terms('passes repeat the step', () => {
  const [first] = CASES;
  const of = (passes: number) =>
    closedForm(workloadOf(first!.segments, { passes }), machineOf(first!.machine), first!.plan).stepTimeS;
  assert.ok(Math.abs(of(3) / (3 * of(1)) - 1) < 1e-9);
});

terms.run();

import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { launchLeadBlocks } from '../../../model/physics/launchLead.ts';
import type { BlockPlan, Plan } from '../../../model/plan/plan.ts';
import { lower } from '../../../model/program/lower.ts';
import type { CopyOp, Op, StepProgram } from '../../../model/program/stepProgram.ts';
import { verify } from '../../../model/program/verify.ts';
import type { BlockKind, Workload } from '../../../model/workload/workload.ts';
import { compute, exchange, planOf, roundMachine, SPLIT, workloadOf } from './roundMachine.ts';

const machine = roundMachine();

function lowered(workload: Workload, plan: Plan): StepProgram {
  const program = lower(workload, machine, plan);
  assert.equal(verify(program), []);
  return program;
}

function find(program: StepProgram, label: string): Op {
  const found = program.ops.filter((op) => op.label === label);
  assert.is(found.length, 1, `${found.length} operations are called "${label}"`);
  return found[0]!;
}

/** What an operation waits for besides its stream's order: labels, with ` of the step before` where it is that. */
function waitsOf(program: StepProgram, op: Op): string[] {
  return op.waits.map(({ op: id, stepsAgo }) => {
    const { label } = program.ops[id]!;
    return stepsAgo === 1 ? `${label} of the step before` : label;
  });
}

const prefetches = ({ ops }: StepProgram): CopyOp[] =>
  ops.filter((op): op is CopyOp => op.kind === 'copy' && op.role === 'prefetch');

/** In the order of the stream: block that is copied, position at which it is issued, bytes, slot; next step or this. */
function issued(program: StepProgram): string[] {
  return prefetches(program).map(({ position, target }) => {
    const { position: to, from, to: end, slot, stepsAhead } = target!;
    return `at ${position}: ${to} [${from}, ${end}) to slot ${slot}${stepsAhead === 1 ? ', next step' : ''}`;
  });
}

const streamed = (issueAt: number, windowBytes: number[] = [24], residentBytes = 0): BlockPlan => ({
  ...{ residentBytes, issueAt, windowBytes },
});
const resident: BlockPlan = { residentBytes: 24, issueAt: 0, windowBytes: [] };

const where = suite('where copies are issued, and to which slot they go');

where('each one block ahead; the first block by the last one, for the next step', () => {
  const workload = workloadOf(3);
  assert.equal(issued(lowered(workload, planOf(workload))), [
    'at 0: 1 [0, 24) to slot 1',
    'at 1: 2 [0, 24) to slot 0',
    'at 2: 0 [0, 24) to slot 0, next step',
  ]);
});

where('blocks of the second pass in the second pass; slots go on', () => {
  const workload = workloadOf(2, SPLIT, { passes: 2 });
  const program = lowered(workload, planOf(workload));
  assert.equal(issued(program), [
    'at 0: 1 [0, 24) to slot 1',
    'at 1: 2 [0, 24) to slot 0',
    'at 2: 3 [0, 24) to slot 1',
    'at 3: 0 [0, 24) to slot 0, next step',
  ]);
  assert.equal([program.streamedPerStep, program.slotBytes, program.blocksPerPass], [4, 24, 2]);
});

where('of those issued at one block, those of this step before those of the next', () => {
  const workload = workloadOf(4);
  const blocks = [streamed(-2), resident, resident, streamed(2)];
  assert.equal(issued(lowered(workload, planOf(workload, { blocks }))), [
    'at 2: 3 [0, 24) to slot 1',
    'at 2: 0 [0, 24) to slot 0, next step',
  ]);
});

where('slots are dealt among streamed blocks, residents left out', () => {
  const workload = workloadOf(4);
  const blocks = [streamed(-1), resident, streamed(1), streamed(2)];
  assert.equal(
    prefetches(lowered(workload, planOf(workload, { blocks, slots: 3 }))).map(({ target }) => [
      target!.position,
      target!.slot,
    ]),
    [
      [2, 1],
      [3, 2],
      [0, 0],
    ],
  );
});

where(
  'windows follow each other behind the resident bytes, and are cut into chunks no longer than they are',
  () => {
    const workload = workloadOf(2);
    const blocks = [streamed(-1, [12, 4], 8), streamed(0, [0, 24])];
    const program = lowered(workload, planOf(workload, { blocks }));
    assert.equal(issued(program), [
      'at 0: 1 [0, 24) to slot 1',
      'at 1: 0 [8, 20) to slot 0, next step',
      'at 1: 0 [20, 24) to slot 0, next step',
    ]);
    assert.equal(
      prefetches(program).map(({ chunkBytes }) => chunkBytes),
      [8, 8, 4],
    );
    assert.is(program.slotBytes, 24);
  },
);

where.run();

const waits = suite('what operations wait for');

waits('a block for its last copy: of this step, or of the step before for the first block', () => {
  const workload = workloadOf(3);
  const program = lowered(workload, planOf(workload));
  assert.equal(waitsOf(program, find(program, 'block 1 start')), ['prefetch block 1']);
  assert.equal(waitsOf(program, find(program, 'block 0 start')), ['prefetch block 0 of the step before']);
});

waits('a copy for the last operation of the block in its slot, in this step or the one before', () => {
  // Four blocks, two slots: block 0 sits where 2 was, 1 where 3 was a step ago, 2 where 0 was, 3 where 1 was.
  const workload = workloadOf(4);
  const program = lowered(workload, planOf(workload));
  assert.equal(
    prefetches(program).map((copy) => [copy.label, ...waitsOf(program, copy)]),
    [
      ['prefetch block 1', 'block 0 start', 'block 3 second of the step before'],
      ['prefetch block 2', 'block 1 start', 'block 0 second'],
      ['prefetch block 3', 'block 2 start', 'block 1 second'],
      ['prefetch block 0', 'block 3 start', 'block 2 second'],
    ],
  );
});

waits('a collective for the compute before it, the compute behind for the collective', () => {
  const workload = workloadOf(2);
  const program = lowered(workload, planOf(workload));
  assert.equal(waitsOf(program, find(program, 'block 1 exchange')), ['block 1 first']);
  assert.equal(waitsOf(program, find(program, 'block 1 second')), ['block 1 exchange']);
});

waits('a collective at the end of the step holds the start of the next', () => {
  const workload = workloadOf(2, [compute('only', 1), exchange]);
  const program = lowered(workload, planOf(workload));
  assert.equal(waitsOf(program, find(program, 'block 0 start')), [
    'prefetch block 0 of the step before',
    'block 1 exchange of the step before',
  ]);
});

for (const [what, fields, collective, window] of [
  ['no rule: neither waits', {}, ['block 1 first'], []],
  [
    'drain: a collective for the copies before it',
    { yieldRule: 'drain' },
    ['block 1 first', 'prefetch block 0'],
    [],
  ],
  [
    'wait: a window for the collective before it',
    { yieldRule: 'wait' },
    ['block 1 first'],
    ['block 1 exchange'],
  ],
] as const) {
  waits(what, () => {
    const workload = workloadOf(2);
    const blocks = [streamed(-1, [12, 12]), streamed(0)];
    const program = lowered(workload, planOf(workload, { ...fields, blocks, slots: 2 }));
    assert.equal(waitsOf(program, find(program, 'block 1 exchange')), collective);
    const second = prefetches(program).at(-1)!;
    assert.equal(
      waitsOf(program, second).filter((label) => label.includes('exchange')),
      window,
    );
  });
}

waits('a window in one stream with staged pieces waits for no collective: it stands behind them', () => {
  const workload = workloadOf(2);
  const blocks = [streamed(-1, [12, 12]), streamed(0)];
  const plan = planOf(workload, {
    blocks,
    yieldRule: 'wait',
    transport: 'staged-copy',
    stagedInCopyStream: true,
  });
  const program = lowered(workload, plan);
  const second = prefetches(program).at(-1)!;
  assert.equal(
    waitsOf(program, second).filter((label) => label.includes('exchange')),
    [],
  );
  const copies = program.streams.find(({ kind }) => kind === 'copy')!.ops.map((id) => program.ops[id]!.label);
  assert.ok(copies.indexOf(second.label) < copies.indexOf('block 1 exchange in 0.1'), 'window 0 goes first');
  assert.is(copies.lastIndexOf(second.label), copies.indexOf('block 1 exchange in 0.1') + 1);
});

waits('a drained start of each pass for every copy before it, the first for those of the step before', () => {
  const workload = workloadOf(2, SPLIT, { passes: 2 });
  const plan = planOf(workload, { drainAtPassStart: true, blocks: [streamed(-2), resident], slots: 2 });
  const program = lowered(workload, plan);
  // Block 0 of each pass is copied at the start of the pass before: the last copy is for the other pass.
  assert.equal(waitsOf(program, find(program, 'pass 0 block 0 start')), [
    'prefetch pass 0 block 0 of the step before',
    'prefetch pass 0 block 0 of the step before',
  ]);
  assert.equal(waitsOf(program, find(program, 'pass 1 block 0 start')), [
    'prefetch pass 1 block 0',
    'prefetch pass 1 block 0',
  ]);
  for (const pass of [0, 1]) assert.equal(waitsOf(program, find(program, `pass ${pass} block 1 start`)), []);
});

waits.run();

const kinds = suite('how copies go');

for (const [what, fields, expected] of [
  ['by themselves', {}, { paceS: 0, pausedByHost: false, sourceBytesPerS: Number.POSITIVE_INFINITY }],
  ['paced', { paceS: 0.5 }, { paceS: 0.5, pausedByHost: false, sourceBytesPerS: Number.POSITIVE_INFINITY }],
  [
    'paused by launches',
    { yieldRule: 'launch-window' },
    { paceS: 0, pausedByHost: true, sourceBytesPerS: Number.POSITIVE_INFINITY },
  ],
  [
    'sequential: from pageable memory',
    { sequential: true, slots: 1 },
    { paceS: 0, pausedByHost: false, sourceBytesPerS: 4 },
  ],
] as const) {
  kinds(what, () => {
    const workload = workloadOf(2);
    const blocks = 'sequential' in fields ? [streamed(0), streamed(1)] : planOf(workload).blocks;
    for (const { paceS, pausedByHost, sourceBytesPerS } of prefetches(
      lowered(workload, planOf(workload, { ...fields, blocks })),
    ))
      assert.equal({ paceS, pausedByHost, sourceBytesPerS }, expected);
  });
}

kinds.run();

const launches = suite('launches run ahead of their collectives');

/** Blocks of 1 s of compute and an exchange of 2 s: 3 s; no more than a step. */
for (const [launchLeadS, blocks, passes, lead] of [
  [6, 8, 1, 2],
  // 7 s are 2.33 blocks, 8 s 2.67.
  [7, 8, 1, 2],
  [8, 8, 1, 3],
  [0, 8, 1, 1],
  [1000, 4, 1, 3],
  [1000, 4, 2, 7],
] as const) {
  launches(`${launchLeadS} s of lead in ${passes} x ${blocks} blocks of 3 s: ${lead} blocks`, () => {
    const workload = workloadOf(blocks, SPLIT, { passes });
    const system = { ...machine, host: { ...machine.host, launchLeadS } };
    assert.is(launchLeadBlocks(workload, system, planOf(workload)), lead);
  });
}

launches(
  'by the lead: with two blocks of lead block 2 is launched at the first launch point of block 0',
  () => {
    const workload = workloadOf(4);
    const system = { ...machine, host: { ...machine.host, launchLeadS: 6 } };
    const program = lower(workload, system, planOf(workload, { yieldRule: 'launch-window' }));
    assert.equal(verify(program), []);
    const launchWaits = [0, 1, 2, 3].map((block) =>
      waitsOf(program, find(program, `launch block ${block} exchange`)),
    );
    assert.equal(launchWaits, [
      ['block 2 first of the step before'],
      ['block 3 first of the step before'],
      ['block 0 first'],
      ['block 1 first'],
    ]);
  },
);

launches('a block without as many collectives: at its last one; without any: at its start', () => {
  const plain: BlockKind = { name: 'plain', weightBytes: 24, segments: [compute('only', 1)] };
  const two: BlockKind = {
    name: 'two',
    weightBytes: 24,
    segments: [...SPLIT, exchange, compute('third', 0.5)],
  };
  const one = workloadOf(1).blocks[0]!;
  const workload = { ...workloadOf(3), blocks: [plain, two, one] };
  const system = { ...machine, host: { ...machine.host, launchLeadS: 0 } };
  const program = lower(workload, system, planOf(workload, { yieldRule: 'launch-window' }));
  const of = program.ops.filter(({ kind }) => kind === 'delay').map((op) => waitsOf(program, op));
  assert.equal(of, [['block 0 start'], ['block 0 start'], ['block 1 first']]);
});

launches.run();

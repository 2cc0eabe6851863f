import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { Plan } from '../../../model/plan/plan.ts';
import { lower } from '../../../model/program/lower.ts';
import type { CopyOp, Op, StepProgram, Wait } from '../../../model/program/stepProgram.ts';
import { verify } from '../../../model/program/verify.ts';
import { planOf, roundMachine, SPLIT, workloadOf } from './roundMachine.ts';

/**
 * Each rule of the verifier by the least that breaks it: a program of a few blocks of 24 bytes, one thing changed. What a
 * rule must not refuse stands beside what it must.
 */
type Draft = { -readonly [Key in keyof CopyOp]: CopyOp[Key] } & { waits: Wait[] };

interface Case {
  what: string;
  plan?: Partial<Plan>;
  blocks?: number;
  ranks?: 1 | 2;
  change: (program: StepProgram, ops: Draft[]) => void;
  /** Rules that are broken, and how often; none for what is to be let through. */
  broken: string[];
}

const label = (ops: readonly Draft[], text: string, rank = 0): Draft => {
  const found = ops.filter((op) => op.label === text && op.rank === rank);
  assert.is(found.length, 1, `${found.length} operations of rank ${rank} are called "${text}"`);
  return found[0]!;
};
/** Runs of a block's copy on rank 0, in stream order. */
const copies = (ops: readonly Draft[], block: number): Draft[] =>
  ops.filter((op) => op.kind === 'copy' && op.rank === 0 && op.target?.position === block);
const retarget = (copy: Draft, target: Partial<NonNullable<CopyOp['target']>>): void => {
  copy.target = { ...copy.target!, ...target };
};
const waitsFor = (ops: readonly Draft[], op: Draft, waited: readonly Op[], stepsAgo: 0 | 1 = 0): void => {
  op.waits = [
    ...op.waits.filter(({ op: id }) => ops[id]!.kind === 'copy'),
    ...waited.map(({ id }) => ({ op: id, stepsAgo })),
  ];
};

/** Blocks of 24 bytes of which 8 stay: 16 bytes in two windows of 12 and 4, slots of 16. */
const PARTS: Partial<Plan> = {
  blocks: [0, 1, 2].map((block) => ({ residentBytes: 8, issueAt: block - 1, windowBytes: [12, 4] })),
};

const CASES: Case[] = [
  { what: 'nothing changed', change: () => undefined, broken: [] },
  { what: 'blocks in parts, nothing changed', plan: PARTS, change: () => undefined, broken: [] },
  {
    what: 'a run that brings less than it claims: bytes of the step, and its end does not fit',
    change: (_, ops) => {
      copies(ops, 1)[0]!.bytes = 20;
    },
    broken: ['bytes-per-step', 'coverage'],
  },
  {
    what: 'a run that brings more than it claims',
    change: (_, ops) => {
      copies(ops, 1)[0]!.bytes = 28;
    },
    broken: ['bytes-per-step', 'coverage'],
  },
  {
    what: 'bytes that rank 1 copies are no help to rank 0',
    ranks: 2,
    change: (_, ops) => {
      copies(ops, 1)[0]!.bytes -= 4;
      ops.find((op) => op.kind === 'copy' && op.rank === 1 && op.target?.position === 1)!.bytes += 4;
    },
    broken: ['bytes-per-step', 'bytes-per-step', 'coverage', 'coverage'],
  },
  {
    what: 'a hole between two runs, the second as much beyond the end',
    plan: PARTS,
    change: (_, ops) => retarget(copies(ops, 1)[1]!, { from: 21, to: 25 }),
    broken: ['coverage', 'memory'],
  },
  {
    // [8, 20) and [16, 24): every byte comes, four of them twice.
    what: 'two runs that overlap and reach the end',
    plan: PARTS,
    change: (_, ops) => {
      const [, second] = copies(ops, 1);
      second!.bytes = 8;
      retarget(second!, { from: 16 });
      copies(ops, 2)[1]!.bytes = 0;
      retarget(copies(ops, 2)[1]!, { from: 20, to: 20 });
    },
    broken: ['coverage', 'coverage'],
  },
  {
    what: 'a hole of as many bytes as another block gets too often',
    plan: PARTS,
    change: (_, ops) => {
      const [, second] = copies(ops, 1);
      second!.bytes = 2;
      retarget(second!, { from: 22, to: 24 });
      copies(ops, 2)[1]!.bytes = 6;
      retarget(copies(ops, 2)[1]!, { from: 18, to: 24 });
    },
    broken: ['coverage', 'coverage'],
  },
  {
    what: 'a first run that starts among the resident bytes and ends where it should',
    plan: PARTS,
    change: (_, ops) => {
      const [first] = copies(ops, 1);
      first!.bytes = 16;
      retarget(first!, { from: 4 });
      const [other] = copies(ops, 2);
      other!.bytes = 8;
      retarget(other!, { from: 12 });
    },
    broken: ['coverage', 'coverage'],
  },
  {
    what: 'runs in another order than their bytes are let through',
    plan: PARTS,
    change: (_, ops) => {
      const [first, second] = copies(ops, 1);
      [first!.bytes, second!.bytes] = [4, 12];
      retarget(first!, { from: 20, to: 24 });
      retarget(second!, { from: 8, to: 20 });
    },
    broken: [],
  },
  {
    what: 'slots a byte larger than the largest streamed block',
    change: (program) => Object.assign(program, { slotBytes: 25 }),
    broken: ['memory'],
  },
  {
    what: 'slots a byte smaller: each copy leaves its own as well',
    change: (program) => Object.assign(program, { slotBytes: 23 }),
    broken: ['memory', 'memory', 'memory', 'memory'],
  },
  {
    what: 'a copy that ends a byte behind its slot',
    change: (_, ops) => retarget(copies(ops, 1)[0]!, { to: 25 }),
    broken: ['coverage', 'memory'],
  },
  {
    what: 'a copy into the slot behind the last',
    change: (_, ops) => retarget(copies(ops, 1)[0]!, { slot: 3 }),
    broken: ['memory', 'slot-reuse'],
  },
  {
    what: 'a copy into a slot of the ring that is not its own',
    change: (_, ops) => retarget(copies(ops, 1)[0]!, { slot: 0 }),
    broken: ['slot-reuse'],
  },
  {
    what: "bytes that land before their block's second operation, not before its first",
    change: (_, ops) => {
      label(ops, 'block 1 start').waits = [];
      label(ops, 'block 1 second').waits.push({ op: copies(ops, 1)[0]!.id, stepsAgo: 0 });
    },
    broken: ['landed-before-start'],
  },
  {
    what: 'the first block does not wait for what the step before has copied for it',
    change: (_, ops) => {
      label(ops, 'block 0 start').waits = [];
    },
    broken: ['landed-before-start'],
  },
  {
    what: 'a block waits for the copy of the step before, not of this step',
    change: (_, ops) => {
      label(ops, 'block 1 start').waits = [{ op: copies(ops, 1)[0]!.id, stepsAgo: 1 }];
    },
    broken: ['landed-before-start'],
  },
  {
    // The last operation of the step before waits for it, and the first of this step comes behind that one.
    what: 'the first block is behind its copy by the order of its stream across steps, let through',
    change: (_, ops) => {
      label(ops, 'block 0 start').waits = [];
      label(ops, 'block 2 second').waits.push({ op: copies(ops, 0)[0]!.id, stepsAgo: 0 });
    },
    broken: [],
  },
  {
    // Issued two blocks ahead into two slots: block 0's is still being read at block 0's start.
    what: 'a slot overwritten when its reader has begun, not when it is done',
    blocks: 4,
    change: (_, ops) => waitsFor(ops, copies(ops, 2)[0]!, [label(ops, 'block 0 second')].slice(1)),
    broken: ['slot-reuse'],
  },
  {
    what: "a slot overwritten behind its reader's last operation but one",
    blocks: 4,
    change: (_, ops) => waitsFor(ops, copies(ops, 2)[0]!, [label(ops, 'block 0 exchange')]),
    broken: ['slot-reuse'],
  },
  {
    what: "a slot overwritten behind its reader's last operation, and nothing more, is let through",
    blocks: 4,
    change: (_, ops) => waitsFor(ops, copies(ops, 2)[0]!, [label(ops, 'block 0 second')]),
    broken: [],
  },
  {
    what: 'a slot overwritten behind the reader of the step before',
    blocks: 4,
    change: (_, ops) => waitsFor(ops, copies(ops, 2)[0]!, [label(ops, 'block 0 second')], 1),
    broken: ['slot-reuse'],
  },
  {
    what: 'a copy for the next step behind the reader of the step before',
    blocks: 4,
    change: (_, ops) => waitsFor(ops, copies(ops, 0)[0]!, [label(ops, 'block 2 second')], 1),
    broken: ['slot-reuse'],
  },
  {
    what: 'a collective that is shorter on rank 1',
    ranks: 2,
    change: (_, ops) => Object.assign(label(ops, 'block 1 exchange', 1), { sentBytes: 4 }),
    broken: ['collective-order'],
  },
  {
    what: 'a collective of another kind on rank 1',
    ranks: 2,
    change: (_, ops) => Object.assign(label(ops, 'block 1 exchange', 1), { collective: 'all-gather' }),
    broken: ['collective-order'],
  },
  {
    what: 'a last collective that rank 1 does not issue',
    ranks: 2,
    change: (program) => {
      const stream = program.streams.find(({ rank, kind }) => rank === 1 && kind === 'collective')!;
      (stream.ops as number[]).pop();
    },
    broken: ['collective-order'],
  },
  {
    what: 'compute behind a collective that does not wait for it',
    change: (_, ops) => {
      label(ops, 'block 1 second').waits = [];
    },
    broken: ['critical-path'],
  },
  {
    what: 'a collective that does not wait for the compute before it',
    change: (_, ops) => {
      label(ops, 'block 1 exchange').waits = [];
    },
    broken: ['critical-path'],
  },
  {
    what: 'a staged piece that is read longer than it was written',
    plan: { transport: 'staged-copy' },
    change: (_, ops) => {
      label(ops, 'block 1 exchange in 0.1').bytes = 9;
    },
    broken: ['staged-exchange', 'staged-exchange'],
  },
  {
    what: 'a staged piece of another collective: what is read, and what nobody reads',
    plan: { transport: 'staged-copy' },
    change: (_, ops) => {
      label(ops, 'block 1 exchange in 0.1').source = label(ops, 'block 0 exchange out 0.0').id;
    },
    broken: ['staged-exchange', 'staged-exchange'],
  },
  {
    what: 'a staged piece that is read before its flag',
    plan: { transport: 'staged-copy' },
    change: (_, ops) => {
      const read = label(ops, 'block 1 exchange in 0.1');
      read.waits = read.waits.filter(({ op }) => (ops[op] as Op).kind === 'mark');
    },
    broken: ['staged-exchange'],
  },
  {
    // Rank 1 may have come to the collective long before rank 0.
    what: 'a staged piece that is read before its own rank has begun the collective',
    ranks: 2,
    plan: { transport: 'staged-copy' },
    change: (_, ops) => {
      const read = label(ops, 'block 1 exchange in 0.1');
      read.waits = read.waits.filter(({ op }) => (ops[op] as Op).kind !== 'mark');
    },
    broken: ['staged-exchange'],
  },
  {
    what: 'a staged piece that nobody reads',
    plan: { transport: 'staged-copy' },
    change: (program, ops) => {
      const write = label(ops, 'block 1 exchange out 0.0');
      const extra = { ...write, id: ops.length, label: 'extra', waits: [] };
      ops.push(extra);
      (program.streams.find(({ kind }) => kind === 'stage-out')!.ops as number[]).push(extra.id);
    },
    broken: ['staged-exchange'],
  },
  {
    what: 'a staged collective that ends before its last read',
    plan: { transport: 'staged-copy' },
    change: (_, ops) => {
      const end = label(ops, 'block 1 exchange ends');
      end.waits = end.waits.filter(({ op }) => (ops[op] as Op).stream === 'stage-out');
    },
    broken: ['critical-path'],
  },
  {
    what: 'an operation that waits for itself',
    change: (_, ops) => {
      const start = label(ops, 'block 1 start');
      start.waits.push({ op: start.id, stepsAgo: 0 });
    },
    broken: ['acyclic'],
  },
  {
    // Rank 0 waits before its first collective for what rank 1 does behind that very collective.
    what: 'ranks that wait for each other in a collective',
    ranks: 2,
    change: (_, ops) => {
      label(ops, 'block 0 exchange').waits.push({ op: label(ops, 'block 0 second', 1).id, stepsAgo: 0 });
    },
    broken: ['acyclic'],
  },
];

const test = suite('rules of the verifier, each by the least that breaks it');

for (const { what, plan, blocks = 3, ranks = 1, change, broken } of CASES) {
  test(what, () => {
    const workload = workloadOf(blocks, SPLIT);
    const slots = blocks === 3 ? { slots: 3 } : {};
    const own = { ...planOf(workload, slots), ...plan };
    const program = structuredClone(lower(workload, roundMachine(ranks), own));
    assert.equal(verify(program), [], 'before the change');
    change(program, program.ops as unknown as Draft[]);
    const found = verify(program);
    assert.equal(
      found.map(({ rule }) => rule).sort(),
      [...broken].sort(),
      found.map(({ rule, message }) => `${rule}: ${message}`).join('\n'),
    );
  });
}

test.run();

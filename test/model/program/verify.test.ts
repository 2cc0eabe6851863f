import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { loadDit } from '../../../model/dit/load.ts';
import { parseSize } from '../../../model/dit/tokens.ts';
import { UserError } from '../../../model/input/userError.ts';
import type { Plan } from '../../../model/plan/plan.ts';
import { presetHelp, presetPlan } from '../../../model/presets/presets.ts';
import { lower } from '../../../model/program/lower.ts';
import type { CollectiveOp, CopyOp, Op, StepProgram } from '../../../model/program/stepProgram.ts';
import { type Violation, verify } from '../../../model/program/verify.ts';
import { loadSystem } from '../../../model/system/load.ts';
import type { System } from '../../../model/system/system.ts';
import { bindWorkload, type WorkloadOptions } from '../../../model/workload/bind.ts';
import type { Workload } from '../../../model/workload/workload.ts';

const accepts = suite('lowered programs verify');
const refuses = suite('changed programs are refused');

const plans = [
  ...presetHelp.map(({ name }) => name),
  'layerwise,prefetch=2',
  'layerwise,prefetch=4',
  'layerwise,resident-layers=3',
  'layerwise,resident-layers=3,prefetch=2',
  'layerwise-strided,resident-layers=3',
  'layerwise-strided,resident-layers=0.5,prefetch=2',
  'layerwise-drain,resident=0.5',
  'chunked,prefetch=3',
  'chunked,slots=4',
  'chunked,slots=4,prefetch=2',
  'chunked,resident=0.4',
  'chunked,chunk=1MiB',
  'chunked,chunk=1GiB',
  'chunkflow-paper,prefetch=2',
  'yield,windows=0.3/0.3',
  'yield,windows=0/0/1',
  'yield,prefetch=2,resident=0.25',
  'yield,resident-layers=3,slots=3',
  'paced,pace=50us',
  'paced,resident-layers=1,prefetch=3',
  'sequential,resident-layers=2',
  'sequential,resident=0.3',
];

/** One streamed block, which waits for its own reader, or fewer slots than the prefetch reaches ahead. */
const tightPlans = [
  ...['chunked', 'yield', 'layerwise', 'layerwise-drain', 'layerwise-strided'].flatMap((preset) => [
    `${preset},resident-layers=7`,
    `${preset},prefetch=2,slots=2`,
    `${preset},prefetch=3,slots=2`,
    `${preset},prefetch=20`,
  ]),
  'sequential,slots=2',
];

interface Layout extends Omit<WorkloadOptions, 'size'> {
  model: string;
  size: string;
  machine: string;
}

/** Models whose blocks differ in what they are made of: one kind, two kinds, two passes, long text. */
const layouts: Layout[] = [
  { model: 'dit-xl-2', size: '256x256', machine: 'rtx5090-x1' },
  { model: 'dit-xl-2', size: '256x256', machine: 'rtx5090-x2', sp: 2 },
  { model: 'dit-xl-2', size: '256x256', machine: 'h100-pcie-x4', sp: 4 },
  { model: 'dit-xl-2', size: '256x256', machine: 'h100-sxm-x8', tp: 2, cfg: 'sequential' },
  { model: 'flux.1-dev', size: '256x256', machine: 'h200-x1', sp: 2 },
  { model: 'flux.1-dev', size: '256x256', machine: 'h200-x2', tp: 2 },
  { model: 'flux.1-dev', size: '256x256', machine: 'h100-pcie-x4', sp: 2, tp: 2 },
  { model: 'wan2.2-ti2v-5b', size: '320x192x5', machine: 'h200-x1', cfg: 'sequential' },
  { model: 'wan2.2-ti2v-5b', size: '320x192x5', machine: 'h100-sxm-x8', sp: 4, exchange: 'kv-gather' },
  { model: 'wan2.2-ti2v-5b', size: '320x192x5', machine: 'h100-pcie-x2', sp: 2, exchange: 'separate-cross' },
];

const BLOCKS = 8;
const details = ['segments', 'windows'] as const;

/** A model's blocks thinned out, all kinds kept, so that every plan is checked in milliseconds. */
function workloadOf({ model, size, machine: _, ...options }: Layout, count = BLOCKS): Workload {
  const workload = bindWorkload(loadDit(model), { size: parseSize(size), ...options });
  const { blocks } = workload;
  return {
    ...workload,
    blocks: Array.from({ length: count }, (_, i) => blocks[Math.floor((i * blocks.length) / count)]!),
  };
}

function transportsFor(system: System, workload: Workload): (string | undefined)[] {
  return workload.ranks === 1 ? [undefined] : system.transports.map(({ name }) => name);
}

for (const layout of layouts) {
  const { model, size, machine, ...options } = layout;
  accepts(`${model} ${size} on ${machine} ${JSON.stringify(options)}`, () => {
    const system = loadSystem(machine);
    const workload = workloadOf(layout);
    for (const transport of transportsFor(system, workload)) {
      for (const text of plans) {
        for (const detail of transport === undefined || transport === 'shm' ? details : details.slice(0, 1)) {
          const program = lower(workload, system, presetPlan(text, workload, system, transport), detail);
          assert.equal(verify(program), [], `${text} over ${transport ?? 'nothing'}, ${detail}`);
        }
      }
    }
  });
}

for (const text of tightPlans) {
  accepts(`${text}, or it is refused as a plan`, () => {
    const system = loadSystem('h200-x2');
    const workload = workloadOf({ model: 'dit-xl-2', size: '256x256', machine: 'h200-x2', sp: 2 });
    for (const transport of ['shm', 'staged-copy']) {
      let plan: Plan;
      try {
        plan = presetPlan(text, workload, system, transport);
      } catch (error) {
        assert.instance(error, UserError);
        continue;
      }
      assert.equal(verify(lower(workload, system, plan)), [], `over ${transport}`);
    }
  });
}

accepts('whole models', () => {
  for (const [model, size, machine, text] of [
    ['dit-xl-2', '256x256', 'h100-pcie-x2', 'chunked'],
    ['flux.1-dev', '512x512', 'h200-x2', 'yield'],
    ['wan2.2-ti2v-5b', '640x352x17', 'h100-pcie-x2', 'layerwise'],
  ] as const) {
    const system = loadSystem(machine);
    const workload = bindWorkload(loadDit(model), { size: parseSize(size), sp: 2 });
    assert.equal(
      verify(lower(workload, system, presetPlan(text, workload, system))),
      [],
      `${model}, ${text}`,
    );
  }
});

type Changeable<T extends Op> = T extends Op
  ? Omit<{ -readonly [Key in keyof T]: T[Key] }, 'waits'> & { waits: { op: number; stepsAgo: 0 | 1 }[] }
  : never;
/** An operation that a mutation may change. */
type Draft = Changeable<Op>;
type CopyDraft = Changeable<CopyOp>;

/** A copy of a program to change. */
class Mutant {
  readonly ops: Draft[];
  readonly program: StepProgram;

  constructor(program: StepProgram) {
    this.program = structuredClone(program);
    this.ops = this.program.ops as Draft[];
  }

  find(what: string, matches: (op: Draft) => boolean): Draft {
    const op = this.ops.find(matches);
    if (op === undefined) throw new Error(`the program has no ${what}`);
    return op;
  }

  start(rank: number, position: number): Draft {
    return this.find(
      'block start',
      (op) => op.kind === 'mark' && op.role === 'block-start' && op.rank === rank && op.position === position,
    );
  }

  /** Copies for a block, in stream order. */
  copies(rank: number, position: number): CopyDraft[] {
    return this.#allOf(`copy for block ${position}`, (op) =>
      op.kind === 'copy' && op.rank === rank && op.target?.position === position ? [op] : [],
    );
  }

  collectives(rank: number): Changeable<CollectiveOp>[] {
    return this.#allOf('collective', (op) => (op.kind === 'collective' && op.rank === rank ? [op] : []));
  }

  /** Staged pieces of a collective as they are read, in stream order. */
  reads(rank: number, group: number): CopyDraft[] {
    return this.#staged(rank, group, 'h2d');
  }

  writes(rank: number, group: number): CopyDraft[] {
    return this.#staged(rank, group, 'd2h');
  }

  #staged(rank: number, group: number, direction: CopyOp['direction']): CopyDraft[] {
    return this.#allOf(`${direction} piece of collective ${group}`, (op) =>
      op.kind === 'copy' && op.rank === rank && op.group === group && op.direction === direction ? [op] : [],
    );
  }

  #allOf<T>(what: string, pick: (op: Draft) => T[]): T[] {
    const found = this.ops.flatMap(pick);
    if (found.length === 0) throw new Error(`the program has no ${what}`);
    return found;
  }

  dropWaits(op: Draft, on: (waited: Draft) => boolean): void {
    const kept = op.waits.filter((wait) => !on(this.ops[wait.op]!));
    if (kept.length === op.waits.length) throw new Error(`"${op.label}" waits for nothing of the kind`);
    op.waits = kept;
  }

  stream(rank: number, kind: string): number[] {
    const stream = this.program.streams.find((one) => one.rank === rank && one.kind === kind);
    if (stream === undefined) throw new Error(`rank ${rank} has no ${kind} stream`);
    return stream.ops as number[];
  }

  swap(rank: number, kind: string, first: number, second: number): void {
    const ops = this.stream(rank, kind);
    const [a, b] = [ops.indexOf(first), ops.indexOf(second)];
    if (a < 0 || b < 0) throw new Error(`${first} and ${second} are not both in ${kind}`);
    [ops[a], ops[b]] = [ops[b]!, ops[a]!];
  }

  remove(op: Draft): void {
    const ops = this.stream(op.rank, op.stream);
    ops.splice(ops.indexOf(op.id), 1);
    for (const other of this.ops) other.waits = other.waits.filter((wait) => wait.op !== op.id);
    // Numbers are places, so what is behind moves up.
    this.ops.splice(op.id, 1);
    const place = (id: number) => (id > op.id ? id - 1 : id);
    this.ops.forEach((other, index) => {
      other.id = index;
      for (const wait of other.waits) wait.op = place(wait.op);
      if (other.kind === 'copy') other.source = other.source === op.id ? -1 : place(other.source);
    });
    for (const stream of this.program.streams) {
      const ids = stream.ops as number[];
      ids.forEach((id, index) => {
        ids[index] = place(id);
      });
    }
  }
}

interface Mutation {
  name: string;
  plan: string;
  transport?: string;
  machine?: string;
  /** Ranks; 2 unless the change is about more. */
  sp?: number;
  rule: Violation['rule'];
  /** What the message must name. */
  names: RegExp;
  /** Other rules that the change breaks as well. */
  also?: readonly Violation['rule'][];
  change: (mutant: Mutant) => void;
}

const isCopy = (op: Draft) => op.kind === 'copy';
const isCompute = (op: Draft) => op.kind === 'compute' || op.kind === 'mark';
const isFlag = (op: Draft) => op.kind === 'delay';

const mutations: Mutation[] = [
  {
    name: "a block's start forgets its last copy",
    plan: 'chunked',
    rule: 'landed-before-start',
    names: /rank 0 compute "block 3 .* before rank 0 copy "prefetch block 3"/,
    change: (m) => m.dropWaits(m.start(0, 3), isCopy),
  },
  {
    name: "a block's start forgets its last copy on rank 1 alone",
    plan: 'chunked',
    rule: 'landed-before-start',
    names: /rank 1 compute "block 3 .* before rank 1 copy "prefetch block 3"/,
    change: (m) => m.dropWaits(m.start(1, 3), isCopy),
  },
  {
    name: 'the first block forgets the copy that the step before made for it',
    plan: 'chunked',
    rule: 'landed-before-start',
    names: /rank 0 compute "block 0 .* before rank 0 copy "prefetch block 0"/,
    change: (m) => m.dropWaits(m.start(0, 0), isCopy),
  },
  {
    name: "a start waits for the step before's copy of its block",
    plan: 'chunked',
    rule: 'landed-before-start',
    names: /compute "block 3 .* before .*"prefetch block 3"/,
    change: (m) => {
      m.start(0, 3).waits.find((wait) => isCopy(m.ops[wait.op]!))!.stepsAgo = 1;
    },
  },
  {
    name: 'a start waits for the first of its copies, not for the last',
    plan: 'yield,chunk=1MiB',
    rule: 'landed-before-start',
    names: /compute "block 3 .* before .*"prefetch block 3"/,
    change: (m) => {
      m.start(0, 3).waits.find((wait) => isCopy(m.ops[wait.op]!))!.op = m.copies(0, 3)[0]!.id;
    },
  },
  {
    name: "a start waits for the other rank's copy",
    plan: 'chunked',
    rule: 'landed-before-start',
    names: /rank 0 compute "block 3 .* before rank 0 copy "prefetch block 3"/,
    change: (m) => {
      m.start(0, 3).waits.find((wait) => isCopy(m.ops[wait.op]!))!.op = m.copies(1, 3)[0]!.id;
    },
  },
  {
    name: 'a sequential block does not wait for its own copy',
    plan: 'sequential',
    rule: 'landed-before-start',
    names: /compute "block 3 .* before .*"prefetch block 3"/,
    change: (m) => m.dropWaits(m.start(0, 3), isCopy),
  },
  {
    name: 'a start waits for the copy before its own',
    plan: 'chunked,prefetch=2',
    rule: 'landed-before-start',
    names: /compute "block 3 .* before .*"prefetch block 3"/,
    change: (m) => {
      m.start(0, 3).waits.find((wait) => isCopy(m.ops[wait.op]!))!.op = m.copies(0, 2)[0]!.id;
    },
  },
  {
    name: "a copy forgets its slot's reader",
    plan: 'chunked,slots=3,prefetch=2',
    rule: 'slot-reuse',
    names: /"prefetch block 4" may overwrite slot 1 before .*"block 1 /,
    change: (m) => {
      m.dropWaits(m.copies(0, 4)[0]!, isCompute);
    },
  },
  {
    name: 'a copy waits for a reader one segment too early',
    plan: 'sequential',
    rule: 'slot-reuse',
    names: /"prefetch block 3" may overwrite slot 0 before .*"block 2 /,
    change: (m) => {
      const copy = m.copies(0, 3)[0]!;
      m.dropWaits(copy, () => true);
      copy.waits.push({ op: m.start(0, 2).id, stepsAgo: 0 });
    },
  },
  {
    name: "a copy for the next step waits for its slot's reader of the step before",
    plan: 'chunked',
    rule: 'slot-reuse',
    names: /"prefetch block 0" may overwrite slot 0 before .*"block 6 /,
    change: (m) => {
      const copy = m.copies(0, 0)[0]!;
      // Issued at the last block's start, whose wait on the block before is in stream order anyway.
      for (const wait of copy.waits) if (isCompute(m.ops[wait.op]!)) wait.stepsAgo = 1;
    },
  },
  {
    name: 'a copy goes to another slot',
    plan: 'chunked',
    rule: 'slot-reuse',
    names: /"prefetch block 4" goes to slot 1, the ring says 0/,
    change: (m) => {
      const copy = m.copies(0, 4)[0]!;
      copy.target = { ...copy.target!, slot: 1 };
    },
  },
  {
    name: 'two collectives change places on one rank',
    plan: 'none',
    rule: 'collective-order',
    names: /^rank 1 issues 1 all-to-all .* rank 0 0 all-to-all/,
    also: ['acyclic'],
    change: (m) => m.swap(1, 'collective', m.collectives(1)[0]!.id, m.collectives(1)[1]!.id),
  },
  {
    name: 'a collective is shorter on one rank',
    plan: 'none',
    rule: 'collective-order',
    names: /^rank 1 issues 2 all-to-all 4096 bytes .* as collective 2, rank 0 2 all-to-all/,
    change: (m) => {
      m.collectives(1)[2]!.sentBytes = 4096;
    },
  },
  {
    name: 'a collective is of another kind on one rank',
    plan: 'none',
    rule: 'collective-order',
    names: /^rank 1 issues 2 all-gather .* rank 0 2 all-to-all/,
    change: (m) => {
      m.collectives(1)[2]!.collective = 'all-gather';
    },
  },
  {
    name: 'a collective goes over another transport on one rank',
    plan: 'none',
    rule: 'collective-order',
    names: /over staged-sm as collective 2/,
    change: (m) => {
      m.collectives(1)[2]!.transport = 'staged-sm';
    },
  },
  {
    name: 'a rank leaves its last collective out',
    plan: 'none',
    rule: 'collective-order',
    names: /^rank 1 issues nothing as collective 15/,
    change: (m) => m.remove(m.collectives(1).at(-1)!),
  },
  {
    name: "a staged collective's ends change places on one rank",
    plan: 'none',
    transport: 'staged-copy',
    rule: 'collective-order',
    names: /^rank 1 issues 1 collective-end/,
    also: ['acyclic'],
    change: (m) => {
      const ends = m.ops.filter((op) => op.rank === 1 && / ends$/.test(op.label));
      m.swap(1, 'collective', ends[0]!.id, ends[1]!.id);
    },
  },
  {
    name: 'the program claims smaller slots than its largest block',
    plan: 'chunked',
    rule: 'memory',
    names: /^slots of \d+ bytes are claimed, the largest streamed block has \d+/,
    change: (m) => {
      m.program.slotBytes -= 1;
    },
  },
  {
    name: 'the program claims larger slots than any block needs',
    plan: 'yield',
    rule: 'memory',
    names: /^slots of \d+ bytes are claimed, the largest streamed block has \d+/,
    change: (m) => {
      m.program.slotBytes += 4096;
    },
  },
  {
    name: 'a copy goes to a slot that is not claimed',
    plan: 'chunked',
    rule: 'memory',
    names: /block 3/,
    also: ['slot-reuse'],
    change: (m) => {
      m.copies(0, 3)[0]!.target!.slot = 2;
    },
  },
  {
    name: 'a copy is short by a byte',
    plan: 'chunked',
    rule: 'bytes-per-step',
    names: /^rank 0 copies \d+ bytes a step, but \d+ do not stay/,
    also: ['coverage'],
    change: (m) => {
      m.copies(0, 3)[0]!.bytes -= 1;
    },
  },
  {
    name: 'one copy is short and another as much too long',
    plan: 'chunked',
    rule: 'coverage',
    names: /^rank 0 block 3: bytes from \d+ on are not copied exactly once/,
    change: (m) => {
      m.copies(0, 3)[0]!.bytes -= 1024;
      m.copies(0, 4)[0]!.bytes += 1024;
    },
  },
  {
    name: 'a copy is missing',
    plan: 'yield,chunk=1MiB',
    rule: 'bytes-per-step',
    names: /^rank 1 copies/,
    also: ['coverage'],
    change: (m) => m.remove(m.copies(1, 3)[0]!),
  },
  {
    name: 'copies overlap',
    plan: 'yield,chunk=1MiB',
    rule: 'coverage',
    names: /^rank 0 block 3: bytes from \d+ on/,
    change: (m) => {
      const [, second] = m.copies(0, 3);
      const { target } = second!;
      second!.target = {
        ...target!,
        from: target!.from - 4,
        to: target!.to - 4,
      };
    },
  },
  {
    name: 'copies overwrite the resident bytes',
    plan: 'chunked,chunk=1MiB,resident=0.4',
    rule: 'coverage',
    names: /^rank 0 block 3: bytes from/,
    change: (m) => {
      const copy = m.copies(0, 3)[0]!;
      const { target } = copy;
      copy.target = { ...target!, from: 0, to: copy.bytes };
    },
  },
  {
    name: 'a copy brings the bytes of another block',
    plan: 'chunked',
    rule: 'coverage',
    names: /^rank 0 block 3: bytes from 0 on/,
    also: ['slot-reuse', 'landed-before-start'],
    change: (m) => {
      const copy = m.copies(0, 3)[0]!;
      copy.target = { ...copy.target!, position: 4 };
    },
  },
  {
    name: 'a copy waits for the block that it feeds',
    plan: 'chunked',
    rule: 'acyclic',
    names: /wait for each other: .*"(block 3|prefetch block 3)/,
    change: (m) => m.copies(0, 3)[0]!.waits.push({ op: m.start(0, 3).id, stepsAgo: 0 }),
  },
  {
    name: 'an operation waits for itself',
    plan: 'chunked',
    rule: 'acyclic',
    names: /"block 3 start"/,
    change: (m) => m.start(0, 3).waits.push({ op: m.start(0, 3).id, stepsAgo: 0 }),
  },
  {
    name: 'an operation waits for a later one of its stream',
    plan: 'none',
    rule: 'acyclic',
    names: /rank 0 compute/,
    change: (m) => m.start(0, 3).waits.push({ op: m.start(0, 4).id, stepsAgo: 0 }),
  },
  {
    name: 'a collective waits for what the other rank does behind it',
    plan: 'none',
    rule: 'acyclic',
    names: /rank [01] (collective|compute)/,
    change: (m) => m.collectives(0)[0]!.waits.push({ op: m.start(1, 1).id, stepsAgo: 0 }),
  },
  {
    name: 'two ranks wait for each other across two collectives',
    plan: 'none',
    rule: 'acyclic',
    names: /rank [01] collective/,
    change: (m) => m.collectives(1)[2]!.waits.push({ op: m.collectives(0)[3]!.id, stepsAgo: 0 }),
  },
  {
    name: 'a staged read no longer waits for its flag',
    plan: 'none',
    transport: 'staged-copy',
    rule: 'staged-exchange',
    names: /^rank 0 stage-in "block 1 .* in 0.1" may read before/,
    change: (m) => m.dropWaits(m.reads(0, 2)[0]!, isFlag),
  },
  {
    name: 'a staged read that is not the first of its collective no longer waits for its flag',
    plan: 'none,piece=64KiB',
    transport: 'staged-copy',
    rule: 'staged-exchange',
    names: /^rank 0 stage-in "block 1 .* in 1.1" may read before/,
    change: (m) => m.dropWaits(m.reads(0, 2)[1]!, isFlag),
  },
  {
    name: 'a staged read does not wait until its own rank has begun the collective',
    plan: 'none,piece=64KiB',
    transport: 'staged-copy',
    rule: 'staged-exchange',
    names: /^rank 0 stage-in "block 1 .* in 0.1" may fill a buffer before its own rank/,
    change: (m) =>
      m.dropWaits(m.reads(0, 2)[0]!, (op) => op.kind === 'mark' && op.role === 'collective-begin'),
  },
  {
    name: "a staged read waits for another piece's flag",
    plan: 'none,piece=64KiB',
    transport: 'staged-copy',
    rule: 'staged-exchange',
    names: /^rank 0 stage-in "block 1 .* in 1.1" may read before/,
    change: (m) => {
      const [first, second] = m.reads(0, 2);
      second!.waits = structuredClone(first!.waits);
    },
  },
  {
    name: "a staged read waits for its own rank's flag",
    plan: 'none',
    transport: 'staged-copy',
    rule: 'staged-exchange',
    names: /^rank 0 stage-in "block 1 .* in 0.1" may read before/,
    change: (m) => {
      m.reads(0, 2)[0]!.waits = structuredClone(m.reads(1, 2)[0]!.waits);
    },
  },
  {
    name: "a staged read waits for the step before's flag",
    plan: 'none',
    transport: 'staged-copy',
    rule: 'staged-exchange',
    names: /^rank 0 stage-in "block 1 .* in 0.1" may read before/,
    change: (m) => {
      for (const wait of m.reads(0, 2)[0]!.waits) wait.stepsAgo = 1;
    },
  },
  {
    name: 'of four ranks one waits for the wrong peer',
    plan: 'none',
    transport: 'staged-copy',
    machine: 'h100-pcie-x4',
    sp: 4,
    rule: 'staged-exchange',
    names: /^rank 0 stage-in "block 1 .* in 0.2" may read before/,
    change: (m) => {
      const [first, second] = m.reads(0, 2);
      second!.waits = structuredClone(first!.waits);
    },
  },
  {
    name: 'of four ranks the third alone, in the middle of the step, reads a piece before its flag',
    plan: 'none,piece=64KiB',
    transport: 'staged-copy',
    machine: 'h100-pcie-x4',
    sp: 4,
    rule: 'staged-exchange',
    names: /^rank 2 stage-in "block 4 .* in 1.2" may read before rank 0 stage-out/,
    change: (m) => m.dropWaits(m.reads(2, 8)[4]!, isFlag),
  },
  {
    name: 'of four ranks the last alone, in the middle of the step, ends a collective before its last read',
    plan: 'none',
    transport: 'staged-copy',
    machine: 'h100-pcie-x4',
    sp: 4,
    rule: 'critical-path',
    names: /^rank 3 collective "block 4 .* may come before rank 3 stage-in "block 4 /,
    change: (m) => {
      const end = m.find('collective end', (op) => {
        return op.kind === 'mark' && op.role === 'collective-end' && op.rank === 3 && op.group === 8;
      });
      m.dropWaits(end, (waited) => waited.stream === 'stage-in');
    },
  },
  {
    name: 'a staged read in the prefetch stream no longer waits for its flag',
    plan: 'yield',
    transport: 'staged-copy',
    rule: 'staged-exchange',
    names: /^rank 0 copy "block 1 .* in 0.1" may read before/,
    change: (m) => m.dropWaits(m.reads(0, 2)[0]!, isFlag),
  },
  {
    name: 'a staged piece is longer where it is read',
    plan: 'none',
    transport: 'staged-copy',
    rule: 'staged-exchange',
    names: /"block 1 .* in 0.1"/,
    change: (m) => {
      m.reads(0, 2)[0]!.bytes += 4096;
    },
  },
  {
    name: 'a staged piece is not written',
    plan: 'none',
    transport: 'staged-copy',
    rule: 'staged-exchange',
    names: /"block 1 .* in 0.1" reads what no rank wrote for it/,
    change: (m) => m.remove(m.writes(1, 2)[0]!),
  },
  {
    name: 'a staged piece is not read',
    plan: 'none',
    transport: 'staged-copy',
    rule: 'staged-exchange',
    names: /block 1/,
    change: (m) => m.remove(m.reads(0, 2)[0]!),
  },
  {
    name: 'a staged collective ends without waiting for its last read',
    plan: 'none',
    transport: 'staged-copy',
    rule: 'critical-path',
    names: /block 1/,
    change: (m) => {
      const end = m.find('collective end', (op) => {
        return op.kind === 'mark' && op.role === 'collective-end' && op.rank === 0 && op.group === 2;
      });
      m.dropWaits(end, (waited) => waited.stream === 'stage-in');
    },
  },
  {
    name: 'a collective does not wait for the compute before it',
    plan: 'none',
    rule: 'critical-path',
    names: /block 1/,
    change: (m) => m.dropWaits(m.collectives(0)[2]!, isCompute),
  },
  {
    name: 'compute does not wait for the collective before it',
    plan: 'none',
    rule: 'critical-path',
    names: /block 1/,
    change: (m) => {
      const collective = m.collectives(0)[2]!.id;
      const next = m.find('compute behind', (op) => op.waits.some((wait) => wait.op === collective));
      m.dropWaits(next, (waited) => waited.id === collective);
    },
  },
];

/** The program that a mutation starts from: DiT-XL/2 on a pair, two collectives a block. */
function original({ plan, transport, machine = 'h200-x2', sp = 2 }: Mutation): StepProgram {
  const system = loadSystem(machine);
  const workload = workloadOf({ model: 'dit-xl-2', size: '512x512', machine, sp });
  return lower(workload, system, presetPlan(plan, workload, system, transport));
}

for (const mutation of mutations) {
  const { name, rule, names, also = [], change } = mutation;
  refuses(`${rule}: ${name}`, () => {
    const program = original(mutation);
    assert.equal(verify(program), [], 'before the change');
    const mutant = new Mutant(program);
    change(mutant);
    const found = verify(mutant.program);
    const shown = found.map((violation) => `${violation.rule}: ${violation.message}`).join('\n');
    assert.ok(
      found.some((violation) => violation.rule === rule && names.test(violation.message)),
      `expected ${rule} with ${names}, got ${shown === '' ? 'nothing' : shown}`,
    );
    const others = found.filter((violation) => violation.rule !== rule && !also.includes(violation.rule));
    assert.equal(others, [], 'no other rule');
  });
}

accepts('two slots for the one block that is streamed: the ring is longer than a step', () => {
  const system = loadSystem('h200-x2');
  const workload = workloadOf({ model: 'dit-xl-2', size: '512x512', machine: 'h200-x2', sp: 2 });
  const { blocks, ...rest } = presetPlan('chunked', workload, system);
  const kept = workload.blocks.map(({ weightBytes }, index) =>
    index === 3 ? blocks[index]! : { ...blocks[index]!, residentBytes: weightBytes, windowBytes: [] },
  );
  assert.is(rest.slots, 2);
  assert.equal(verify(lower(workload, system, { ...rest, blocks: kept })), []);
});

refuses('slot-reuse: more slots than the steps that are looked at can empty', () => {
  const system = loadSystem('h200-x2');
  const workload = workloadOf({ model: 'dit-xl-2', size: '512x512', machine: 'h200-x2', sp: 2 });
  const plan = presetPlan('chunked', workload, system);
  const [streamed, slots] = [
    workload.blocks.length * workload.passes,
    4 * workload.blocks.length * workload.passes,
  ];
  const found = verify(lower(workload, system, { ...plan, slots }));
  assert.ok(found.length > 0);
  for (const { rule, message } of found) {
    assert.is(rule, 'slot-reuse');
    assert.match(
      message,
      new RegExp(`fills one of ${slots} slots; ${streamed} streamed blocks a step never show it`),
    );
  }
});

accepts.run();
refuses.run();

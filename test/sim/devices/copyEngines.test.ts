import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { ProgramBuilder } from '../../../model/program/programBuilder.ts';
import type { StepProgram, StreamKind } from '../../../model/program/stepProgram.ts';
import type { CopyEngine, System } from '../../../model/system/system.ts';
import type { FlowTransport } from '../../../model/system/transport.ts';
import { Engine } from '../../../sim/engine.ts';
import { flow, roundMachine } from '../../model/program/roundMachine.ts';

/**
 * One law of the copy engine a case, with times worked out by hand. Copies go at 8 bytes/s in chunks of 8 bytes, a second
 * each; a start-up takes 1/2 s, the pause between chunks 1/4 s, a stream's turn 100 s, unless the case says otherwise. Every
 * case runs twice: recorded, where each chunk is an event, and by the clock, where undisturbed runs are not.
 */
const TIMING: CopyEngine = {
  ...{ h2dBytesPerS: 8, d2hBytesPerS: 8 },
  ...{ startUpS: 0.5, gapS: 0.25, turnS: 100, paceOverheadS: 0 },
};

type Chunk = [label: string, startS: number, endS: number, bytes: number];

interface CopyFields {
  bytes?: number;
  chunkBytes?: number;
  paceS?: number;
  pausedByHost?: boolean;
  sourceBytesPerS?: number;
  direction?: 'h2d' | 'd2h';
}

const EDGE = { kind: 'mark', role: 'step', rank: 0, stream: 'compute', position: 0, group: -1 } as const;

/** Puts a step together; each call appends to a stream and returns the operation. Nothing begins before the step does. */
class Step {
  readonly builder = new ProgramBuilder();
  readonly #start = this.builder.add({ ...EDGE, label: 'start' });

  /** The first operation of a stream belongs to its step: without a wait it would follow the one before at once. */
  #first(stream: StreamKind, waits: number[]): number[] {
    return this.builder.last(0, stream) === undefined ? [this.#start, ...waits] : waits;
  }

  copy(label: string, stream: StreamKind, fields: CopyFields = {}, waits: number[] = []): number {
    const bytes = fields.bytes ?? 8;
    return this.builder.add(
      {
        ...{ kind: 'copy', role: 'prefetch', rank: 0, stream, position: 0, label, direction: 'h2d', bytes },
        ...{ chunkBytes: Math.min(8, bytes), paceS: 0, pausedByHost: false },
        ...{ sourceBytesPerS: Number.POSITIVE_INFINITY, target: null, group: -1, source: -1, phase: 0 },
        ...fields,
      },
      this.#first(stream, waits),
    );
  }

  /** Compute, during whose first `noRoomS` no other kernel finds room. */
  work(seconds: number, noRoomS = 0, waits: number[] = []): number {
    return this.builder.add(
      {
        ...{ kind: 'compute', rank: 0, stream: 'compute', position: 0, label: 'work', class: 'gemm' },
        ...{ flops: seconds, bytes: 0, durationS: seconds, noRoomS },
        secondsOf: { gemm: seconds, attention: 0, elementwise: 0 },
      },
      waits,
    );
  }

  /** Time that passes on the host's stream; a launch holds copies that are paused by it. */
  delay(role: 'launch' | 'gap', seconds: number, waits: number[] = []): number {
    return this.builder.add(
      { kind: 'delay', role, rank: 0, stream: 'host', position: 0, label: role, durationS: seconds },
      this.#first('host', waits),
    );
  }

  exchange(sentBytes: number, waits: number[] = []): number {
    return this.builder.add(
      {
        ...{ kind: 'collective', rank: 0, stream: 'collective', position: 0, label: 'exchange' },
        ...{ collective: 'all-to-all', group: 0, transport: 'flow', sentBytes },
      },
      this.#first('collective', waits),
    );
  }
}

interface Case {
  law: string;
  timing?: Partial<CopyEngine>;
  transport?: FlowTransport;
  build: (step: Step) => void;
  chunks: Chunk[];
}

function machineOf({ timing = {}, transport = flow }: Case): System {
  const base = roundMachine();
  const copyEngine = { ...TIMING, ...timing };
  return { ...base, gpu: { ...base.gpu, copyEngine }, transports: [transport] };
}

function programOf({ build }: Pick<Case, 'build'>): StepProgram {
  const step = new Step();
  build(step);
  // Ends the step behind everything else.
  step.builder.add(
    { ...EDGE, label: 'end' },
    step.builder.ops.map(({ id }) => id),
  );
  return step.builder.finish({
    ...{ ranks: 1, groupSize: 2, blocks: [], blocksPerPass: 0 },
    ...{ slots: 0, slotBytes: 0, streamedPerStep: 0 },
  });
}

function play(of: Case): { chunks: Chunk[]; ends: Map<string, number> } {
  const program = programOf(of);
  const copies = program.ops.filter(({ kind }) => kind === 'copy').map(({ id }) => id);
  const chunks: Chunk[] = [];
  const labelOf = (op: number) => program.ops[op]!.label;
  const recorder = {
    chunk: (op: number, startS: number, endS: number, bytes: number) => {
      chunks.push([labelOf(op), startS, endS, bytes]);
    },
    rates: () => undefined,
  };
  const run = { exactSteps: 1, fromStart: true };
  new Engine(program, machineOf(of), { recorder }).run(run);
  const byClock = new Engine(program, machineOf(of)).run(run);
  return { chunks, ends: new Map(copies.map((id) => [labelOf(id), byClock.endOf(id)])) };
}

const CASES: Case[] = [
  {
    law: 'a copy on an idle engine starts after a start-up, each further chunk after a gap',
    build: (step) => step.copy('a', 'copy', { bytes: 20 }),
    chunks: [
      ['a', 0.5, 1.5, 8],
      ['a', 1.75, 2.75, 8],
      ['a', 3, 3.5, 4],
    ],
  },
  {
    law: 'a copy behind another of its stream starts after a gap',
    build: (step) => {
      step.copy('a', 'copy');
      step.copy('b', 'copy');
    },
    chunks: [
      ['a', 0.5, 1.5, 8],
      ['b', 1.75, 2.75, 8],
    ],
  },
  {
    law: 'an engine that stood idle for less than a start-up has not gone to sleep',
    build: (step) => {
      step.copy('a', 'copy');
      step.copy('b', 'copy', {}, [step.work(1.75)]);
    },
    chunks: [
      ['a', 0.5, 1.5, 8],
      ['b', 2, 3, 8],
    ],
  },
  {
    law: 'an engine that stood idle for just a start-up has',
    build: (step) => {
      step.copy('a', 'copy');
      step.copy('b', 'copy', {}, [step.work(2)]);
    },
    chunks: [
      ['a', 0.5, 1.5, 8],
      ['b', 2.5, 3.5, 8],
    ],
  },
  {
    // Beside the exchange a chunk goes at 4 bytes/s.
    law: 'while a collective flows the pause between chunks is its own, also before the first chunk where it is longer',
    transport: {
      ...flow,
      collectives: {
        ...flow.collectives,
        'all-to-all': { bytesPerS: 4, besideH2d: { collective: 0.5, h2d: 0.5, gapS: 0.75 } },
      },
    },
    build: (step) => {
      step.exchange(64);
      step.copy('a', 'copy', { bytes: 16 }, [step.work(0.25)]);
    },
    chunks: [
      ['a', 1, 3, 8],
      ['a', 3.75, 5.75, 8],
    ],
  },
  {
    law: 'a source slower than the link bounds a copy',
    build: (step) => step.copy('a', 'copy', { sourceBytesPerS: 2 }),
    chunks: [['a', 0.5, 4.5, 8]],
  },
  {
    law: 'D2H has an engine of its own',
    timing: { d2hBytesPerS: 4 },
    build: (step) => {
      step.copy('a', 'copy');
      step.copy('b', 'stage-out', { direction: 'd2h' });
    },
    chunks: [
      ['a', 0.5, 1.5, 8],
      ['b', 0.5, 2.5, 8],
    ],
  },
  {
    law: 'a pause between chunks: what was asked for, its overhead, and the gap where it is shorter than a start-up',
    timing: { paceOverheadS: 0.125 },
    build: (step) => step.copy('a', 'copy', { bytes: 24, paceS: 0.25 }),
    chunks: [
      ['a', 0.5, 1.5, 8],
      ['a', 2.125, 3.125, 8],
      ['a', 3.75, 4.75, 8],
    ],
  },
  {
    law: 'without a pause there is no overhead of one',
    timing: { paceOverheadS: 0.125 },
    build: (step) => step.copy('a', 'copy', { bytes: 16 }),
    chunks: [
      ['a', 0.5, 1.5, 8],
      ['a', 1.75, 2.75, 8],
    ],
  },
  {
    law: 'a pause as long as a start-up puts the engine to sleep',
    build: (step) => step.copy('a', 'copy', { bytes: 24, paceS: 0.5 }),
    chunks: [
      ['a', 0.5, 1.5, 8],
      ['a', 2.5, 3.5, 8],
      ['a', 4.5, 5.5, 8],
    ],
  },
  {
    // Chunks end at 1.5 and 4.25: the pauses between them are kernels, which find room from 3 on.
    law: 'a pause waits until compute leaves it room',
    build: (step) => {
      step.work(6, 3);
      step.copy('a', 'copy', { bytes: 24, paceS: 0.25 });
    },
    chunks: [
      ['a', 0.5, 1.5, 8],
      // Room at 3, the pause until 3.25; the engine has been idle for 1.75 by then.
      ['a', 3.75, 4.75, 8],
      ['a', 5.25, 6.25, 8],
    ],
  },
  {
    // The launch lasts from 1 to 2: the chunk in flight goes on, the next one waits.
    law: 'a launch holds the chunks that are paused by it',
    build: (step) => {
      step.delay('gap', 1);
      step.delay('launch', 1);
      step.copy('a', 'copy', { bytes: 16, pausedByHost: true });
    },
    chunks: [
      ['a', 0.5, 1.5, 8],
      // Idle for as long as a start-up.
      ['a', 2.5, 3.5, 8],
    ],
  },
  {
    law: 'a launch does not hold others',
    build: (step) => {
      step.delay('gap', 1);
      step.delay('launch', 1);
      step.copy('a', 'copy', { bytes: 16 });
    },
    chunks: [
      ['a', 0.5, 1.5, 8],
      ['a', 1.75, 2.75, 8],
    ],
  },
  {
    // b is ready from 0.25 on, and waits for the end of a's turn, which began at 0.
    law: 'a stream keeps the engine for a turn while another is ready; the chunk in flight is set aside',
    timing: { turnS: 2, startUpS: 0.25, gapS: 0.25 },
    build: (step) => {
      step.copy('a', 'copy', { bytes: 32 });
      step.copy('b', 'stage-in', { bytes: 8 }, [step.work(0.25)]);
    },
    chunks: [
      ['a', 0.25, 1.25, 8],
      ['a', 1.5, 2, 4],
      ['b', 2.25, 3.25, 8],
      ['a', 3.5, 4, 4],
      ['a', 4.25, 5.25, 8],
      ['a', 5.5, 6.5, 8],
    ],
  },
  {
    law: 'without another that is ready a turn does not end',
    timing: { turnS: 2, startUpS: 0.25, gapS: 0.25 },
    build: (step) => step.copy('a', 'copy', { bytes: 24 }),
    chunks: [
      ['a', 0.25, 1.25, 8],
      ['a', 1.5, 2.5, 8],
      ['a', 2.75, 3.75, 8],
    ],
  },
  {
    // b was ready from 0.25 on, but a launch holds it from 1.625 to 5.625.
    law: 'a turn does not end while the other that was ready is held',
    timing: { turnS: 2, startUpS: 0.25, gapS: 0.25 },
    build: (step) => {
      step.copy('a', 'stage-in', { bytes: 32 });
      step.copy('b', 'copy', { bytes: 8, pausedByHost: true }, [step.work(0.25)]);
      step.delay('gap', 1.625);
      step.delay('launch', 4);
    },
    chunks: [
      ['a', 0.25, 1.25, 8],
      ['a', 1.5, 2.5, 8],
      ['a', 2.75, 3.75, 8],
      ['a', 4, 5, 8],
      ['b', 5.875, 6.875, 8],
    ],
  },
  {
    // b is ready only at 3.5, long after a's turn was over.
    law: 'a turn that is over gives way as soon as another is ready',
    timing: { turnS: 2, startUpS: 0.25, gapS: 0.25 },
    build: (step) => {
      step.copy('a', 'copy', { bytes: 32 });
      step.copy('b', 'stage-in', { bytes: 8 }, [step.work(3.5)]);
    },
    chunks: [
      ['a', 0.25, 1.25, 8],
      ['a', 1.5, 2.5, 8],
      ['a', 2.75, 3.5, 6],
      ['b', 3.75, 4.75, 8],
      ['a', 5, 5.25, 2],
      ['a', 5.5, 6.5, 8],
    ],
  },
  {
    // a's first copy ends at 1.5; the second has had to wait for an event until 0.5 only, and still gives way to b.
    law: 'a copy that had to wait for an event ends the turn of its stream',
    build: (step) => {
      step.copy('a', 'copy');
      step.copy('b', 'stage-in', { bytes: 8 }, [step.work(0.25)]);
      step.copy('c', 'copy', {}, [step.work(0.25)]);
    },
    chunks: [
      ['a', 0.5, 1.5, 8],
      ['b', 1.75, 2.75, 8],
      ['c', 3, 4, 8],
    ],
  },
  {
    law: 'a copy that waits for nothing goes on with the turn of its stream',
    build: (step) => {
      step.copy('a', 'copy');
      step.copy('b', 'stage-in', { bytes: 8 }, [step.work(0.25)]);
      step.copy('c', 'copy');
    },
    chunks: [
      ['a', 0.5, 1.5, 8],
      ['c', 1.75, 2.75, 8],
      ['b', 3, 4, 8],
    ],
  },
  {
    // In a's pause, from 1.5 to 2, b gets the engine; a's turn is over then, though it lasts 100 s.
    law: 'a pause lets another stream in',
    build: (step) => {
      step.copy('a', 'copy', { bytes: 16, paceS: 0.5 });
      step.copy('b', 'stage-in', { bytes: 16 }, [step.work(0.25)]);
    },
    chunks: [
      ['a', 0.5, 1.5, 8],
      ['b', 1.75, 2.75, 8],
      ['b', 3, 4, 8],
      ['a', 4.25, 5.25, 8],
    ],
  },
  {
    // The exchange flows from 2 on: a's second chunk, which began at 1.75, has moved 2 of 8 bytes; 6 go at 4 bytes/s.
    law: 'a run by the clock goes on where it stands when a collective comes',
    build: (step) => {
      step.copy('a', 'copy', { bytes: 24 });
      step.exchange(64, [step.work(2)]);
    },
    chunks: [
      ['a', 0.5, 1.5, 8],
      ['a', 1.75, 3.5, 8],
      ['a', 3.75, 5.75, 8],
    ],
  },
  {
    // The exchange comes in the pause between the chunks.
    law: 'a run by the clock that stands in a gap goes on with its pause',
    build: (step) => {
      step.copy('a', 'copy', { bytes: 24 });
      step.exchange(64, [step.work(1.625)]);
    },
    chunks: [
      ['a', 0.5, 1.5, 8],
      ['a', 1.75, 3.75, 8],
      ['a', 4, 6, 8],
    ],
  },
  {
    // Its last chunk of 4 bytes has 2 left at 3.25, which go at 4 bytes/s.
    law: 'a run by the clock that stands in its last chunk has no more than that left',
    build: (step) => {
      step.copy('a', 'copy', { bytes: 20 });
      step.exchange(64, [step.work(3.25)]);
    },
    chunks: [
      ['a', 0.5, 1.5, 8],
      ['a', 1.75, 2.75, 8],
      ['a', 3, 3.75, 4],
    ],
  },
  {
    // In the asked-for pause of 1 s behind the first chunk; b is done before a wakes.
    law: 'a run by the clock that stands in an asked-for pause leaves the engine to another',
    build: (step) => {
      step.copy('a', 'copy', { bytes: 24, paceS: 2 });
      step.copy('b', 'stage-in', { bytes: 8 }, [step.work(1.625)]);
    },
    chunks: [
      ['a', 0.5, 1.5, 8],
      // Idle for 1/8 s.
      ['b', 1.875, 2.875, 8],
      // The pause ends at 3.5: 5/8 s behind b.
      ['a', 4, 5, 8],
      ['a', 7.5, 8.5, 8],
    ],
  },
  {
    law: 'three streams of one engine take turns in their order; a chunk that ends with its turn has ended',
    timing: { turnS: 1, startUpS: 0.25, gapS: 0.25 },
    build: (step) => {
      step.copy('a', 'copy', { bytes: 6 });
      step.copy('b', 'stage-in', { bytes: 6 });
      step.copy('c', 'stage-out', { bytes: 6 });
      step.copy('d', 'copy', { bytes: 6 });
    },
    chunks: [
      ['a', 0.25, 1, 6],
      ['b', 1.25, 2, 6],
      ['c', 2.25, 3, 6],
      ['d', 3.25, 4, 6],
    ],
  },
];

const test = suite('laws of the copy engine');

for (const of of CASES) {
  test(of.law, () => {
    const { chunks, ends } = play(of);
    assert.equal(chunks, of.chunks);
    for (const [label, endS] of ends) {
      const last = of.chunks.findLast(([name]) => name === label)!;
      assert.is(endS, last[2], `${label} by the clock`);
    }
  });
}

test('a stream that has its engine to itself has no turn, so that its steps repeat however long a turn is', () => {
  const of = { law: '', chunks: [], build: (step: Step) => step.copy('a', 'copy', { bytes: 20 }) };
  const { steady, steps } = new Engine(programOf(of), machineOf(of)).run({ fromStart: true });
  assert.ok(steady, `not after ${steps} steps`);
});

test.run();

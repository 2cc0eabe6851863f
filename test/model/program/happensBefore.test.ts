import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { flatten } from '../../../model/program/flatProgram.ts';
import { happensBefore } from '../../../model/program/happensBefore.ts';
import { ProgramBuilder } from '../../../model/program/programBuilder.ts';
import type { StepProgram, Wait } from '../../../model/program/stepProgram.ts';

/** Numbers from 0 up to a bound that are the same in every run (a linear congruential generator, its high bits). */
function drawing(seed: number): (bound: number) => number {
  let state = seed;
  return (bound) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * bound);
  };
}

/** Marks and collectives of a few streams, with waits for operations of this step and of the step before; few wait in a circle. */
function drawnProgram(seed: number): StepProgram {
  const draw = drawing(seed);
  const ranks = 1 + draw(3);
  const builder = new ProgramBuilder();
  for (let round = 0; round < 12; round += 1) {
    if (draw(4) === 0)
      for (let rank = 0; rank < ranks; rank += 1)
        builder.add({
          ...{ kind: 'collective', rank, stream: 'collective', position: 0, label: '', group: round },
          ...{ collective: 'all-to-all', transport: 'shm', sentBytes: 1 },
        });
    else {
      const stream = (['compute', 'copy', 'stage-in', 'collective'] as const)[draw(4)]!;
      builder.add({
        ...{ kind: 'mark', role: 'step', rank: draw(ranks), stream, position: 0, label: '', group: -1 },
      });
    }
  }
  const { ops } = builder;
  for (const { id } of ops) {
    while (draw(3) === 0) {
      const isLater = draw(12) === 0;
      const stepsAgo = draw(3) === 0 ? 1 : 0;
      const other = draw(stepsAgo === 1 || isLater ? ops.length : id + 1);
      if (other !== id || stepsAgo === 1) builder.wait(id, other, stepsAgo);
    }
  }
  const program = builder.finish({
    ...{ ranks, groupSize: ranks, blocks: [], blocksPerPass: 0 },
    ...{ slots: 0, slotBytes: 0, streamedPerStep: 0 },
  });
  // Now and then a stream is not in the order in which its operations are numbered.
  const ids = program.streams[draw(program.streams.length)]!.ops as number[];
  if (draw(4) === 0) ids.reverse();
  return program;
}

const STEPS = 3;

/** By instance (step x operations + operation): the instances that must be done when it starts, by following every edge. */
function reachable({ ops, streams }: StepProgram): Set<number>[] {
  const needs = Array.from({ length: STEPS * ops.length }, (): number[] => []);
  const at = ({ op, stepsAgo }: Wait, step: number) => (step - stepsAgo) * ops.length + op;
  for (let step = 0; step < STEPS; step += 1)
    for (const stream of streams)
      stream.ops.forEach((id, place) => {
        const before = { op: stream.ops.at(place - 1)!, stepsAgo: place > 0 ? 0 : 1 } as const;
        const op = ops[id]!;
        const members = op.kind === 'collective' ? ops.filter((one) => isOf(one, op.group)) : [op];
        for (const member of members)
          for (const need of [before, ...op.waits])
            if (step >= need.stepsAgo) needs[step * ops.length + member.id]!.push(at(need, step));
      });
  return needs.map((_, instance) => {
    const reached = new Set<number>();
    const open = [instance];
    while (open.length > 0)
      for (const need of needs[open.pop()!]!)
        if (!reached.has(need)) {
          reached.add(need);
          open.push(need);
        }
    return reached;
  });
}

function isOf(op: StepProgram['ops'][number], group: number): boolean {
  return op.kind === 'collective' && op.group === group;
}

const test = suite('what happens before what, by clocks and by following every edge');

for (let from = 0; from < 400; from += 100) {
  test(`programs ${from} to ${from + 99}`, () => {
    let circles = 0;
    for (let seed = from; seed < from + 100; seed += 1) {
      const program = drawnProgram(seed);
      const count = program.ops.length;
      const reached = reachable(program);
      const isCircle = reached.some((before, instance) => before.has(instance));
      const order = happensBefore(flatten(program));
      assert.is('cycle' in order, isCircle, `program ${seed}`);
      if ('cycle' in order) {
        circles += 1;
        continue;
      }
      for (let later = 0; later < STEPS * count; later += 1)
        for (let earlier = 0; earlier < STEPS * count; earlier += 1) {
          const [step, laterStep] = [Math.floor(earlier / count), Math.floor(later / count)];
          const found = order.before(earlier % count, step, later % count, laterStep);
          assert.is(found, reached[later]!.has(earlier), `program ${seed}: ${earlier} before ${later}`);
        }
    }
    assert.ok(circles > 0 && circles < 80, `${circles} of 100 programs wait in a circle`);
  });
}

test('steps may be asked for in any order', () => {
  const program = drawnProgram(3);
  const [there, back] = [happensBefore(flatten(program)), happensBefore(flatten(program))];
  if ('cycle' in there || 'cycle' in back) throw new Error('program 3 waits in a circle');
  const pairs = [2, 1, 0].flatMap((step) => program.ops.map(({ id }) => [id, step] as const));
  const last = program.ops.length - 1;
  const found = pairs.map(([id, step]) => there.before(id, step, last, step));
  assert.equal(
    [...pairs].reverse().map(([id, step]) => back.before(id, step, last, step)),
    found.reverse(),
  );
});

test.run();

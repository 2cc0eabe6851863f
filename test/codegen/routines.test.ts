import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { type Column, routinesOf } from '../../codegen/view/routines.ts';
import { routineView } from '../../codegen/view/routineView.ts';
import type { PositionStatements, Statement } from '../../codegen/view/statements.ts';

const routines = suite('routines of a step');

type Prefetch = Statement & { kind: 'prefetch' };

function prefetch(
  position: number,
  stepsAhead: number,
  slot: number,
  sizes: { from: number; to: number; chunkBytes: number },
): Prefetch {
  const target = { position, stepsAhead, slot };
  return {
    ...{ kind: 'prefetch', target, ...sizes, paceS: 0, gated: false, pageable: false },
    ...{ op: 0, label: 'prefetch' },
  };
}

function after(position: number, stepsAgo: 0 | 1): Statement {
  return { kind: 'after', stream: 'copy', ref: { position, point: 0, stepsAgo }, of: 'read' };
}

/** The columns of the one routine that these positions make. */
function columnsOf(statements: readonly (readonly Statement[])[]): Omit<Column, 'type'>[] {
  const positions = statements.map((own, position): PositionStatements => ({ position, statements: own }));
  const made = routinesOf(positions, () => 'block');
  assert.is(made.length, 1);
  return made[0]!.columns.map(({ name, values }) => ({ name, values }));
}

const SIZES = { from: 0, to: 4096, chunkBytes: 1024 };
const round = (position: number) => (position + 4) % 4;
const POSITIONS = [0, 1, 2, 3];

routines('name a position by how far it is from the one that runs, round the step', () => {
  const next = POSITIONS.map((at) => [prefetch(round(at + 1), at === 3 ? 1 : 0, 0, SIZES)]);
  assert.equal(columnsOf(next), [
    { name: 'next', values: [1, 2, 3, 0] },
    { name: 'steps_ahead', values: [0, 0, 0, 1] },
  ]);
  const second = POSITIONS.map((at) => [prefetch(round(at + 2), 0, 0, SIZES)]);
  assert.equal(columnsOf(second), [{ name: 'ahead_2', values: [2, 3, 0, 1] }]);
  const previous = POSITIONS.map((at) => [after(round(at - 1), at === 0 ? 1 : 0)]);
  assert.equal(columnsOf(previous), [
    { name: 'previous', values: [3, 0, 1, 2] },
    { name: 'previous_steps_ago', values: [1, 0, 0, 0] },
  ]);
  const uneven = [3, 0, 0, 2].map((at) => [after(at, 0), prefetch(at, 0, 0, SIZES)]);
  assert.equal(columnsOf(uneven), [{ name: 'awaited', values: [3, 0, 0, 2] }]);
});

routines('give bytes columns of their own type, also where a slot has the same numbers', () => {
  const statements = [1, 2, 1, 2].map((slot) => [
    prefetch(0, 0, slot, { from: slot, to: 4096, chunkBytes: 1024 }),
  ]);
  const [routine] = routinesOf(
    statements.map((own, position) => ({ position, statements: own })),
    () => 'block',
  );
  assert.equal(
    routine!.columns.map(({ name, type }) => [name, type]),
    [
      ['slot', 'int'],
      ['from_byte', 'std::uint64_t'],
    ],
  );
});

const COMMENTS: [what: string, to: (position: number) => number, comment: string][] = [
  ['alike', () => 4000, 'weights for position at.next: 4 copies of up to 1024 bytes'],
  ['different', (position) => 4096 * (position + 1), 'weights for position at.next: copies by the table'],
  ['a chunk', () => 1024, 'weights for position at.next: one copy'],
];

for (const [what, to, comment] of COMMENTS) {
  routines(`say of a prefetch only what holds at all positions: bytes ${what}`, () => {
    const positions = POSITIONS.map((position) => ({
      position,
      statements: [
        prefetch(round(position + 1), 0, 0, { from: 0, to: to(position), chunkBytes: 1024 }),
      ] as Statement[],
    }));
    const [routine] = routinesOf(positions, () => 'block');
    const name = () => '';
    const { statements } = routineView(routine!, '', { segment: name, collective: name, point: name });
    assert.is(statements[0]!.comment, comment);
  });
}

routines.run();

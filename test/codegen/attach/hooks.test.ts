import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { generateAttached } from '../../../codegen/attach/generateAttached.ts';
import { hooksOf } from '../../../codegen/attach/hooks.ts';
import { onOneModelStream } from '../../../codegen/attach/modelStream.ts';
import { routinesOf } from '../../../codegen/view/routines.ts';
import { type Statement, stepStatements } from '../../../codegen/view/statements.ts';
import { lower } from '../../../model/program/lower.ts';
import { loadSystem } from '../../../model/system/load.ts';
import { PLANS, toyModel, toyPlan } from './toyModel.ts';

const attached = suite('hooks of attached plans');
const MODEL = { id: 'toy', layout: `sha256:${'0'.repeat(64)}` };

function statementsOf(plan: string): Statement[][] {
  const program = lower(toyModel(), loadSystem('h200-x2-fitted'), toyPlan(plan));
  return onOneModelStream(stepStatements(program)).positions.map(({ statements }) => [...statements]);
}

/** A statement in a few letters. */
function letters(own: Statement): string {
  switch (own.kind) {
    case 'after':
      return `${own.stream} waits for ${own.of}`;
    case 'mark':
      return `${own.stream} passes ${own.of}`;
    case 'prefetch':
      return `copy ${own.target.position}`;
    default:
      return own.kind;
  }
}

attached('what a block of yield enqueues, point by point', () => {
  const { positions, points } = onOneModelStream(
    stepStatements(
      lower(toyModel(), loadSystem('h200-x2-fitted'), toyPlan('yield,chunk=1MiB,windows=0.3/0.3')),
    ),
  );
  const [routine] = routinesOf(positions.slice(1, 2), () => 'double');
  const hooks = hooksOf(routine!.statements, 2).map(({ at, statements }) => [
    at.point,
    statements.map(({ statement }) => letters(statement)),
  ]);
  assert.equal(hooks, [
    [
      'begins',
      [
        'compute waits for copied',
        'compute passes start',
        'copy waits for start',
        'copy waits for window_2_done',
        'copy 2',
      ],
    ],
    ['collective begins', []],
    [
      'collective ends',
      ['collective passes all_to_all_0_done', 'copy waits for all_to_all_0_done', 'copy 2'],
    ],
    ['collective begins', []],
    [
      'collective ends',
      [
        'collective passes all_to_all_1_done',
        'copy waits for all_to_all_1_done',
        'copy 2',
        'copy passes copied',
      ],
    ],
    ['ends', ['compute passes window_2_done']],
  ]);
  assert.ok(
    !points.includes('window_0_done'),
    'nobody waits for compute before a collective of the same stream',
  );
});

attached('a plan that drains waits for its copies before a collective, not behind it', () => {
  const [statements] = statementsOf('layerwise-drain');
  const [routine] = routinesOf([{ position: 0, statements: statements! }], () => 'double');
  const hooks = hooksOf(routine!.statements, 2);
  const waits = hooks.map((hook) =>
    hook.statements.some(({ statement }) => letters(statement) === 'collective waits for copied'),
  );
  assert.equal(
    hooks.map(({ at }) => at.point),
    ['begins', 'collective begins', 'collective ends', 'collective begins', 'collective ends', 'ends'],
  );
  assert.equal(waits, [false, true, false, false, false, false]);
});

attached('copies stand in the order of their plan and none is lost', () => {
  for (const plan of PLANS) {
    for (const [position, statements] of statementsOf(plan).entries()) {
      const collectives = statements.filter(({ kind }) => kind === 'collective').length;
      const [routine] = routinesOf([{ position, statements }], () => 'any');
      const hooks = hooksOf(routine!.statements, collectives);
      assert.is(hooks.length, 2 * collectives + 2);
      const kept = hooks.flatMap((hook) => hook.statements.map(({ statement }) => statement));
      const given = statements.filter(({ kind }) => kind !== 'run' && kind !== 'collective');
      assert.equal(kept.map(letters), given.map(letters), `${plan} ${position}`);
    }
  }
});

attached('no wait of the model for itself, and no point that nobody waits for', () => {
  for (const plan of PLANS) {
    const all = statementsOf(plan).flat();
    const streams = new Map(all.flatMap((own) => (own.kind === 'mark' ? [[own.point, own.stream]] : [])));
    for (const own of all) {
      if (own.kind !== 'after') continue;
      const marked = streams.get(own.ref.point);
      assert.ok(marked !== undefined, `${plan}: ${letters(own)}`);
      assert.ok((marked === 'copy') !== (own.stream === 'copy'), `${plan}: ${letters(own)}`);
    }
    for (const point of streams.keys())
      assert.ok(all.some((own) => own.kind === 'after' && own.ref.point === point));
  }
});

attached('the same plan gives the same source, and its hash is in it', () => {
  const make = () => generateAttached(toyModel(), toyPlan('yield'), MODEL);
  assert.equal(make(), make());
  const { file, fingerprint } = make();
  assert.ok(file.text.includes(`.fingerprint = "${fingerprint}"`));
  assert.is.not(fingerprint, generateAttached(toyModel(), toyPlan('layerwise'), MODEL).fingerprint);
});

attached('plans that a model cannot be driven by are refused', () => {
  const refused: [string, RegExp][] = [
    ['sequential', /pageable memory; attach a plan that overlaps/],
    ['chunkflow-paper', /pauses around launches .*; attach yield or layerwise/],
    [
      'yield,transport=staged-sm:2',
      /transport staged-sm:2: its kernel is not part .*; plan with staged-copy/,
    ],
  ];
  for (const [plan, message] of refused)
    assert.throws(() => generateAttached(toyModel(), toyPlan(plan), MODEL), message, plan);
});

attached.run();

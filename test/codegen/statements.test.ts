import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { type Statement, stepStatements } from '../../codegen/view/statements.ts';
import { withBlocks } from '../../model/dit/depth.ts';
import { loadDit } from '../../model/dit/load.ts';
import { makePlan } from '../../model/presets/presets.ts';
import { lower } from '../../model/program/lower.ts';
import type { StepProgram, StreamKind } from '../../model/program/stepProgram.ts';
import { loadSystem } from '../../model/system/load.ts';
import { bindWorkload, type WorkloadOptions } from '../../model/workload/bind.ts';

const statements = suite('statements of a step');

const PLANS = [
  'none',
  'sequential',
  'layerwise',
  'layerwise,prefetch=2',
  'layerwise-strided',
  'layerwise-drain',
  'chunked,chunk=64MiB',
  'chunked,chunk=64MiB,prefetch=2',
  'chunkflow-paper,chunk=64MB',
  'yield,chunk=64MiB,resident=0.5',
  'paced,chunk=64MiB',
  'none,transport=staged-copy',
  'layerwise-drain,transport=staged-copy',
  'yield,chunk=64MiB,transport=staged-copy',
];

const LAYOUTS: Record<string, Partial<WorkloadOptions>> = {
  packed: { sp: 2 },
  separate: { sp: 2, exchange: 'separate' },
  'kv-gather': { sp: 2, exchange: 'kv-gather' },
  tensor: { sp: 1, tp: 2 },
};

function programOf(plan: string, layout: Partial<WorkloadOptions>): StepProgram {
  const system = loadSystem('h200-x2');
  const workload = bindWorkload(withBlocks(loadDit('flux.1-dev'), 5), {
    size: { width: 512, height: 512, frames: 1 },
    ...layout,
  });
  return lower(workload, system, makePlan(plan, workload, system));
}

const STREAMS: Partial<Record<Statement['kind'], StreamKind>> = {
  run: 'compute',
  prefetch: 'copy',
  collective: 'collective',
  'staged-begin': 'collective',
  'staged-end': 'collective',
  reduce: 'collective',
  'stage-out': 'stage-out',
  'launch-window': 'host',
};

const streamOf = (statement: Statement) =>
  'stream' in statement ? statement.stream : STREAMS[statement.kind]!;

/**
 * Every wait of the program that streams do not imply must stand in the source: a mark behind the operation that is
 * waited for, and an `after` for that mark before the one that waits. A reader of a staged piece waits for its flag itself.
 * (A rank once went on while its own outgoing pieces were still being read from the buffer that it wrote next.)
 */
function missingWaits(program: StepProgram): string[] {
  const { positions } = stepStatements(program);
  const missing: string[] = [];
  for (const waiting of program.ops) {
    if (waiting.rank !== 0) continue;
    for (const { op, stepsAgo } of waiting.waits) {
      const awaited = program.ops[op]!;
      const readsFlag =
        waiting.kind === 'copy' &&
        waiting.role === 'staging' &&
        waiting.direction === 'h2d' &&
        awaited.kind === 'delay';
      if (
        awaited.stream === waiting.stream ||
        (readsFlag && awaited.kind === 'delay' && awaited.role === 'flag')
      )
        continue;
      const behind = positions[awaited.position]!.statements;
      const lastOfAwaited = behind.findLastIndex(
        (statement) =>
          'op' in statement && streamOf(statement) === awaited.stream && statement.op <= awaited.id,
      );
      const points = behind.flatMap((statement, index) =>
        statement.kind === 'mark' && statement.stream === awaited.stream && index > lastOfAwaited
          ? [statement.point]
          : [],
      );
      const before = positions[waiting.position]!.statements;
      const firstOfWaiting = before.findIndex(
        (statement) =>
          'op' in statement && streamOf(statement) === waiting.stream && statement.op >= waiting.id,
      );
      const found = before
        .slice(0, firstOfWaiting < 0 ? before.length : firstOfWaiting)
        .some(
          (statement) =>
            statement.kind === 'after' &&
            statement.stream === waiting.stream &&
            statement.ref.position === awaited.position &&
            statement.ref.stepsAgo === stepsAgo &&
            points.includes(statement.ref.point),
        );
      if (!found) missing.push(`${waiting.label} waits for ${awaited.label}`);
    }
  }
  return missing;
}

for (const [name, layout] of Object.entries(LAYOUTS)) {
  for (const plan of PLANS) {
    statements(`${name}, ${plan}: every wait of the program is in the source`, () => {
      assert.equal(missingWaits(programOf(plan, layout)), []);
    });
  }
}

statements('every compute segment, copy and exchange is enqueued once', () => {
  for (const plan of PLANS) {
    const program = programOf(plan, LAYOUTS.packed!);
    const own = program.ops.filter(({ rank }) => rank === 0);
    const all = stepStatements(program).positions.flatMap(({ statements: of }) => of);
    const count = (kind: Statement['kind']) => all.filter((statement) => statement.kind === kind).length;
    assert.is(count('run'), own.filter(({ kind }) => kind === 'compute').length);
    assert.is(count('collective'), own.filter(({ kind }) => kind === 'collective').length);
    assert.is(count('prefetch'), own.filter((op) => op.kind === 'copy' && op.role === 'prefetch').length);
    const pieces = all.reduce(
      (sum, statement) => sum + (statement.kind === 'stage-out' ? statement.count : 0),
      0,
    );
    const written = own.filter((op) => op.kind === 'copy' && op.role === 'staging' && op.direction === 'd2h');
    assert.is(pieces, written.length);
  }
});

statements.run();

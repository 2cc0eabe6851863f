import { spawnSync } from 'node:child_process';
import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { type BuiltProgram, buildPrograms } from '../../build/build.ts';
import { writeProgram } from '../../codegen/writeProgram.ts';
import { type MeasuredRun, readMeasurement } from '../../measure/readMeasurement.ts';
import { noCompiler } from '../support/compilers.ts';
import { skip } from '../support/skip.ts';
import { generateScenario, type TinyScenario } from './scenarios.ts';

const FOLDER = join('out', 'test', 'arena');

const PLANS = ['none', 'layerwise', 'sequential', 'yield,chunk=1MiB,resident=0.5'];
/** Few tokens: what is looked at is where weights lie, and that every layout computes the same. */
const cross = { model: 'tiny-cross', size: '32x32x5', plans: PLANS } as const;
const SCENARIOS: TinyScenario[] = [
  { ...cross, machine: 'host-x2', layout: { sp: 2 }, id: 'arena-two' },
  { ...cross, machine: 'host-x1', layout: { sp: 2 }, id: 'arena-mirrored' },
];

/** What is asked for, the exit code, and what the line must say. */
const REFUSED: [string, string[], RegExp][] = [
  [
    'a layout that there is none',
    ['--arena-layout', 'random'],
    /expected same, reversed or surveyed, got 'random'/,
  ],
  [
    'plans that copy from pageable memory only',
    ['--survey-arena', '--plans', '2'],
    /--survey-arena: no chosen plan copies from pinned memory/,
  ],
  [
    'ranks on one device',
    ['--arena-layout', 'surveyed', '--devices', '0,0'],
    /--arena-layout surveyed: ranks share a device/,
  ],
];

const arena = suite('pinned arenas on the host backend');
const why = noCompiler();

if (why !== null) skip(arena, 'arenas are surveyed and laid out', why);
else {
  let programs: Map<string, BuiltProgram>;

  const start = (id: string, args: readonly string[]) => {
    const usual = [
      ...['--rounds', '1', '--steps', '1', '--warm-up', '0', '--output-steps', '1'],
      ...['--ranks', 'threads'],
    ];
    return spawnSync(programs.get(id)!.executable, [...usual, ...args], { encoding: 'utf8' });
  };

  /** The run of a program that ends well. */
  const measured = (id: string, name: string, args: readonly string[]): MeasuredRun => {
    const file = join(FOLDER, `${name}.jsonl`);
    rmSync(file, { force: true });
    const { status, stderr } = start(id, ['--out', file, '--verify', ...args]);
    assert.is(status, 0, stderr);
    return readMeasurement([file]).runs[0]!;
  };

  /** One plan that streams every block: what is recorded of places is not of the others. */
  const STREAMED = ['--plans', '1'];

  const digests = ({ outputs }: MeasuredRun) =>
    outputs.map(({ plan, steps, digests: found }) => ({ plan, steps, found }));
  const wrong = ({ verifications }: MeasuredRun) => verifications.filter((line) => line.wrong > 0).length;

  arena('programs of four blocks compile', async () => {
    mkdirSync(FOLDER, { recursive: true });
    const folders = SCENARIOS.map((scenario) =>
      writeProgram(generateScenario(scenario), join(FOLDER, 'programs')),
    );
    const built = await buildPrograms(folders, { backend: 'host' });
    programs = new Map(built.programs.map((program) => [program.manifest.id, program]));
  });

  arena('every layout computes the same, with its own weights', () => {
    const plain = measured('arena-two', 'plain', []);
    assert.is(plain.arena, null);
    assert.is(plain.run.options.arenaLayout, undefined);
    for (const [name, args] of Object.entries({
      survey: ['--survey-arena'],
      reversed: ['--arena-layout', 'reversed'],
      'reversed-surveyed': ['--arena-layout', 'reversed', '--survey-arena'],
      surveyed: ['--arena-layout', 'surveyed'],
      processes: ['--arena-layout', 'surveyed', '--ranks', 'processes'],
      'no-spare': ['--arena-layout', 'surveyed', '--pinned-limit', `${2 * pinnedBytes(plain)}`],
    })) {
      const run = measured('arena-two', name, args);
      assert.equal(digests(run), digests(plain), name);
      assert.is(wrong(run), 0, name);
    }
  });

  /** Of a rank that streams every block. */
  const pinnedBytes = (run: MeasuredRun) => Math.max(...run.memory.map((line) => line.pinnedBytes));

  arena('a survey has rates of every slot, alone and beside every other one', () => {
    const { arena: record } = measured('arena-two', 'rates', ['--survey-arena', ...STREAMED]);
    assert.ok(record !== null);
    assert.is(record.layout, 'same');
    assert.equal(record.blocks, [0, 1, 2, 3]);
    assert.equal(record.groupOfSlot, Array(4).fill(0));
    assert.is(record.alone.length, 2);
    assert.equal(
      record.together.map(({ shift }) => shift),
      [0, 1, 2, 3],
    );
    assert.equal(record.slotOf, Array(2).fill([0, 1, 2, 3]));
    assert.is(record.remark, null);
  });

  arena('odd ranks in reverse order, and places by survey with a spare fifth', () => {
    const backwards = ['--arena-layout', 'reversed', '--survey-arena', ...STREAMED];
    const reversed = measured('arena-two', 'order', backwards).arena!;
    assert.equal(reversed.slotOf, [
      [0, 1, 2, 3],
      [3, 2, 1, 0],
    ]);
    const surveyed = measured('arena-two', 'places', ['--arena-layout', 'surveyed', ...STREAMED]);
    assert.is(surveyed.run.options.surveyArena, true);
    assert.is(surveyed.arena!.slotBytes.length, 5);
    assert.is(surveyed.arena!.remark, null);
    assert.ok(surveyed.arena!.surveyS > 0);
  });

  arena('without memory for spare slots blocks change places', () => {
    const limit = 2 * pinnedBytes(measured('arena-two', 'pinned', STREAMED));
    const args = ['--arena-layout', 'surveyed', '--pinned-limit', `${limit}`, ...STREAMED];
    const { slotBytes, slotOf, remark } = measured('arena-two', 'exchanged', args).arena!;
    assert.is(slotBytes.length, 4);
    for (const ofRank of slotOf)
      assert.equal(
        ofRank.toSorted((a, b) => a - b),
        [0, 1, 2, 3],
      );
    assert.match(remark ?? '', /no memory for spare slots/);
  });

  arena('one rank is surveyed, and its blocks stay in order', () => {
    const args = ['--arena-layout', 'surveyed', ...STREAMED];
    const { arena: record } = measured('arena-mirrored', 'mirrored', args);
    assert.is(record!.together.length, 1);
    assert.equal(record!.slotOf, [[0, 1, 2, 3]]);
    assert.match(record!.remark ?? '', /one rank/);
  });

  arena('where nothing is streamed there is nothing to survey', () => {
    const args = ['--arena-layout', 'surveyed', '--plans', '0'];
    assert.is(measured('arena-two', 'resident', args).arena, null);
  });

  for (const [what, args, message] of REFUSED) {
    arena(`${what}: one clear line and exit code 2`, () => {
      const { status, stderr } = start('arena-two', args);
      assert.is(status, 2, stderr);
      const errors = stderr.split('\n').filter((line) => line.startsWith('error: '));
      assert.is(errors.length, 1, stderr);
      assert.match(errors[0]!, message);
    });
  }
}

arena.run();

import { createHash } from 'node:crypto';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { loadDit } from '../../../model/dit/load.ts';
import { UserError } from '../../../model/input/userError.ts';
import { planKeyHelp } from '../../../model/presets/planText.ts';
import { makePlan, presetHelp, presetPlan } from '../../../model/presets/presets.ts';
import { unusedByPreset } from '../../../model/presets/settingEffects.ts';
import { lower } from '../../../model/program/lower.ts';
import { loadSystem } from '../../../model/system/load.ts';
import { bindWorkload } from '../../../model/workload/bind.ts';
import type { Workload } from '../../../model/workload/workload.ts';

const system = loadSystem('h100-pcie-x2');
const dit = loadDit('dit-xl-2');

function workload(sp: number, blocks: number): Workload {
  const bound = bindWorkload(dit, { size: dit.referenceSize, sp });
  // Large enough for several chunks of every size below.
  const kind = { ...bound.blocks[0]!, weightBytes: 100 * 2 ** 20 };
  return { ...bound, blocks: Array(blocks).fill(kind) };
}

const WORKLOADS: Readonly<Record<string, Workload>> = {
  'two ranks, six blocks': workload(2, 6),
  'two ranks, two blocks': workload(2, 2),
  'two ranks, one block': workload(2, 1),
  'one rank, six blocks': workload(1, 6),
};

const VALUES: Readonly<Record<string, readonly string[]>> = {
  resident: ['0', '0.25', '0.5', '1'],
  'resident-layers': ['0', '1', '0.5', '6'],
  prefetch: ['1', '2', '3', '4', '5', '6', '20'],
  slots: ['1', '2', '3', '4', '6', '7', '30'],
  chunk: ['1MiB', '8MiB', '16MiB', '1GiB'],
  windows: ['0', '1', '0.5', '0/1', '0.2/0.3', '0/0/0.5', '0/0/0/0.5'],
  pace: ['0us', '40us', '1ms'],
  transport: ['shm', 'staged-copy'],
  piece: ['64KiB', '1MiB', '4MiB'],
};

/** What else a plan's text may say. */
const BESIDE = ['', 'resident=1', 'resident=0.5', 'resident-layers=1', 'transport=staged-copy'];

const effects = new Map<Workload, Map<string, string>>();

/** Everything that a plan makes a step do and hold: two plans with the same effect differ in their name alone. */
function effectOf(text: string, of: Workload): string {
  const known = effects.get(of) ?? new Map<string, string>();
  effects.set(of, known);
  let effect = known.get(text);
  if (effect === undefined) {
    const program = lower(of, system, presetPlan(text, of, system), 'windows');
    effect = createHash('sha256').update(JSON.stringify(program)).digest('hex');
    known.set(text, effect);
  }
  return effect;
}

interface Outcome {
  text: string;
  /** Why the setting is refused as one without effect; undefined where the plan is made. */
  refused: string | undefined;
  effect: string;
}

/** The outcome of one text; nothing for texts that are refused for another reason, such as a buffer in use. */
function outcomeOf(text: string, of: Workload): Outcome[] {
  let effect: string;
  try {
    effect = effectOf(text, of);
  } catch (error) {
    if (error instanceof UserError) return [];
    throw error;
  }
  try {
    makePlan(text, of, system);
    return [{ text, refused: undefined, effect }];
  } catch (error) {
    assert.instance(error, UserError);
    return [{ text, refused: (error as UserError).message, effect }];
  }
}

/** The text with the setting that a message calls idle left out, or at the most that it names. */
function withoutIdle(text: string, refused: string): string {
  const [, idle, why] = /^--plan .*: ([a-z-]+): has no effect: (.*)$/.exec(refused)!;
  const most = /give at most (\d+)$/.exec(why!)?.[1];
  return text
    .split(',')
    .flatMap((setting) => {
      const [key, value] = setting.split('=');
      if (key !== idle) return [setting];
      if (most === undefined) return [];
      return [`${key}=${key === 'windows' ? value!.split('/').slice(0, Number(most)).join('/') : most}`];
    })
    .join(',');
}

const test = suite('settings without effect');

test('every setting has values here', () => {
  assert.equal(Object.keys(VALUES).sort(), planKeyHelp.map(({ name }) => name).sort());
});

for (const [where, of] of Object.entries(WORKLOADS)) {
  for (const { name: preset } of presetHelp) {
    test(`${where}: ${preset} takes exactly the settings that change it`, () => {
      let judged = 0;
      for (const beside of BESIDE) {
        const base = [preset, beside].filter(Boolean).join(',');
        const [plain] = outcomeOf(base, of);
        // What stands beside may be refused itself, as resident=1 is where nothing streams.
        if (plain === undefined || plain.refused !== undefined) continue;
        for (const [key, values] of Object.entries(VALUES)) {
          if (beside.startsWith(`${key}=`)) continue;
          const outcomes = values.flatMap((value) => outcomeOf(`${base},${key}=${value}`, of));
          const accepted = outcomes.filter(({ refused }) => refused === undefined);
          if (accepted.length > 1) {
            // A value that the preset would have taken anyway is accepted, but not if all others are alike.
            const different = new Set([plain, ...accepted].map(({ effect }) => effect));
            assert.ok(different.size > 1, `${base}: ${key} is accepted and changes nothing`);
          }
          for (const { text, refused, effect } of outcomes) {
            if (refused === undefined) continue;
            judged += 1;
            const same = withoutIdle(text, refused);
            assert.ok(effect === effectOf(same, of), `${refused}, but ${text} is not ${same}`);
          }
        }
      }
      assert.ok(judged > 0);
    });
  }
}

const six = WORKLOADS['two ranks, six blocks']!;
const one = WORKLOADS['one rank, six blocks']!;
const single = WORKLOADS['two ranks, one block']!;
const REFUSED: [text: string, of: Workload, message: RegExp][] = [
  [
    'chunked,windows=0/0.1',
    six,
    /^--plan chunked,windows=0\/0\.1: windows: has no effect: chunked issues a block's bytes at once; leave it out, or take yield/,
  ],
  ['none,chunk=1MiB', six, /chunk: has no effect: none keeps all weights on the GPU; leave it out, or/],
  ['sequential,prefetch=2', six, /prefetch: has no effect: sequential copies each block just before it runs/],
  [
    'yield,windows=0.3',
    one,
    /windows: .*without collectives a block is one window; .* --sp or --tp of at least 2/,
  ],
  ['yield,windows=0/0/0/0.5', six, /windows: .*fractions behind the 3 windows of a block; give at most 3/],
  ['chunked,transport=shm', one, /transport: .*one rank has no collectives; leave it out, or give --sp/],
  ['chunked,piece=1MiB', one, /piece: .*one rank has no collectives; leave it out, or give --sp/],
  [
    'chunked,piece=1MiB',
    six,
    /piece: .*collectives over shm are not cut into pieces; leave it out, or give transport=staged-copy/,
  ],
  [
    'chunked,resident=1,slots=2',
    six,
    /slots: .*resident leaves nothing to stream; leave it out, or keep less/,
  ],
  ['paced,resident-layers=6,pace=1us', six, /pace: .*resident-layers leaves nothing to stream/],
  ['chunked,resident-layers=6,resident=0.5', six, /resident: .*resident-layers keeps all 6 blocks/],
  ['chunked,resident-layers=2,resident=1', six, /resident-layers: .*resident=1 keeps every block/],
  ['chunked,prefetch=6', six, /prefetch: .*more than 5: 6 blocks are streamed; give at most 5/],
  ['layerwise,resident-layers=5,prefetch=2', six, /prefetch: .*more than 1: one block is streamed/],
  ['chunked,slots=7', six, /slots: .*more than 6: 6 blocks are streamed; give at most 6/],
];
for (const [text, of, message] of REFUSED) {
  test(`${text} is refused with what it would need`, () =>
    assert.throws(() => makePlan(text, of, system), message));
}

/** Remedies of buffers that are in use: the text that each message proposes. */
const BUFFERS: [text: string, of: Workload, proposes: RegExp, remedy: string][] = [
  ['chunked,slots=1', six, /give at least 2 slots$/, 'chunked,slots=2'],
  ['chunked,prefetch=3,slots=3', six, /give at least 4 slots$/, 'chunked,prefetch=3,slots=4'],
  ['layerwise,prefetch=20', six, /give prefetch=5$/, 'layerwise,prefetch=5'],
  ['layerwise,prefetch=6,slots=3', six, /give prefetch=1$/, 'layerwise,prefetch=1,slots=3'],
  ['layerwise,prefetch=6,slots=1', six, /leave out slots and give prefetch=5$/, 'layerwise,prefetch=5'],
  ['layerwise', single, /take chunked, .* or none$/, 'chunked'],
  ['layerwise-drain,prefetch=4', single, /take chunked, .* or none$/, 'none'],
];
for (const [text, of, proposes, remedy] of BUFFERS) {
  test(`${text} on ${of.blocks.length} blocks: what the message proposes is accepted`, () => {
    assert.throws(() => makePlan(text, of, system), proposes);
    makePlan(remedy, of, system);
  });
}

test('a setting is unused by a preset only where the preset has no use for it anywhere', () => {
  const unused = presetHelp.flatMap(({ name }) =>
    planKeyHelp
      .filter(({ name: key }) => unusedByPreset(name, key) !== undefined)
      .map(({ name: key }) => `${name}: ${key}`),
  );
  const open = ['layerwise', 'layerwise-strided', 'layerwise-drain', 'chunked', 'chunkflow-paper', 'paced'];
  assert.equal(unused, [
    ...['resident', 'resident-layers', 'prefetch', 'slots', 'chunk', 'windows', 'pace'].map(
      (key) => `none: ${key}`,
    ),
    'sequential: prefetch',
    'sequential: windows',
    ...open.map((preset) => `${preset}: windows`),
  ]);
  assert.is(unusedByPreset('no such preset', 'windows'), undefined);
});

test.run();

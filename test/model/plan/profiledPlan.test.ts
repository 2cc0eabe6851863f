import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { withBlocks } from '../../../model/dit/depth.ts';
import { loadDit } from '../../../model/dit/load.ts';
import { parseSize } from '../../../model/dit/tokens.ts';
import type { UserError } from '../../../model/input/userError.ts';
import { type PlanDocument, planDocument } from '../../../model/plan/planDocument.ts';
import { openPlan, planOf, planText } from '../../../model/plan/planFile.ts';
import { planLine } from '../../../model/plan/planLines.ts';
import { FROM_FILE } from '../../../model/plan/recipe.ts';
import { makePlan } from '../../../model/presets/presets.ts';
import { profileWorkload, workloadOfProfiled } from '../../../model/profile/profileWorkload.ts';
import { loadSystem } from '../../../model/system/load.ts';
import { bindWorkload } from '../../../model/workload/bind.ts';
import type { Profiled } from '../../../model/workload/profiledFormat.ts';
import { FINGERPRINT, profileOf } from '../../support/profiles.ts';

const folder = mkdtempSync(join(tmpdir(), 'chunkflow-profiled-'));
const test = suite('plans of profiles');
test.after(() => rmSync(folder, { recursive: true, force: true }));

const system = loadSystem('h200-x2');
const flux = bindWorkload(withBlocks(loadDit('flux.1-dev'), 6), { size: parseSize('512x512'), sp: 2 });
const profile = profileOf(flux, system);
const workload = profileWorkload(profile);
const PLANS = ['none', 'layerwise', 'yield,resident=0.25', 'chunked,transport=staged-copy'];

function written(name: string, text: string): string {
  const file = join(folder, name);
  writeFileSync(file, text);
  return file;
}

for (const text of PLANS) {
  test(`${text}: the file of its plan gives the plan and the profiled part again`, () => {
    const plan = makePlan(text, workload, system);
    for (const [name, content] of [
      ['plan.json', planText(plan, workload)],
      ['plan.jsonl', planLine(plan, workload)],
    ] as const) {
      const file = written(name, content);
      assert.equal(makePlan(file, workload, system), { ...plan, recipe: FROM_FILE });
      const { document } = openPlan(file);
      assert.equal(document, planDocument(plan, workload));
      assert.equal(document.profiled, workload.profiled);
      // The plan's own workload takes it as well: that is what a library is generated from.
      assert.equal(planOf(openPlan(file), workloadOfProfiled(document), system), {
        ...plan,
        recipe: FROM_FILE,
      });
    }
  });
}

test('the profiled part is what the profile says, without its times and tensors', () => {
  const { profiled } = planDocument(makePlan('yield', workload, system), workload);
  assert.is(profiled!.fingerprint, FINGERPRINT);
  assert.is(profiled!.ranks, 2);
  assert.equal(
    profiled!.blocks.map(({ times }) => times),
    profile.blocks.map(({ count }) => count),
  );
  for (const [index, kind] of profiled!.kinds.entries()) {
    assert.equal(Object.keys(kind), ['name', 'weightBytes', 'collectives']);
    assert.is(kind.weightBytes, profile.kinds[index]!.weightBytes);
    for (const collective of kind.collectives)
      assert.equal(Object.keys(collective), ['kind', 'sentBytes', 'bufferBytes']);
  }
});

test('a plan of the catalogue has no profiled part, and its text is what it was', () => {
  const plan = makePlan('yield', flux, system);
  assert.not('profiled' in planDocument(plan, flux));
  assert.not.match(planText(plan, flux), /profiled/);
});

const changed = (change: (document: PlanDocument & { profiled: Profiled }) => void) => {
  const document = structuredClone(planDocument(makePlan('yield', workload, system), workload));
  change(document as PlanDocument & { profiled: Profiled });
  return JSON.stringify(document, null, 1);
};
const otherFingerprint = FINGERPRINT.replace(/.$/, '0');

for (const [what, change, why] of [
  [
    'of other blocks',
    (d) => (d.profiled.fingerprint = otherFingerprint),
    /profiled\.fingerprint: the plan is for blocks of sha256:[0-9a-f]{64}, the profile has sha256:[0-9a-f]{64}; make a plan with this profile/,
  ],
  ['of another model', (d) => (d.model = 'other'), /model: the plan is for other, not for mymodel/],
  [
    'for other ranks',
    (d) => (d.profiled.ranks = 4),
    /profiled\.ranks: the plan is for 4 ranks, the profile has 2/,
  ],
  [
    'without its profiled part',
    (d) => Reflect.deleteProperty(d, 'profiled'),
    /:1:1: profiled: is missing: the plan is not one of a profiled model; make it with `chunkflow plan --profile`/,
  ],
  [
    'with a damaged fingerprint',
    (d) => (d.profiled.fingerprint = 'sha256:'),
    /profiled\.fingerprint: expected sha256:/,
  ],
  ['with an unknown key', (d) => Object.assign(d.profiled, { passes: 2 }), /profiled\.passes: unknown key/],
  [
    'with a key of all objects',
    (d) => Object.defineProperty(d.profiled, '__proto__', { value: {}, enumerable: true }),
    /profiled\.__proto__: unknown key/,
  ],
  [
    'with a kind that is not there',
    (d) => (d.profiled.blocks[0]!.kind = 2),
    /profiled\.blocks\.0\.kind: expected a place in kinds, from 0 to 1, got 2/,
  ],
  [
    'with other blocks in its profiled part',
    (d) => (d.profiled.blocks[0]!.times += 1),
    /profiled\.blocks: expected the 6 blocks of the plan, got 7/,
  ],
  [
    'with a hundred thousand blocks',
    (d) => {
      d.profiled.blocks = Array.from({ length: 10 }, () => ({ kind: 0, times: 10_000 }));
      d.blocks[0]!.times = 100_000;
    },
    /profiled\.blocks: more than 10000 blocks in a pass/,
  ],
  [
    'with collectives of one rank',
    (d) => (d.profiled.ranks = 1),
    /profiled\.kinds\.0\.collectives: one rank has no collectives/,
  ],
] as [string, (document: PlanDocument & { profiled: Profiled }) => void, RegExp][]) {
  test(`a plan ${what} is refused, with its place`, () => {
    const file = written('broken.json', changed(change));
    assert.throws(
      () => makePlan(file, workload, system),
      (error: UserError) => {
        assert.match(error.message, why);
        assert.is(error.place?.file, file);
        return true;
      },
    );
  });
}

test('a plan of a profile is refused for a model of the catalogue that is called the same', () => {
  const file = written(
    'catalogue.json',
    changed((d) => (d.model = 'flux.1-dev')),
  );
  assert.throws(
    () => makePlan(file, flux, system),
    /catalogue\.json:\d+:\d+: profiled: the plan is for a profiled model; give its --profile instead of --model/,
  );
});

test('a plan takes other sizes of the same blocks', () => {
  const larger = bindWorkload(withBlocks(loadDit('flux.1-dev'), 6), { size: parseSize('1024x1024'), sp: 2 });
  const file = written('sizes.json', planText(makePlan('yield', workload, system), workload));
  const other = profileWorkload(profileOf(larger, system));
  assert.is(makePlan(file, other, system).slots, 2);
});

test.run();

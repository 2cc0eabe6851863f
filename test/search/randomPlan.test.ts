import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { withBlocks } from '../../model/dit/depth.ts';
import { loadDit } from '../../model/dit/load.ts';
import { parseSize } from '../../model/dit/tokens.ts';
import { memoryNeed } from '../../model/physics/memory.ts';
import { fitsSlots } from '../../model/plan/issueOrder.ts';
import type { Plan } from '../../model/plan/plan.ts';
import { planDocument } from '../../model/plan/planDocument.ts';
import { planText, readPlan } from '../../model/plan/planFile.ts';
import { FROM_FILE } from '../../model/plan/recipe.ts';
import { makePlan } from '../../model/presets/presets.ts';
import { lower } from '../../model/program/lower.ts';
import { verify } from '../../model/program/verify.ts';
import { loadSystem } from '../../model/system/load.ts';
import type { System } from '../../model/system/system.ts';
import { distinctTransports } from '../../model/system/transport.ts';
import { bindWorkload } from '../../model/workload/bind.ts';
import type { Workload } from '../../model/workload/workload.ts';
import { type Caps, fits, machineCaps } from '../../search/caps.ts';
import { randomPlan } from '../../search/randomPlan.ts';
import { simulate } from '../../sim/simulate.ts';
import { stepBound } from '../support/stepBound.ts';

const folder = mkdtempSync(join(tmpdir(), 'chunkflow-random-'));
const test = suite('random plans');
test.after(() => rmSync(folder, { recursive: true, force: true }));

const SEEDS = 25;
/** What the bound leaves out of a step: see its own test. */
const ROUNDING = 5e-3;

const CASES = [
  ['flux.1-dev', '1024x1024', 6, 2, 'h200-x1-fitted'],
  ['flux.1-dev', '512x512', 5, 1, 'h200-x1-fitted'],
  ['hunyuanvideo-13b', '512x320x17', 6, 2, 'h200-x1'],
  ['wan2.1-t2v-14b', '832x480x17', 5, 2, 'h100-pcie-x2'],
] as const;

const streamed = ({ windowBytes }: Plan['blocks'][number]) =>
  windowBytes.reduce((sum, part) => sum + part, 0);

/** As much of the GPU as a preset takes that keeps some of its blocks; and of pinned memory, all or little. */
function tightCaps(workload: Workload, system: System): Caps {
  const kept = memoryNeed(workload, system, makePlan('chunked,resident=0.3', workload, system));
  return { gpuBytes: kept.gpuPeakBytes, pinnedBytes: kept.hostPinnedBytes };
}

for (const [model, size, blocks, sp, machine] of CASES) {
  const system = loadSystem(machine);
  const dit = withBlocks(loadDit(model), blocks);
  const workload = bindWorkload(dit, { size: parseSize(size), sp, ...(sp === 1 && { cfg: 'none' }) });
  for (const [name, caps] of [
    ['all of the machine', machineCaps(workload, system)],
    ['tight caps', tightCaps(workload, system)],
  ] as const) {
    test(`${SEEDS} plans of ${model} ${size} on ${machine} within ${name}`, () => {
      for (let seed = 0; seed < SEEDS; seed += 1) {
        const plan = randomPlan(workload, system, { seed, caps });
        checkPlan(plan, workload, system, caps);
      }
    });
  }
}

function checkPlan(plan: Plan, workload: Workload, system: System, caps: Caps): void {
  const { name } = plan;
  assert.ok(fits(workload, system, plan, caps), `${name}: caps`);
  const indices = plan.blocks.flatMap((block, index) => (streamed(block) > 0 ? [index] : []));
  const issueAt = indices.map((index) => plan.blocks[index]!.issueAt);
  const order = { streamed: indices, issueAt, slots: plan.slots };
  assert.ok(fitsSlots(order, workload.blocks.length), `${name}: slots`);
  assert.ok(plan.slots <= indices.length, `${name}: no more slots than blocks`);
  assert.equal(verify(lower(workload, system, plan)), [], name);
  assert.ok(planDocument(plan, workload).blocks.length <= 4, `${name}: runs`);

  const bytes = workload.passes * plan.blocks.reduce((sum, block) => sum + streamed(block), 0);
  const bound = stepBound(workload, system, bytes, workload.ranks > 1 ? plan.transport : undefined);
  const { stepTimeS } = simulate(workload, system, plan, { breakEven: false }).report;
  assert.ok(stepTimeS >= bound.stepTimeS * (1 - ROUNDING), `${name}: ${stepTimeS} below ${bound.stepTimeS}`);

  const file = join(folder, 'plan.json');
  writeFileSync(file, planText(plan, workload));
  const read = readPlan(file, workload, system);
  assert.equal(read, { ...plan, recipe: FROM_FILE }, name);
  assert.is(planText(read, workload), planText(plan, workload));
}

const system = loadSystem('h200-x1-fitted');
const flux = bindWorkload(withBlocks(loadDit('flux.1-dev'), 8), { size: parseSize('512x512'), sp: 2 });
const caps = machineCaps(flux, system);
const many = Array.from({ length: 300 }, (_, seed) => randomPlan(flux, system, { seed, caps }));

test('the same seed gives the same plan, others give others', () => {
  assert.equal(randomPlan(flux, system, { seed: 5, caps }), many[5]);
  const distinct = new Set(many.map(({ name: _, ...plan }) => JSON.stringify(plan)));
  assert.ok(distinct.size > 290, `${distinct.size}`);
});

test('everything that a plan decides is drawn', () => {
  const share = (of: (plan: Plan) => boolean) => many.filter(of).length / many.length;
  const drawn = distinctTransports(system).map(({ name }) => name);
  assert.ok(many.every(({ transport }) => drawn.includes(transport)));
  for (const name of drawn) assert.ok(share(({ transport }) => transport === name) > 0.05, name);
  for (const rule of ['none', 'wait', 'drain'])
    assert.ok(share(({ yieldRule }) => yieldRule === rule) > 0.2, rule);
  for (const [what, of] of [
    ['paced', ({ paceS }) => paceS > 0],
    ['whole blocks', ({ chunkBytes }) => chunkBytes === Number.POSITIVE_INFINITY],
    ['a slot to spare', ({ slots, blocks }) => slots > 1 + Math.max(...blocks.map((b, i) => i - b.issueAt))],
    ['deep', ({ blocks }) => blocks.some((block, index) => index - block.issueAt === 3)],
    ['some blocks whole', ({ blocks }) => new Set(blocks.map((block) => streamed(block) > 0)).size === 2],
    ['kinds kept alike', ({ blocks }) => new Set(blocks.map(({ residentBytes }) => residentBytes)).size <= 2],
    ['a window left out', ({ blocks }) => blocks.some(({ windowBytes }) => windowBytes[0] === 0)],
    ['later windows', ({ blocks }) => blocks.some(({ windowBytes }) => (windowBytes[1] ?? 0) > 0)],
  ] as [string, (plan: Plan) => boolean][]) {
    assert.ok(share(of) > 0.05 && share(of) < 0.95, `${what}: ${share(of)}`);
  }
  assert.ok(
    many.every(({ transport, stagedInCopyStream }) => !stagedInCopyStream || transport === 'staged-copy'),
  );
});

test('transports are those that are asked for', () => {
  const plans = Array.from({ length: 20 }, (_, seed) =>
    randomPlan(flux, system, { seed, caps, transports: ['staged-copy'] }),
  );
  assert.equal([...new Set(plans.map(({ transport }) => transport))], ['staged-copy']);
  assert.throws(
    () => randomPlan(flux, system, { seed: 0, caps, transports: ['smoke'] }),
    /transport "smoke" is not one of/,
  );
});

test('caps that only the leanest plan keeps give that one; caps that none keeps are refused', () => {
  const least = memoryNeed(flux, system, makePlan('chunked,slots=2', flux, system, 'staged-sm:2'));
  const tight = { ...caps, gpuBytes: least.gpuPeakBytes };
  for (let seed = 0; seed < 20; seed += 1) {
    const plan = randomPlan(flux, system, { seed, caps: tight, transports: ['staged-sm:2'] });
    assert.ok(fits(flux, system, plan, tight));
  }
  assert.throws(
    () => randomPlan(flux, system, { seed: 0, caps: { ...tight, gpuBytes: least.outsideBytes } }),
    /no random plan of flux\.1-dev keeps within \d+ bytes of GPU memory and \d+ pinned; raise one/,
  );
});

test.run();

import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { closedForm } from '../../model/analytic/closedForm.ts';
import { loadDit } from '../../model/dit/load.ts';
import { parseSize } from '../../model/dit/tokens.ts';
import { memoryNeed } from '../../model/physics/memory.ts';
import type { Plan } from '../../model/plan/plan.ts';
import { documentedPlan, planDocument } from '../../model/plan/planDocument.ts';
import { lower } from '../../model/program/lower.ts';
import { verify } from '../../model/program/verify.ts';
import { loadSystem } from '../../model/system/load.ts';
import { bindWorkload } from '../../model/workload/bind.ts';
import { machineCaps } from '../../search/caps.ts';
import { neighbours } from '../../search/neighbours.ts';
import { optimise } from '../../search/optimise.ts';
import { planSearch } from '../../search/planning.ts';
import { QUICK_EFFORT, type Search } from '../../search/search.ts';
import { plansPerBackend } from '../../search/searchSpace.ts';
import { ARRANGEMENTS, type Arrangement, sharedPages, usualArrangement } from '../../search/sharedPages.ts';
import { PlanMaker } from '../../search/streamedPlan.ts';
import { classesOf } from '../../search/streamProgram.ts';
import { simulate } from '../../sim/simulate.ts';

const test = suite('blocks that keep a page more');
const PAGE = 2 ** 21;
const GiB = 2 ** 30;

async function searchOf(
  model: string,
  size: string,
  machine: string,
  sp: number,
  transport?: string,
): Promise<Search> {
  const workload = bindWorkload(loadDit(model), { size: parseSize(size), sp, cfg: 'none' });
  return planSearch(workload, loadSystem(machine), transport);
}

// What one more page in as many blocks as fit makes of the best plan in which all blocks keep alike, milliseconds.
const CAPPED = [
  ['pixart-xl-2', '256x256', 'h200-x1', 1, undefined, 1.75, 8.104],
  ['pixart-xl-2', '256x256', 'h200-x1', 1, undefined, 1.6, 11.241],
  ['pixart-xl-2', '256x256', 'h200-x1', 1, undefined, 1.45, 14.377],
  ['dit-xl-2', '256x256', 'h100-pcie-x2', 2, undefined, 2.3, 15.07],
  ['dit-xl-2', '256x256', 'h100-pcie-x2', 2, undefined, 2.1, 22.909],
  ['dit-xl-2', '256x256', 'h100-pcie-x2', 2, undefined, 1.9, 30.816],
  ['pixart-xl-2', '512x512', 'rtx5090-x2', 2, undefined, 2.05, 13.393],
  ['qwen-image-20b', '1024x1024', 'rtx5090-x2', 2, undefined, 20, 478.575],
  ['wan2.1-t2v-14b', '832x480x17', 'h200-x2', 2, undefined, 8, 410.379],
  ['wan2.1-t2v-14b', '832x480x17', 'h200-x2', 2, 'shm', 8, 477.993],
] as const;

for (const [model, size, machine, sp, transport, gib, spentMs] of CAPPED) {
  test(`${model} ${size} on ${machine} over ${transport ?? 'any'} in ${gib} GiB: no page of the cap is left, and a step of at most ${spentMs} ms`, async () => {
    const search = await searchOf(model, size, machine, sp, transport);
    const { workload, system } = search;
    const gpuBytes = gib * GiB;
    const { report, plan } = optimise(search, { ...machineCaps(workload, system), gpuBytes });
    assert.ok(report.stepTimeS * 1e3 <= spentMs + 5e-4, `${report.stepTimeS * 1e3} ms`);
    const leftBytes = gpuBytes - report.gpuPeakBytes;
    assert.ok(leftBytes >= 0 && leftBytes < PAGE, `${leftBytes / PAGE} pages left`);
    const stays = new Set(plan.blocks.map(({ residentBytes }) => residentBytes));
    assert.ok(stays.size > 1, 'all keep alike');
  });
}

/** A plan of whole blocks of which `pages` stay in sum. */
function planWith(
  { workload, system, space }: Search,
  slots: number,
  pages: number,
  arrangement: Arrangement,
): Plan {
  const shared = sharedPages(pages, workload.blocks.length, arrangement);
  return new PlanMaker(workload, system, 1).make({
    ...{ backend: space.backends[0]!, slots, windows: 'open', issue: 'near', paceS: 0 },
    chunkBytes: Number.POSITIVE_INFINITY,
    residentBytes: shared.map((own) => own * PAGE),
  })!;
}

for (const slots of [2, 3]) {
  test(`where a page decides whether a copy hides, with ${slots} buffers the usual arrangement is the faster one`, async () => {
    const search = await searchOf('pixart-xl-2', '256x256', 'h200-x1', 1);
    const { workload, system, oracle } = search;
    const [front, spread] = ARRANGEMENTS.map((arrangement) =>
      planWith(search, slots, 19 * 28 + 14, arrangement),
    ) as [Plan, Plan];
    const steps = { front: oracle(front).stepTimeS, spread: oracle(spread).stepTimeS };
    const usual = usualArrangement(slots);
    assert.is(steps[usual], Math.min(steps.front, steps.spread));
    assert.ok(Math.max(steps.front, steps.spread) > 1.01 * steps[usual], JSON.stringify(steps));
    for (const plan of [front, spread]) {
      assert.equal(verify(lower(workload, system, plan)), []);
      // The walk over the blocks passes over alike ones, unless it is to walk every block.
      const { stepTimeS } = closedForm(workload, system, plan);
      const walked = closedForm(workload, system, plan, 1, true).stepTimeS;
      assert.ok(Math.abs(stepTimeS / walked - 1) < 1e-9, `${stepTimeS} ${walked}`);
      assert.ok(
        Math.abs(stepTimeS / simulate(workload, system, plan, { breakEven: false }).report.stepTimeS - 1) <
          0.08,
      );
      // The document has the same blocks.
      assert.equal(documentedPlan(planDocument(plan, workload)).blocks, plan.blocks);
    }
  });
}

test('memory is that of the residents, and of buffers for what blocks without a page more leave', async () => {
  const search = await searchOf('pixart-xl-2', '256x256', 'h200-x1', 1);
  const { workload, system } = search;
  const { weightBytes } = workload.blocks[0]!;
  const none = memoryNeed(workload, system, planWith(search, 2, 0, 'front'));
  for (const arrangement of ARRANGEMENTS) {
    const need = memoryNeed(workload, system, planWith(search, 2, 5 * 28 + 9, arrangement));
    assert.is(need.residentBytes, (5 * 28 + 9) * PAGE);
    assert.is(need.slotBytes, 2 * (weightBytes - 5 * PAGE));
    assert.is(need.gpuPeakBytes - none.gpuPeakBytes, (5 * 28 + 9 - 2 * 5) * PAGE);
    assert.is(
      need.gpuPeakBytes + need.hostPinnedBytes,
      none.gpuPeakBytes + none.hostPinnedBytes - 2 * 5 * PAGE,
    );
  }
});

const kept = ({ blocks }: Plan, of: readonly number[]) =>
  of.reduce((sum, index) => sum + blocks[index]!.residentBytes, 0) / PAGE;

test('neighbours: exchanges between classes keep every page, and what the caps leave is tried in each class', async () => {
  const search = await searchOf('flux.1-dev', '1024x1024', 'h200-x1-fitted', 2, 'staged-sm:2');
  const { workload, system, space } = search;
  const { plan } = optimise(search, { ...machineCaps(workload, system), gpuBytes: 12 * GiB }, QUICK_EFFORT);
  const classes = classesOf(workload);
  const members = [...new Set(classes)].map((of) =>
    classes.flatMap((own, index) => (own === of ? [index] : [])),
  );
  const around = neighbours(workload, system, plan, space, 13.5 * PAGE);
  const all = [...workload.blocks.keys()];
  for (const other of around) {
    for (const [index, { residentBytes, windowBytes }] of other.blocks.entries()) {
      const { weightBytes } = workload.blocks[index]!;
      assert.is(residentBytes + windowBytes.reduce((sum, part) => sum + part, 0), weightBytes);
      assert.ok(residentBytes % PAGE === 0 || residentBytes === weightBytes);
    }
    const changes = members.map((of) => kept(other, of) - kept(plan, of));
    if (changes.filter((change) => change !== 0).length === 2)
      assert.ok(Math.abs(kept(other, all) - kept(plan, all)) < 1e-9, `${changes}`);
  }
  const streamed = members.filter((of) => plan.blocks[of[0]!]!.windowBytes.length > 0);
  assert.ok(streamed.length > 1);
  for (const of of streamed) {
    const isMore = (other: Plan, pages: number) =>
      kept(other, of) - kept(plan, of) === pages && kept(other, all) - kept(plan, all) === pages;
    const room = of.every(
      (index) => workload.blocks[index]!.weightBytes - plan.blocks[index]!.residentBytes > 15 * PAGE,
    );
    if (!room) continue;
    assert.ok(
      around.some((other) => isMore(other, 13)),
      'all of them',
    );
    assert.not(neighbours(workload, system, plan, space, 0.9 * PAGE).some((other) => isMore(other, 13)));
  }
});

test('the space counts all pages of a class, shared as equally as they can be, and all of it', async () => {
  const search = await searchOf('pixart-xl-2', '256x256', 'h200-x1', 1);
  const { workload, space } = search;
  const pages = Math.floor(workload.blocks[0]!.weightBytes / PAGE);
  // Of 28 blocks each leaves a page to stream: 0 to 28 x (pages - 1), or all stay whole; x 3 numbers of buffers, 8 chunks, open with or without pauses.
  assert.is(plansPerBackend(workload, space), (28 * (pages - 1) + 2) * 3 * 8 * 2);
});

test.run();

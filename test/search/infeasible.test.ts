import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { withBlocks } from '../../model/dit/depth.ts';
import { loadDit } from '../../model/dit/load.ts';
import { parseSize } from '../../model/dit/tokens.ts';
import { UserError } from '../../model/input/userError.ts';
import { memoryNeed } from '../../model/physics/memory.ts';
import { loadSystem } from '../../model/system/load.ts';
import { bindWorkload } from '../../model/workload/bind.ts';
import { type Caps, fits } from '../../search/caps.ts';
import { infeasible } from '../../search/infeasible.ts';
import { leastPinnedPlan, smallestPlan } from '../../search/leastMemory.ts';
import { optimise } from '../../search/optimise.ts';
import type { Search } from '../../search/search.ts';
import { searchOracles } from '../../search/searchOracle.ts';
import { usualSpace } from '../../search/searchSpace.ts';
import { loadSolver } from '../../search/solver.ts';
import { PlanMaker } from '../../search/streamedPlan.ts';

const highs = await loadSolver();
const test = suite('caps that nothing fits');
const PAGE = 2 ** 21;
const ANY = Number.POSITIVE_INFINITY;

function searchOf(model: string, size: string, machine: string, sp: number, blocks?: number): Search {
  const system = loadSystem(machine);
  const dit = loadDit(model);
  const workload = bindWorkload(blocks === undefined ? dit : withBlocks(dit, blocks), {
    size: parseSize(size),
    sp,
  });
  return { highs, workload, system, space: usualSpace(workload, system), ...searchOracles(workload, system) };
}

/** GPU and pinned bytes of every way to keep any pages of each block, by counting. */
function everyNeed({ workload, system, space }: Search): Caps[] {
  const maker = new PlanMaker(workload, system, 1);
  const choices = workload.blocks.map(({ weightBytes }) => [
    ...Array.from({ length: Math.floor(weightBytes / PAGE) }, (_, pages) => pages * PAGE),
    weightBytes,
  ]);
  const total = choices.reduce((product, { length }) => product * length, 1);
  const transports = space.backends.filter(({ pieceBytes }) => pieceBytes === 0);
  return transports.flatMap((backend) =>
    Array.from({ length: total }, (_, index) => {
      let rest = index;
      const residentBytes = choices.map((choice) => {
        const kept = choice[rest % choice.length]!;
        rest = Math.floor(rest / choice.length);
        return kept;
      });
      const plan = maker.make({
        ...{ backend, residentBytes, slots: 2, windows: 'open', issue: 'near', paceS: 0 },
        chunkBytes: ANY,
      })!;
      const need = memoryNeed(workload, system, plan);
      return { gpuBytes: need.gpuPeakBytes, pinnedBytes: need.hostPinnedBytes };
    }),
  );
}

for (const [model, size, blocks] of [
  ['experiments/tiny/tiny-cross.yaml', '64x64x5', 4],
  ['experiments/tiny/tiny-joint.yaml', '128x128', 3],
  ['experiments/tiny/tiny-joint.yaml', '128x128', 4],
] as const) {
  const search = searchOf(model, size, 'h100-pcie-x2', 2, blocks);
  const needs = everyNeed(search);

  test(`${search.workload.model.name}, ${blocks} blocks: the least memory of ${needs.length} ways to keep pages`, () => {
    const least = Math.min(...needs.map(({ gpuBytes }) => gpuBytes));
    assert.is(smallestPlan(search)!.gpuBytes, least);
    // Under every cap on one of them that any of them could just keep: the least of the other.
    const few = needs.filter((_, index) => index % Math.ceil(needs.length / 150) === 0);
    for (const cap of [...few, { gpuBytes: least, pinnedBytes: 0 }]) {
      for (const less of [0, 1]) {
        const onHost = needs.filter(({ pinnedBytes }) => pinnedBytes <= cap.pinnedBytes - less);
        const found = smallestPlan(search, cap.pinnedBytes - less);
        assert.is(found?.gpuBytes ?? ANY, Math.min(...onHost.map(({ gpuBytes }) => gpuBytes)));
        const onGpu = needs.filter(({ gpuBytes }) => gpuBytes <= cap.gpuBytes - less);
        const pinned = leastPinnedPlan(search, cap.gpuBytes - less);
        assert.is(pinned?.pinnedBytes ?? ANY, Math.min(...onGpu.map(({ pinnedBytes }) => pinnedBytes)));
      }
    }
  });
}

const CASES = [
  ['wan2.1-t2v-14b', '832x480x17', 'h200-x1-fitted', 2],
  ['wan2.1-t2v-14b', '832x480x17', 'rtx5090-x2', 1],
  ['flux.1-dev', '1024x1024', 'h100-pcie-x2', 2],
  ['hunyuanvideo-13b', '512x320x17', 'rtx5090-x2', 2],
  ['wan2.2-t2v-a14b', '832x480x17', 'h200-x2', 2],
  ['experiments/tiny/tiny-joint.yaml', '128x128', 'h100-pcie-x2', 2],
] as const;

for (const [model, size, machine, sp] of CASES) {
  const search = searchOf(model, size, machine, sp);
  const title = `${search.workload.model.name} ${size} on ${machine}, ${sp} ranks`;
  const { workload, system } = search;
  const smallest = smallestPlan(search)!;

  test(`${title}: a cap of exactly the least GPU memory holds a plan, a byte less holds none`, () => {
    const need = memoryNeed(workload, system, smallest.plan);
    assert.is(need.gpuPeakBytes, smallest.gpuBytes);
    assert.is(need.hostPinnedBytes, smallest.pinnedBytes);
    holdsAPlan(search, { gpuBytes: smallest.gpuBytes, pinnedBytes: ANY });
    refuses(
      search,
      { gpuBytes: smallest.gpuBytes - 1, pinnedBytes: ANY },
      /no plan fits .*, 1 bytes more, and pins/,
    );
  });

  // So little on the host that more must stay than in the smallest plan, and no more on the GPU than that takes.
  test(`${title}: where both caps bind, exactly what is said of either is enough`, () => {
    const pinnedBytes = Math.floor(0.6 * smallest.pinnedBytes);
    const onGpu = smallestPlan(search, pinnedBytes)!;
    assert.ok(onGpu.gpuBytes > smallest.gpuBytes && onGpu.pinnedBytes <= pinnedBytes);
    holdsAPlan(search, { gpuBytes: onGpu.gpuBytes, pinnedBytes });
    refuses(
      search,
      { gpuBytes: onGpu.gpuBytes - 1, pinnedBytes },
      /with so little on the host .*, 1 bytes more; with/,
    );
    const { gpuBytes } = onGpu;
    const onHost = leastPinnedPlan(search, gpuBytes)!;
    assert.ok(onHost.pinnedBytes <= pinnedBytes);
    holdsAPlan(search, { gpuBytes, pinnedBytes: onHost.pinnedBytes });
    refuses(search, { gpuBytes, pinnedBytes: onHost.pinnedBytes - 1 }, /must be pinned, 1 bytes more$/);
  });
}

test('messages round what is needed up and what is given to the nearest', () => {
  const search = searchOf('wan2.1-t2v-14b', '832x480x17', 'h200-x1-fitted', 2);
  const { gpuBytes } = smallestPlan(search)!;
  const text = infeasible(search, { gpuBytes: 2 ** 30, pinnedBytes: ANY });
  const [, needs] = /^no plan fits 1\.00 GiB of GPU memory: the smallest needs (\d+\.\d\d) GiB/.exec(text)!;
  assert.ok(Number(needs) * 2 ** 30 >= gpuBytes && Number(needs) * 2 ** 30 < gpuBytes + 2 ** 30 / 100);
});

test('staging alone may be more than the host has', () => {
  const search = searchOf('wan2.1-t2v-14b', '832x480x17', 'h200-x1-fitted', 2);
  refuses(search, { gpuBytes: 2 ** 37, pinnedBytes: 1000 }, /staging of the collectives alone takes more/);
});

function holdsAPlan(search: Search, caps: Caps): void {
  const { plan } = optimise(search, caps, { finalists: 1, rounds: 0, exhaustive: 0 });
  assert.ok(fits(search.workload, search.system, plan, caps));
}

function refuses(search: Search, caps: Caps, message: RegExp): void {
  assert.throws(
    () => optimise(search, caps, { finalists: 1, rounds: 0, exhaustive: 0 }),
    (error: unknown) => error instanceof UserError && message.test(error.message),
  );
}

test.run();

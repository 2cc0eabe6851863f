import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { build } from 'esbuild';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { withBlocks } from '../../model/dit/depth.ts';
import { loadDit } from '../../model/dit/load.ts';
import { parseSize } from '../../model/dit/tokens.ts';
import { packageRoot } from '../../model/input/packageFiles.ts';
import { UserError } from '../../model/input/userError.ts';
import { loadSystem } from '../../model/system/load.ts';
import { bindWorkload } from '../../model/workload/bind.ts';
import { machineCaps } from '../../search/caps.ts';
import { frontCaps, paretoFront } from '../../search/front.ts';
import { smallestPlan } from '../../search/leastMemory.ts';
import { planFront, planSearch } from '../../search/planning.ts';

const test = suite('the front of step time against memory');
const system = loadSystem('h200-x1-fitted');
const workload = bindWorkload(withBlocks(loadDit('flux.1-dev'), 9), { size: parseSize('1024x1024'), sp: 2 });
const caps = machineCaps(workload, system);
const few = bindWorkload(withBlocks(loadDit('dit-xl-2'), 3), { size: parseSize('256x256'), sp: 2 });

test('more memory, shorter steps, never below the bound', async () => {
  const search = await planSearch(workload, system);
  const front = paretoFront(search, { points: 8, caps });
  assert.ok(front.length >= 6, `${front.length} points`);
  for (const [index, { report, bound, caps: own }] of front.entries()) {
    assert.ok(report.gpuPeakBytes <= own.gpuBytes);
    assert.ok(report.stepTimeS >= bound.stepTimeS * (1 - 2e-3));
    if (index === 0) continue;
    const before = front[index - 1]!.report;
    assert.ok(report.gpuPeakBytes > before.gpuPeakBytes && report.stepTimeS < before.stepTimeS);
  }
  const smallest = smallestPlan(search)!;
  assert.ok(
    Math.abs(front[0]!.report.gpuPeakBytes - smallest.gpuBytes) < 16 * 2 ** 20,
    'it begins at the smallest plan',
  );
});

test('threads find what one finds', async () => {
  const search = await planSearch(workload, system);
  const names = (front: Awaited<ReturnType<typeof planFront>>) =>
    front.map(({ plan, report }) => `${plan.name} ${report.stepTimeS} ${report.gpuPeakBytes}`);
  const alone = paretoFront(search, { points: 5, caps });
  let points = 0;
  const together = await planFront({ workload, system, points: 5, caps }, () => {
    points += 1;
  });
  assert.equal(names(together), names(alone));
  assert.is(points, 5);
});

test('compiled sources find their thread beside them', async () => {
  // Inside of the package, so that its data files and dependencies are found from there.
  const folder = mkdtempSync(join(packageRoot, 'node_modules', '.compiled-'));
  try {
    writeFileSync(join(folder, 'package.json'), '{ "type": "module" }');
    const entryPoints = ['planning', 'frontWorker'].map((name) => join(packageRoot, 'search', `${name}.ts`));
    await build({
      entryPoints,
      outdir: folder,
      bundle: true,
      splitting: true,
      format: 'esm',
      platform: 'node',
      packages: 'external',
      logLevel: 'error',
    });
    const compiled = (await import(pathToFileURL(join(folder, 'planning.js')).href)) as {
      planFront: typeof planFront;
    };
    const small = { workload: few, system, points: 2, caps: machineCaps(few, system) };
    assert.is((await compiled.planFront(small)).length, 2);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test('nothing fits: says so, with the smallest plan', async () => {
  const search = await planSearch(workload, system);
  assert.throws(
    () => frontCaps(search, 4, { gpuBytes: 2 ** 30, pinnedBytes: 1e12 }),
    (error: unknown) => error instanceof UserError && /the smallest needs [\d.]+ GiB/.test(error.message),
  );
});

test.run();

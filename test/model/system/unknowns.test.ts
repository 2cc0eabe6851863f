import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { packageRoot } from '../../../model/input/packageFiles.ts';
import { UserError } from '../../../model/input/userError.ts';
import { parseYaml } from '../../../model/input/yamlFile.ts';
import { copyRates } from '../../../model/physics/rates.ts';
import { moved } from '../../../model/physics/variants/moved.ts';
import type { Direction } from '../../../model/system/direction.ts';
import { buildSystem, loadSystem, systemIds } from '../../../model/system/load.ts';
import { transportNamed } from '../../../model/system/transport.ts';
import { unknownsOf } from '../../../model/system/unknowns.ts';

const test = suite('what is not known of a machine');
const FITTED = readFileSync(join(packageRoot, 'model', 'systems', 'h200-x1-fitted.yaml'), 'utf8');

function near(got: number, expected: number, what = ''): void {
  assert.ok(Math.abs(got / expected - 1) < 1e-4, `${what} ${got} instead of ${expected}`);
}

function intervalOf(id: string, direction: Direction, overrides: readonly string[] = []) {
  return unknownsOf(loadSystem(id, overrides)).find((one) => one.direction === direction)?.interval;
}

function fittedWith(from: string, to: string) {
  assert.ok(FITTED.includes(from), from);
  return buildSystem(parseYaml('machine.yaml', FITTED.replace(from, to)));
}

test("a fitted number keeps its file's interval, as factors on it", () => {
  const { provenance } = loadSystem('h200-x1-fitted');
  const of = (key: string) => provenance.find((entry) => entry.key === key)!.interval;
  const [low, high] = of('gpu.copyEngine.h2d')!;
  near(low, 53.7284 / 55.3607);
  near(high, 57.0426 / 55.3607);
  assert.is(of('gpu.launchFloor'), undefined);
  near(of('gpu.efficiency.gemm')![0], 0.797769 / 0.811484);
});

test('an interval beside its number reaches to it; one in another unit is refused with its place', () => {
  const beside = fittedWith('[ 53.7284 GB/s, 57.0426 GB/s ]', '[ 56 GB/s, 57.0426 GB/s ]');
  assert.is(beside.provenance.find(({ key }) => key === 'gpu.copyEngine.h2d')!.interval![0], 1);
  let error: unknown;
  try {
    fittedWith('[ 53.7284 GB/s, 57.0426 GB/s ]', '[ 53 us, 57 us ]');
  } catch (thrown) {
    error = thrown;
  }
  assert.instance(error, UserError);
  assert.match((error as UserError).message, /gpu\.copyEngine\.h2d\.interval\.0: .*"53 us"/);
});

test('a direction has the geometric mean of the intervals of its numbers', () => {
  const [low, high] = intervalOf('h200-x1-fitted', 'compute')!;
  near(low, Math.sqrt((0.797769 / 0.811484) * (0.712612 / 0.728034)));
  near(high, Math.sqrt((0.824477 / 0.811484) * (0.736641 / 0.728034)));
});

test('numbers without an interval have a width by where they came from, the less sure the wider', () => {
  const measured = intervalOf('h200-x1', 'compute')!;
  const published = intervalOf('h100-pcie-x2', 'compute')!;
  const byDefault = intervalOf('h100-sxm-x8', 'compute')!;
  assert.ok(measured[0] > published[0] && published[0] > byDefault[0]);
  assert.ok(measured[1] < published[1] && published[1] < byDefault[1]);
  near(published[0], 1 / 1.05);
});

test('hosts of several real GPUs differ from each other; mirrored peers and single GPUs do not', () => {
  const [pair] = intervalOf('h200-x2', 'h2d')!;
  const [mirrored] = intervalOf('h200-x1', 'h2d')!;
  assert.ok(pair < 0.86 && pair > 0.8, `${pair}`);
  near(mirrored, 1 / 1.02);
  near(intervalOf('rtx5090-x1', 'h2d')![0], 1 / 1.05);
});

test('a number that was set by hand is exact', () => {
  const exact = ['gpu.efficiency.gemm=0.8', 'gpu.efficiency.attention=0.7'];
  assert.is(intervalOf('h200-x1-fitted', 'compute', exact), undefined);
});

test('every shipped machine has low and high ends around 1, and none for collectives where it has no kernels for them', () => {
  for (const id of systemIds()) {
    const system = loadSystem(id);
    const unknowns = unknownsOf(system);
    for (const { direction, interval } of unknowns) {
      const [low, high] = interval;
      assert.ok(low > 0.4 && low <= 1 && high >= 1 && high < 2.5, `${id} ${direction} ${interval}`);
    }
    const hasFlows = system.transports.some(({ kind }) => kind === 'flow');
    assert.is(
      unknowns.some(({ direction }) => direction === 'collectives'),
      hasFlows,
      id,
    );
  }
});

const pair = loadSystem('h200-x2');
const flow = (system = pair) => {
  const shm = transportNamed(system, 'shm');
  assert.ok(shm.kind === 'flow');
  return shm;
};

test('moved by 1 a machine is itself', () => {
  for (const { direction } of unknownsOf(pair)) assert.is(moved(pair, direction, 1, 2), pair);
});

test('moved along a direction its own numbers change and those of other directions stay', () => {
  near(copyRates(moved(pair, 'h2d', 0.9, 2), 2).h2d, 0.9 * copyRates(pair, 2).h2d);
  const slower = moved(pair, 'duplex', 0.8, 2);
  near(copyRates(slower, 2).both, 0.8 * copyRates(pair, 2).both);
  assert.is(copyRates(slower, 2).h2d, copyRates(pair, 2).h2d);
  const rates = moved(pair, 'collectives', 1.1, 2);
  near(flow(rates).collectives['all-to-all'].bytesPerS, 1.1 * flow().collectives['all-to-all'].bytesPerS);
  assert.equal(flow(rates).collectives['all-to-all'].besideH2d, flow().collectives['all-to-all'].besideH2d);
  const late = moved(pair, 'overheads', 2, 2);
  near(flow(late).latencyS, 2 * flow().latencyS);
  near(late.gpu.copyEngine.gapS, 2 * pair.gpu.copyEngine.gapS);
  assert.equal(moved(pair, 'compute', 1.05, 2).gpu.copyEngine, pair.gpu.copyEngine);
});

test('both directions together stay between the faster of them and their sum', () => {
  for (const factor of [0.1, 0.8, 1.5, 10]) {
    for (const node of moved(pair, 'duplex', factor, 2).tree.filter(({ parent }) => parent !== null)) {
      assert.ok(node.duplexBytesPerS >= Math.max(node.downBytesPerS, node.upBytesPerS));
      assert.ok(node.duplexBytesPerS <= node.downBytesPerS + node.upBytesPerS);
    }
  }
});

test('retained fractions stay at most 1 and together at least 1', () => {
  for (const id of ['h200-x2', 'h100-pcie-x2']) {
    for (const factor of [0.3, 0.9, 1.2, 3]) {
      for (const transport of moved(loadSystem(id), 'beside', factor, 2).transports) {
        if (transport.kind !== 'flow') continue;
        const { collective, h2d } = transport.collectives['all-to-all'].besideH2d;
        assert.ok(collective <= 1 && h2d <= 1 && collective + h2d >= 1 - 1e-12, `${collective} ${h2d}`);
      }
    }
  }
});

test.run();

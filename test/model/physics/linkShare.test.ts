import fc from 'fast-check';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import {
  bytesWithFill,
  collectiveAloneS,
  gpusOfRanks,
  linkRateAllLoading,
  runningRanks,
  weigh,
} from '../../../model/physics/linkShare.ts';
import { loadSystem } from '../../../model/system/load.ts';
import { type FlowTransport, transportNamed } from '../../../model/system/transport.ts';
import { hostMemory } from '../../support/hostMemory.ts';

const GB = 1e9;
const near = (value: number, expected: number) => Math.abs(value / expected - 1) < 1e-12;

const loading = suite('H2D with every rank loading');

const MACHINES: [machine: string, ranks: number, gigabytes: number, why: string][] = [
  ['h100-pcie-x2', 1, 55, 'one GPU has the root to itself: its own link is the limit'],
  ['h100-pcie-x2', 2, 30.5, 'the root carries 61 GB/s for two'],
  ['h100-pcie-x4', 2, 24.8, 'the root carries 49.6 GB/s for two'],
  ['h100-pcie-x4', 4, 12.4, 'the root carries 49.6 GB/s for four'],
  ['h200-x2', 2, 55.5, 'a root each'],
  ['h200-x1', 1, 55.5, 'one GPU'],
  ['h100-sxm-x8', 8, 55, 'four on a socket whose memory would do 350 / 4 = 87.5 GB/s each'],
];
for (const [machine, ranks, gigabytes, why] of MACHINES) {
  loading(`${machine}, ${ranks} ranks: ${gigabytes} GB/s each (${why})`, () => {
    const rates = linkRateAllLoading(loadSystem(machine), ranks);
    assert.is(rates.length, ranks);
    for (const rate of rates) assert.ok(near(rate, gigabytes * GB), String(rate));
  });
}

loading('the duplex limit and the copy engine hold rates back too, host memory does not', () => {
  const root = loadSystem('h100-pcie-x2');
  const withTree = (changes: Partial<(typeof root.tree)[number]>, id: string) => ({
    ...root,
    tree: root.tree.map((node) => (node.id === id ? { ...node, ...changes } : node)),
  });
  // 40 GB/s of memory for two, beside the root's 61; a root of 61 GB/s whose directions together do 50, for two; an engine of 10 GB/s.
  assert.equal(linkRateAllLoading(withTree({ memory: hostMemory(40 * GB) }, 'memory'), 2), [
    30.5 * GB,
    30.5 * GB,
  ]);
  assert.equal(linkRateAllLoading(withTree({ duplexBytesPerS: 50 * GB }, 'root'), 2), [25 * GB, 25 * GB]);
  const { copyEngine } = root.gpu;
  const slow = { ...root, gpu: { ...root.gpu, copyEngine: { ...copyEngine, h2dBytesPerS: 10 * GB } } };
  assert.equal(linkRateAllLoading(slow, 2), [10 * GB, 10 * GB]);
});

loading('ranks that sit differently get different rates', () => {
  // gpu0 behind a link of 8 GB/s, gpu1 behind its own of 55; the root's 61 GB/s are counted as 30.5 each.
  const system = loadSystem('h100-pcie-x2', ['tree.gpu0.down=8 GB/s']);
  assert.equal(linkRateAllLoading(system, 2), [8 * GB, 30.5 * GB]);
});

loading('colocated ranks share one engine and one link', () => {
  const system = { ...loadSystem('h200-x2'), peer: 'colocated' as const };
  assert.equal(gpusOfRanks(system, 3), ['gpu0', 'gpu0', 'gpu0']);
  for (const rate of linkRateAllLoading(system, 3)) assert.ok(near(rate, 18.5 * GB), String(rate));
});

loading('colocated ranks share the engine where that is slower than the link', () => {
  const base = loadSystem('h200-x2', ['gpu.copyEngine.h2d=30 GB/s']);
  assert.equal(linkRateAllLoading({ ...base, peer: 'colocated' }, 3), [10 * GB, 10 * GB, 10 * GB]);
});

const RUNNING: [peer: 'real' | 'mirrored' | 'colocated', groupSize: number, running: number][] = [
  ['real', 4, 4],
  ['colocated', 4, 4],
  ['mirrored', 4, 1],
];
for (const [peer, groupSize, running] of RUNNING) {
  loading(`of ${groupSize} ${peer} ranks ${running} run`, () => {
    assert.is(runningRanks({ ...loadSystem('h200-x2'), peer }, groupSize), running);
  });
}

loading.run();

const weighing = suite('weights from measured contention');

test('equal halves', { bytesPerS: 22.2 * GB, collective: 0.5, h2d: 0.5 }, 30.5 * GB, {
  // (0.5 x 22.2) / (0.5 x 30.5) and (0.5 x 30.5) / (0.5 x 22.2).
  weight: 22.2 / 30.5,
  downCoefficient: 30.5 / 22.2,
});
test('links that do not meet', { bytesPerS: 300 * GB, collective: 1, h2d: 1 }, 50 * GB, {
  weight: 6,
  downCoefficient: 0,
});
test(
  'a collective that suffers more than the copies',
  { bytesPerS: 20 * GB, collective: 0.5, h2d: 0.75 },
  40 * GB,
  {
    // 10 / 30, and 0.25 x 40 / 10.
    weight: 1 / 3,
    downCoefficient: 1,
  },
);

function test(
  name: string,
  { bytesPerS, ...shares }: { bytesPerS: number; collective: number; h2d: number },
  h2dBytesPerS: number,
  expected: { weight: number; downCoefficient: number },
): void {
  weighing(name, () => {
    const got = weigh({ bytesPerS, besideH2d: { ...shares, gapS: null } }, h2dBytesPerS);
    assert.ok(near(got.weight, expected.weight), String(got.weight));
    assert.ok(Math.abs(got.downCoefficient - expected.downCoefficient) < 1e-12, String(got.downCoefficient));
  });
}

const fraction = fc.integer({ min: 1, max: 100 }).map((percent) => percent / 100);
const rate = fc.integer({ min: 1, max: 1000 }).map((gigabytes) => gigabytes * GB);

weighing('with both at their stated shares the link is exactly full, at equal rate per weight', () => {
  fc.assert(
    fc.property(rate, rate, fraction, fraction, (R, C, collective, h2d) => {
      const { weight, downCoefficient } = weigh(
        { bytesPerS: R, besideH2d: { collective, h2d, gapS: null } },
        C,
      );
      // h2d x C + coefficient x collective x R = C, and (collective x R) / weight = h2d x C.
      assert.ok(near(h2d * C + downCoefficient * collective * R, C));
      assert.ok(near((collective * R) / weight, h2d * C));
    }),
  );
});

weighing('a collective by itself is its start-up and its bytes over its rate', () => {
  const shm = transportNamed(loadSystem('h100-pcie-x2'), 'shm') as FlowTransport;
  // 20 us + 222 MB / 22.2 GB/s = 20 us + 10 ms.
  assert.ok(near(collectiveAloneS(shm, 'all-to-all', 222e6), 10.02e-3));
  assert.ok(near(collectiveAloneS(shm, 'all-to-all', 0), 20e-6));
});

weighing.run();

const filling = suite('a pipeline that must fill');

for (const [sentBytes, fill, bytes] of [
  // 1/2 of the first 8 bytes on top.
  [100, { bytes: 8, cost: 0.5 }, 104],
  [8, { bytes: 8, cost: 0.5 }, 12],
  // A message that never fills it: half of its own bytes.
  [4, { bytes: 8, cost: 0.5 }, 6],
  [100, null, 100],
] as const) {
  filling(`${sentBytes} bytes, ${JSON.stringify(fill)}: as long as ${bytes} at the rate`, () => {
    const base = loadSystem('h200-x2').transports.find(({ kind }) => kind === 'flow') as FlowTransport;
    const transport = { ...base, fill, latencyS: 3 };
    assert.is(bytesWithFill(transport, sentBytes), bytes);
    const { bytesPerS } = base.collectives['all-to-all'];
    assert.is(collectiveAloneS(transport, 'all-to-all', sentBytes), 3 + bytes / bytesPerS);
  });
}

filling.run();

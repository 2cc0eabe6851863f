import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { type PcieGeneration, pcieBytesPerS } from '../../../model/system/pcie.ts';

const test = suite('PCIe link rates');

/**
 * Payload GB/s of x16 links from pcie-bench's model (Neugebauer et al., SIGCOMM 2018) evaluated by itself: a GPU
 * reading host memory in completions of 256 bytes, and writing it in packets of 256 bytes.
 */
const PUBLISHED: [generation: PcieGeneration, read: number, write: number][] = [
  [3, 13.18, 12.99],
  [4, 26.37, 25.99],
  [5, 52.73, 51.98],
];
for (const [generation, read, write] of PUBLISHED) {
  for (const [direction, gigabytes] of [
    ['down', read],
    ['up', write],
  ] as const) {
    test(`gen ${generation} x16 ${direction}: ${gigabytes} GB/s`, () => {
      const got = pcieBytesPerS(generation, 16, direction) / 1e9;
      assert.ok(Math.abs(got / gigabytes - 1) < 0.003, `${got} GB/s`);
    });
  }
}

test('lanes add up: x1, x2, x4 and x8 are that many sixteenths of x16', () => {
  for (const generation of [1, 2, 3, 4, 5, 6] as const) {
    for (const direction of ['down', 'up'] as const) {
      const whole = pcieBytesPerS(generation, 16, direction);
      for (const lanes of [1, 2, 4, 8]) {
        const got = pcieBytesPerS(generation, lanes, direction);
        assert.ok(Math.abs((got * 16) / (whole * lanes) - 1) < 1e-12, `gen ${generation} x${lanes}`);
      }
    }
  }
});

// Raw GB/s of x16, each way: 16 lanes x GT/s / 8 x coding. 8b/10b: 2.5 and 5 GT/s make 4 and 8; 128b/130b: 8, 16
// and 32 GT/s make 15.75, 31.51 and 63.02; the sixth generation's 64 GT/s lose nothing to coding: 128.
const RAW: [generation: PcieGeneration, gigabytes: number][] = [
  [1, 4],
  [2, 8],
  [3, 15.754],
  [4, 31.508],
  [5, 63.015],
  [6, 128],
];
test('every generation loses the same share of its raw rate to the protocol', () => {
  // Of what a link carries raw, reads get (1 - 4/1538) x (1 - 2 x 8/168) x 256/276 = 0.8370, writes 256/280: 0.8251.
  for (const [generation, gigabytes] of RAW) {
    const raw = gigabytes * 1e9;
    assert.ok(Math.abs(pcieBytesPerS(generation, 16, 'down') / raw - 0.837) < 1e-4, `gen ${generation}`);
    assert.ok(Math.abs(pcieBytesPerS(generation, 16, 'up') / raw - 0.8251) < 1e-4, `gen ${generation}`);
  }
});

test.run();

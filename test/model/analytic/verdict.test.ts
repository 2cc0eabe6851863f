import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { BoundBy, StepReport, StepTimes } from '../../../model/analytic/report.ts';
import { report as reportOf } from '../../../model/analytic/stepReport.ts';
import { verdict } from '../../../model/analytic/verdict.ts';
import { loadDit } from '../../../model/dit/load.ts';
import { makePlan } from '../../../model/presets/presets.ts';
import { loadSystem } from '../../../model/system/load.ts';
import { bindWorkload } from '../../../model/workload/bind.ts';

const dit = loadDit('dit-xl-2');
const workload = { ...bindWorkload(dit, { size: dit.referenceSize }), tokens: 32_760.4 };
const pair = loadSystem('h100-pcie-x2');
const system = { ...pair, host: { ...pair.host, memoryBytes: 32 * 2 ** 30 } };

/** A step of 1 s in which 400 ms of prefetch would fit 800 ms of windows. */
const hidden: StepReport = {
  plan: 'chunked',
  transport: 'shm',
  stepTimeS: 1,
  computeS: 0.8,
  collectiveS: 0.2,
  exposedPrefetchS: 0,
  collectiveInflationS: 0,
  prefetchS: 0.4,
  windowS: 0.8,
  gpuPeakBytes: 40 * 2 ** 30,
  hostPinnedBytes: 0,
  boundBy: 'compute',
  breakEven: { tokens: null, frames: null, batch: null },
  clock: 1,
  powerW: null,
};
const none: StepReport = { ...hidden, plan: 'none', stepTimeS: 0.8, prefetchS: 0 };
const slow: StepReport = {
  ...hidden,
  stepTimeS: 1.25,
  exposedPrefetchS: 0.2,
  collectiveInflationS: 0.05,
  boundBy: 'link',
};

const test = suite('verdicts');

const SENTENCES: [what: string, report: StepReport, baseline: StepReport | undefined, sentence: string][] = [
  ['hidden', hidden, undefined, 'hidden: 400.0 ms of prefetch fits 800.0 ms of windows'],
  // Against 0.8 s without offload.
  ['against none', hidden, none, 'hidden: 400.0 ms of prefetch fits 800.0 ms of windows, 1.250x of none'],
  ['none against itself', none, none, 'nothing to hide: all weights stay on the GPU'],
  [
    'against another none',
    none,
    { ...none, stepTimeS: 0.4 },
    'nothing to hide: all weights stay on the GPU, 2.000x of none',
  ],
  [
    'a cost of exactly 1 % of the step is hidden',
    { ...hidden, exposedPrefetchS: 0.004, collectiveInflationS: 0.006 },
    undefined,
    'hidden: 400.0 ms of prefetch fits 800.0 ms of windows',
  ],
  [
    'more is not',
    { ...hidden, exposedPrefetchS: 0.0041, collectiveInflationS: 0.006, boundBy: 'yield' },
    undefined,
    'not hidden: 400.0 ms of prefetch against 800.0 ms of windows, 4.1 ms exposed, collectives 6.0 ms longer; the link idles for part of the step, which another schedule could use',
  ],
  [
    'both costs',
    slow,
    none,
    'not hidden: 400.0 ms of prefetch against 800.0 ms of windows, 200.0 ms exposed, collectives 50.0 ms longer; the link is the limit, 1.563x of none',
  ],
  [
    'exposed alone: less than 0.05 ms is not worth a word',
    { ...slow, collectiveInflationS: 49e-6 },
    undefined,
    'not hidden: 400.0 ms of prefetch against 800.0 ms of windows, 200.0 ms exposed; the link is the limit',
  ],
  [
    'longer collectives alone',
    { ...slow, exposedPrefetchS: 0 },
    undefined,
    'not hidden: 400.0 ms of prefetch against 800.0 ms of windows, collectives 50.0 ms longer; the link is the limit',
  ],
  [
    'every break-even point',
    { ...hidden, breakEven: { tokens: 11_899.6, frames: 28.4, batch: 0.36 } },
    undefined,
    'hidden: 400.0 ms of prefetch fits 800.0 ms of windows; hidden from 11,900 tokens, 28 frames, batch 0.4 on (now 32,760 tokens)',
  ],
  [
    'an image, and a large batch',
    { ...slow, breakEven: { tokens: 1_234_567, frames: null, batch: 37.7 } },
    none,
    'not hidden: 400.0 ms of prefetch against 800.0 ms of windows, 200.0 ms exposed, collectives 50.0 ms longer; the link is the limit, 1.563x of none; hidden from 1,234,567 tokens, batch 38 on (now 32,760 tokens)',
  ],
  [
    'too large for the GPU, whatever else',
    { ...slow, boundBy: 'memory', gpuPeakBytes: 93.25 * 2 ** 30 },
    none,
    'does not fit: needs 93.3 GiB of GPU memory, 1.563x of none',
  ],
  [
    'more pinned than the host has for a rank',
    { ...hidden, boundBy: 'host-memory', hostPinnedBytes: 52.4 * 2 ** 30 },
    none,
    'does not fit: each rank pins 52.4 GiB of host memory, of which its share is 32.0 GiB, 1.250x of none',
  ],
  [
    'break-even points below any size',
    { ...hidden, breakEven: { tokens: 767.4, frames: 0.7, batch: 0.049 } },
    undefined,
    'hidden: 400.0 ms of prefetch fits 800.0 ms of windows; hidden from 767 tokens, 1 frame on (now 32,760 tokens)',
  ],
];
for (const [what, report, baseline, sentence] of SENTENCES) {
  test(what, () => assert.is(verdict(report, baseline, workload, system), sentence));
}

test('two costs too small to name, but more than 1 % of a short step together, leave a whole sentence', () => {
  const short = {
    ...hidden,
    stepTimeS: 5e-3,
    exposedPrefetchS: 40e-6,
    collectiveInflationS: 40e-6,
    boundBy: 'link' as const,
  };
  const sentence = verdict(short, undefined, workload, system);
  assert.match(sentence, /^not hidden: .*; the link is the limit$/);
  assert.not.match(sentence, /, ;|,\s*,/);
});

test('a step is bound by memory that it has too little of, the GPU before the host', () => {
  const machine = loadSystem('h100-pcie-x2');
  const plan = makePlan('layerwise', workload, machine);
  const { hostPinnedBytes, gpuPeakBytes } = reportOf(workload, machine, plan, hidden, 1);
  const boundWith = (hostBytes: number, gpuBytes: number) =>
    reportOf(
      workload,
      {
        ...machine,
        host: { ...machine.host, memoryBytes: hostBytes },
        gpu: { ...machine.gpu, memoryBytes: gpuBytes },
      },
      plan,
      hidden,
      1,
    ).boundBy;
  const ranks = workload.ranks;
  assert.is(boundWith(ranks * hostPinnedBytes, gpuPeakBytes), 'compute');
  assert.is(boundWith(ranks * hostPinnedBytes - 1, gpuPeakBytes), 'host-memory');
  assert.is(boundWith(ranks * hostPinnedBytes - 1, gpuPeakBytes - 1), 'memory');
});

const BOUND: [what: string, times: Partial<StepTimes>, by: BoundBy][] = [
  ['compute that takes longer', { computeS: 0.6, collectiveS: 0.4 }, 'compute'],
  ['collectives that take longer', { computeS: 0.4, collectiveS: 0.6 }, 'collectives'],
  ['a link that is full', { computeS: 0.4, collectiveS: 0.3, exposedPrefetchS: 0.3, prefetchS: 0.7 }, 'link'],
  [
    'a link that idles while prefetch is waited for',
    { computeS: 0.4, collectiveS: 0.3, exposedPrefetchS: 0.3, prefetchS: 0.4 },
    'yield',
  ],
];
for (const [what, times, by] of BOUND) {
  test(`a step is bound by ${what}`, () => {
    const system = loadSystem('h100-pcie-x2');
    const own = { ...hidden, stepTimeS: 1, ...times };
    assert.is(reportOf(workload, system, makePlan('none', workload, system), own, 1).boundBy, by);
  });
}

test.run();

import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { loadDit } from '../../model/dit/load.ts';
import { makePlan } from '../../model/presets/presets.ts';
import type { Timeline } from '../../model/program/timeline.ts';
import { loadSystem } from '../../model/system/load.ts';
import type { System, TreeNode } from '../../model/system/system.ts';
import { bindWorkload } from '../../model/workload/bind.ts';
import type { BlockKind, Workload } from '../../model/workload/workload.ts';
import { simulate } from '../../sim/simulate.ts';
import { NCCL_FLOW } from '../support/flows.ts';
import { hostMemory } from '../support/hostMemory.ts';

/**
 * Timelines small enough to work out with pencil and paper, on a machine of round numbers: copies at 8 GB/s, or
 * 4 GB/s from pageable memory; collectives at 4 GB/s; no latency, start-up or gap. A GB takes 1/8 s, so that every
 * time is an exact binary fraction and the comparison needs no tolerance.
 *
 * One GPU and a mirrored peer; two blocks of one second of compute, or of half a second, a collective of 1 GB (1/4 s
 * alone) and half a second.
 */
const GB = 1e9;
const base = loadSystem('h200-x1');
const dit = loadDit('dit-xl-2');

const node = (id: string, parent: string | null, gigabytes: number): TreeNode => ({
  id,
  parent,
  downBytesPerS: gigabytes * GB,
  upBytesPerS: gigabytes * GB,
  duplexBytesPerS: Number.POSITIVE_INFINITY,
  memory: null,
});
const rate = { bytesPerS: 4 * GB, besideH2d: { collective: 0.5, h2d: 0.5, gapS: null } };
const system: System = {
  ...base,
  gpu: {
    ...base.gpu,
    memoryBytes: 100 * GB,
    peakFlops: 1e12,
    hbmBytesPerS: 1e12,
    efficiency: { gemm: 1, attention: 1, elementwise: 1 },
    launchFloorS: 0,
    copyEngine: {
      h2dBytesPerS: 8 * GB,
      d2hBytesPerS: 8 * GB,
      startUpS: 0,
      gapS: 0,
      turnS: 1,
      paceOverheadS: 0,
    },
    power: null,
  },
  tree: [{ ...node('memory', null, 1), memory: hostMemory(1000 * GB) }, node('gpu0', 'memory', 8)],
  transports: [
    {
      kind: 'flow',
      name: 'flow',
      path: 'host',
      latencyS: 0,
      fill: null,
      ...NCCL_FLOW,
      collectives: { 'all-to-all': rate, 'all-gather': rate, 'all-reduce': rate },
    },
  ],
  defaultTransport: 'flow',
  host: { ...base.host, pageableBytesPerS: 4 * GB },
};

const compute = (name: string, seconds: number) =>
  ({ kind: 'compute', name, class: 'gemm', flops: seconds * 1e12, bytes: 0, kernels: 1 }) as const;
const collective = {
  kind: 'collective',
  name: 'exchange',
  collective: 'all-to-all',
  sentBytes: GB,
  bufferBytes: 0,
} as const;

function workload(gigabytes: number, segments: BlockKind['segments'], ranks = 1): Workload {
  const block: BlockKind = { name: 'block', weightBytes: gigabytes * GB, segments };
  return {
    ...bindWorkload(dit, { size: dit.referenceSize }),
    passes: 1,
    ranks,
    blocks: [block, block],
  };
}
const whole = [compute('work', 1)];
const split = [compute('first', 0.5), collective, compute('second', 0.5)];

/** Track, name, start and end in eighths of a second, in the order of tracks and times. */
type Row = [track: string, name: string, start: number, end: number];

function rows({ intervals }: Timeline): Row[] {
  return intervals.map(({ track, name, startS, endS }): Row => [track, name, startS * 8, endS * 8]);
}

/** Consecutive chunks of one eighth of a second each. */
const eighths = (name: string, from: number, count: number): Row[] =>
  Array.from({ length: count }, (_, chunk) => ['h2d', name, from + chunk, from + chunk + 1]);

interface Golden {
  what: string;
  plan: string;
  workload: Workload;
  stepEighths: number;
  expected: Row[];
  exposedEighths?: number;
  inflationEighths?: number;
}

const CASES: Golden[] = [
  {
    what: 'none: two seconds of compute and nothing else',
    plan: 'none',
    workload: workload(4, whole),
    stepEighths: 16,
    expected: [
      ['compute', 'block 0 work', 0, 8],
      ['compute', 'block 1 work', 8, 16],
    ],
  },
  {
    // 4 GB take half of the second that the block before computes.
    what: 'chunked, hidden: each block in 4 chunks under the first half of the block before',
    plan: 'chunked,chunk=1GB',
    workload: workload(4, whole),
    stepEighths: 16,
    expected: [
      ['compute', 'block 0 work', 0, 8],
      ['compute', 'block 1 work', 8, 16],
      ...eighths('prefetch block 1', 0, 4),
      ...eighths('prefetch block 0', 8, 4),
    ],
  },
  {
    // 12 GB take 1.5 s, half a second more than a block computes. Block 0 starts when its copy, begun under block 1 of the
    // step before, has landed: at 1/2 s. With it begins the copy of block 1, until 2 s; block 0 is done at 1.5 s.
    what: 'chunked, exposed: half a second of each copy is waited for',
    plan: 'chunked,chunk=1GB',
    workload: workload(12, whole),
    stepEighths: 24,
    exposedEighths: 8,
    expected: [
      ['compute', 'block 0 work', 4, 12],
      ['compute', 'block 1 work', 16, 24],
      ...eighths('prefetch block 0', 0, 4),
      ...eighths('prefetch block 1', 4, 12),
      ...eighths('prefetch block 0', 16, 8),
      ['waits', 'block 0 start: waits for weights', 0, 4],
      ['waits', 'block 1 start: waits for weights', 12, 16],
    ],
  },
  {
    // 4 GB at 4 GB/s: a second of copying, then a second of compute, twice.
    what: 'sequential: copy, compute, copy, compute',
    plan: 'sequential',
    workload: workload(4, whole),
    stepEighths: 32,
    exposedEighths: 16,
    expected: [
      ['compute', 'block 0 work', 8, 16],
      ['compute', 'block 1 work', 24, 32],
      ['h2d', 'prefetch block 0', 0, 8],
      ['h2d', 'prefetch block 1', 16, 24],
      ['waits', 'block 0 start: waits for weights', 0, 8],
      ['waits', 'block 1 start: waits for weights', 16, 24],
    ],
  },
  {
    // 6 GB take 3/4 s. The collective is due after half a second and waits a quarter for the copy; then it has the link
    // to itself. A block: 1/2 + 1/4 of waiting + 1/4 + 1/2 = 1.5 s.
    what: 'layerwise-drain: each collective waits until the copy has landed',
    plan: 'layerwise-drain',
    workload: workload(6, split, 2),
    stepEighths: 24,
    exposedEighths: 4,
    expected: [
      ['collective', 'block 0 exchange', 6, 8],
      ['collective', 'block 1 exchange', 18, 20],
      ['compute', 'block 0 first', 0, 4],
      ['compute', 'block 0 second', 8, 12],
      ['compute', 'block 1 first', 12, 16],
      ['compute', 'block 1 second', 20, 24],
      ['h2d', 'prefetch block 1', 0, 6],
      ['h2d', 'prefetch block 0', 12, 18],
      ['waits', 'block 0 exchange: waits for weights', 4, 6],
      ['waits', 'block 1 exchange: waits for weights', 16, 18],
    ],
  },
  {
    // The same block without draining: of 6 chunks 4 are there when the collective starts. Both then go at half speed: the
    // last two chunks take 1/4 s each, and so does each half GB of the collective; both end after half a second.
    what: 'chunked beside a collective: both at half speed while both are there',
    plan: 'chunked,chunk=1GB',
    workload: workload(6, split, 2),
    stepEighths: 24,
    inflationEighths: 4,
    expected: [
      ['collective', 'block 0 exchange', 4, 8],
      ['collective', 'block 1 exchange', 16, 20],
      ['compute', 'block 0 first', 0, 4],
      ['compute', 'block 0 second', 8, 12],
      ['compute', 'block 1 first', 12, 16],
      ['compute', 'block 1 second', 20, 24],
      ...eighths('prefetch block 1', 0, 4),
      ['h2d', 'prefetch block 1', 4, 6],
      ['h2d', 'prefetch block 1', 6, 8],
      ...eighths('prefetch block 0', 12, 4),
      ['h2d', 'prefetch block 0', 16, 18],
      ['h2d', 'prefetch block 0', 18, 20],
    ],
  },
  {
    // The windows are equal: 3 chunks go with the block's start, 3 wait on the device for the collective to end.
    what: 'yield: half of the chunks in each window, none beside the collective',
    plan: 'yield,chunk=1GB',
    workload: workload(6, split, 2),
    stepEighths: 20,
    expected: [
      ['collective', 'block 0 exchange', 4, 6],
      ['collective', 'block 1 exchange', 14, 16],
      ['compute', 'block 0 first', 0, 4],
      ['compute', 'block 0 second', 6, 10],
      ['compute', 'block 1 first', 10, 14],
      ['compute', 'block 1 second', 16, 20],
      ...eighths('prefetch block 1', 0, 3),
      ...eighths('prefetch block 1', 6, 3),
      ...eighths('prefetch block 0', 10, 3),
      ...eighths('prefetch block 0', 16, 3),
    ],
  },
];

const test = suite('timelines worked out by hand');

for (const { what, plan: text, workload: given, stepEighths, expected, ...costs } of CASES) {
  const run = () =>
    simulate(given, system, makePlan(text, given, system), { timeline: true, breakEven: false });

  test(what, () => {
    const { timeline, steady } = run();
    assert.ok(steady);
    assert.is(timeline!.stepTimeS * 8, stepEighths);
    assert.equal(rows(timeline!), expected);
  });

  test(`${text}: the report says the same`, () => {
    const { report } = run();
    assert.is(report.stepTimeS * 8, stepEighths);
    // Two blocks of one second.
    assert.is(report.computeS, 2);
    assert.is(report.exposedPrefetchS * 8, costs.exposedEighths ?? 0);
    assert.is(report.collectiveInflationS * 8, costs.inflationEighths ?? 0);
    assert.is(report.stepTimeS, report.computeS + report.collectiveS + report.exposedPrefetchS);
  });
}

test('chunks carry their bytes, the last one of a block what is left', () => {
  // 4.5 GB in chunks of 1 GB: four whole ones and a half.
  const given = workload(4.5, whole);
  const { timeline } = simulate(given, system, makePlan('chunked,chunk=1GB', given, system), {
    timeline: true,
    breakEven: false,
  });
  const chunks = timeline!.intervals.filter(({ name }) => name === 'prefetch block 1');
  assert.equal(
    chunks.map(({ startS, endS, bytes }) => [startS * 8, endS * 8, bytes / GB]),
    [
      [0, 1, 1],
      [1, 2, 1],
      [2, 3, 1],
      [3, 4, 1],
      [4, 4.5, 0.5],
    ],
  );
});

test.run();

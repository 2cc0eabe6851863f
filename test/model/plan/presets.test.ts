import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { catalogueIds, loadDit } from '../../../model/dit/load.ts';
import { packageRoot } from '../../../model/input/packageFiles.ts';
import { UserError } from '../../../model/input/userError.ts';
import type { Plan } from '../../../model/plan/plan.ts';
import { makerOf } from '../../../model/plan/recipe.ts';
import { makePlan, presetHelp, presetPlan } from '../../../model/presets/presets.ts';
import { loadSystem } from '../../../model/system/load.ts';
import { bindWorkload } from '../../../model/workload/bind.ts';
import type { BlockKind, Workload } from '../../../model/workload/workload.ts';

const MiB = 2 ** 20;
const system = loadSystem('h100-pcie-x2');
const dit = loadDit('dit-xl-2');
const anyWorkload = bindWorkload(dit, { size: dit.referenceSize });
const sum = (values: readonly number[]) => values.reduce((total, value) => total + value, 0);

/** One block of 100 MiB after another, each 2 ms of compute, an all-to-all, and 1 ms of compute. */
function workload(blocks: number, weightBytes = 100 * MiB): Workload {
  const compute = (name: string, seconds: number) => ({
    kind: 'compute' as const,
    name,
    class: 'gemm' as const,
    flops: seconds * system.gpu.efficiency.gemm * system.gpu.peakFlops,
    bytes: 0,
    kernels: 1,
  });
  const kind: BlockKind = {
    name: 'block',
    weightBytes,
    segments: [
      compute('before', 2e-3),
      {
        kind: 'collective',
        name: 'all-to-all',
        collective: 'all-to-all',
        sentBytes: 8 * MiB,
        bufferBytes: 0,
      },
      compute('after', 1e-3),
    ],
  };
  return { ...anyWorkload, ranks: 2, blocks: Array<BlockKind>(blocks).fill(kind) };
}

const ten = workload(10);
const plan = (text: string, of: Workload = ten) => makePlan(text, of, system);
const streamedBytes = ({ blocks }: Plan) => blocks.map(({ windowBytes }) => sum(windowBytes));

const decisions = suite('what presets decide');

const SLOTS: [text: string, slots: number][] = [
  ['none', 0],
  ['sequential', 1],
  // SGLang: the burst that runs and the one that is being copied; with one ahead, two blocks.
  ['layerwise', 2],
  ['layerwise,prefetch=2', 4],
  ['layerwise,prefetch=5', 10],
  ['layerwise,resident-layers=9', 1],
  // The block that runs and those ahead of it.
  ['layerwise-strided', 2],
  ['layerwise-strided,prefetch=3', 4],
  ['layerwise-strided,prefetch=3,resident-layers=5', 4],
  ['chunked', 2],
  ['chunked,prefetch=3', 4],
  ['chunked,slots=3', 3],
  ['yield', 2],
  ['paced', 2],
  ['chunked,resident=1', 0],
  ['chunked,resident-layers=10', 0],
];
for (const [text, slots] of SLOTS)
  test(`${text} takes ${slots} slots`, () => assert.is(plan(text).slots, slots));

function test(name: string, run: () => void): void {
  decisions(name, run);
}

const ISSUED: [text: string, issueAt: number[]][] = [
  ['layerwise', [-1, 0, 1, 2, 3, 4, 5, 6, 7, 8]],
  ['layerwise,prefetch=2', [-2, -2, 0, 0, 2, 2, 4, 4, 6, 6]],
  // Blocks 0 to 5 stay, at their own place; the head of the stream is issued at the start of the pass.
  ['layerwise,resident-layers=6', [0, 1, 2, 3, 4, 5, 0, 6, 7, 8]],
  ['layerwise,resident-layers=0.6', [0, 1, 2, 3, 4, 5, 0, 6, 7, 8]],
  // Streamed are 0, 2, 5 and 7 (floor of i x 10/4).
  ['layerwise-strided,resident-layers=6', [-3, 1, 0, 3, 4, 2, 6, 5, 8, 9]],
  ['chunked,slots=3', [-2, -1, 0, 1, 2, 3, 4, 5, 6, 7]],
  ['sequential', [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]],
];
for (const [text, issueAt] of ISSUED) {
  test(`${text} issues each block here`, () =>
    assert.equal(
      plan(text).blocks.map((block) => block.issueAt),
      issueAt,
    ));
}

const RULES: [preset: string, expected: Partial<Plan>][] = [
  ['none', { yieldRule: 'none', sequential: false }],
  ['sequential', { yieldRule: 'none', sequential: true, drainAtPassStart: false }],
  ['layerwise', { yieldRule: 'none', drainAtPassStart: true, chunkBytes: Number.POSITIVE_INFINITY }],
  ['layerwise-strided', { yieldRule: 'none', drainAtPassStart: true }],
  ['layerwise-drain', { yieldRule: 'drain', drainAtPassStart: true }],
  ['chunked', { yieldRule: 'none', chunkBytes: 16 * MiB, drainAtPassStart: false, paceS: 0 }],
  ['chunkflow-paper', { yieldRule: 'launch-window', chunkBytes: 16e6 }],
  ['yield', { yieldRule: 'wait', chunkBytes: 16 * MiB, stagedInCopyStream: false }],
  [
    'yield,transport=staged-copy',
    { transport: 'staged-copy', pieceBytes: 4 * MiB, stagedInCopyStream: true },
  ],
  ['chunked,transport=staged-copy', { transport: 'staged-copy', stagedInCopyStream: false }],
  ['chunked,transport=staged-copy,piece=1MiB', { pieceBytes: MiB }],
  ['chunked,pace=40us', { paceS: 40e-6 }],
  ['paced,pace=0us', { paceS: 0 }],
];
for (const [text, expected] of RULES) {
  test(`${text}: ${JSON.stringify(expected)}`, () => {
    const made = plan(text);
    for (const [key, value] of Object.entries(expected)) {
      const got = made[key as keyof Plan];
      assert.ok(typeof value === 'number' ? near(got as number, value) : got === value, `${key} is ${got}`);
    }
    assert.is(made.name, text);
  });
}

function near(value: number, expected: number): boolean {
  return value === expected || Math.abs(value - expected) <= 1e-9 * Math.abs(expected);
}

test('docs/plans.md has every preset, in their order', () => {
  const page = readFileSync(join(packageRoot, 'docs', 'plans.md'), 'utf8');
  const [table] = page.split('| Setting |');
  assert.equal(
    [...table!.matchAll(/^\| `([^`]+)`/gm)].map(([, name]) => name),
    presetHelp.map(({ name }) => name),
  );
});

test('every preset of the help is made, under its own name', () => {
  for (const { name, summary } of presetHelp) {
    assert.is(makerOf(plan(name).recipe), name);
    assert.ok(summary.length > 20);
  }
});

test('yield deals chunks by the length of the windows of the block that runs meanwhile', () => {
  // 100 MiB in 16 MiB are 7 chunks, the last of 4 MiB; windows of 2 and 1 ms: 4.67 and 2.33, so 5 and 2.
  assert.equal(plan('yield').blocks[3]!.windowBytes, [80 * MiB, 20 * MiB]);
  // 7 x 0.3 = 2.1, 7 x 0.7 = 4.9: 2 and 5.
  assert.equal(plan('yield,windows=0.3').blocks[3]!.windowBytes, [32 * MiB, 68 * MiB]);
  // The others issue all at once.
  assert.equal(plan('chunked').blocks[3]!.windowBytes, [100 * MiB]);
});

test('resident keeps whole chunks at the front, as near to the fraction as chunks allow', () => {
  // Of 7 chunks: 0.25 x 7 = 1.75, so 2; 0.5 x 7 = 3.5, so 4; 0.9 x 7 = 6.3, so 6; 0.05 x 7 = 0.35, so none.
  const RESIDENT: [fraction: number, chunks: number][] = [
    [0, 0],
    [0.05, 0],
    [0.25, 2],
    [0.5, 4],
    [0.9, 6],
  ];
  for (const [fraction, chunks] of RESIDENT) {
    const { blocks } = plan(`chunked,resident=${fraction}`);
    for (const block of blocks) assert.is(block.residentBytes, chunks * 16 * MiB, `${fraction}`);
  }
  // Without chunks the fraction is of the bytes, in pages of 2 MiB.
  assert.is(plan('layerwise,resident=0.25').blocks[0]!.residentBytes, 26 * MiB);
});

test('paced spreads the copies of a step over its compute', () => {
  // A block computes 3 ms and streams 25 chunks of 4 MiB. At 30.5 GB/s, both GPUs loading, those take 100 MiB / 30.5e9 =
  // 3.438 ms, more than there is; at half of them resident (12 of 25 stay, 13 are copied), 52 MiB take 1.788 ms.
  assert.is(plan('paced').paceS, 0);
  // Between chunks 2.5 us of gap and 6 us of overhead: (3 ms - 1.788 ms - 13 x 8.5 us) / 13 = 84.7 us.
  const copyS = (52 * MiB) / 30.5e9 + 13 * 8.5e-6;
  // 0.48 x 25 = 12 chunks.
  assert.ok(near(plan('paced,resident=0.48').paceS, (3e-3 - copyS) / 13));
});

test("the transport is the machine's own unless the plan, or else the caller, names one", () => {
  assert.is(plan('chunked').transport, 'shm');
  assert.is(makePlan('chunked', ten, system, 'staged-copy').transport, 'staged-copy');
  assert.is(makePlan('chunked,transport=shm', ten, system, 'staged-copy').transport, 'shm');
  assert.is(plan('chunked', { ...ten, ranks: 1 }).transport, 'none');
});

const REFUSED: [text: string, message: RegExp][] = [
  ['layer-wise', /^--plan "layer-wise": is no preset; expected one of none, sequential, layerwise, /],
  ['', /^--plan "": is no preset/],
  ['constructor', /is no preset/],
  [
    'layerwise,resident-layers=11',
    /^resident-layers=11: DiT-XL\/2 has 10 blocks|resident-layers=11.*has 10 blocks/,
  ],
  ['chunked,slots=1', /slots=1: .*give at least 2/],
  ['chunked,prefetch=3,slots=3', /slots=3: .*give at least 4/],
  ['layerwise,prefetch=10', /a buffer that is still in use; give prefetch=9$/],
  [
    'chunked,transport=nvlink',
    /"nvlink" is not one of 2x H100 PCIe on one host root; it has shm, staged-copy/,
  ],
];
for (const [text, message] of REFUSED) {
  test(`${JSON.stringify(text)} is refused`, () => assert.throws(() => plan(text), message));
}

decisions.run();

const conserved = suite('bytes of a plan');

/** Blocks fetched too far ahead for their buffers are refused; such a draw says nothing about bytes. */
function unlessTooFarAhead(make: () => Plan): Plan {
  try {
    return make();
  } catch (error) {
    fc.pre(!(error instanceof UserError && /still in use/.test(error.message)));
    throw error;
  }
}

const keys = fc
  .record({
    preset: fc.constantFrom(...presetHelp.map(({ name }) => name)),
    chunk: fc.option(fc.integer({ min: 1, max: 300 }), { nil: null }),
    prefetch: fc.option(fc.integer({ min: 1, max: 12 }), { nil: null }),
    resident: fc.option(fc.integer({ min: 0, max: 100 }), { nil: null }),
    layers: fc.option(fc.integer({ min: 0, max: 10 }), { nil: null }),
    windows: fc.option(fc.integer({ min: 0, max: 10 }), { nil: null }),
  })
  .map(({ preset, chunk, prefetch, resident, layers, windows }) =>
    [
      preset,
      ...(chunk === null ? [] : [`chunk=${chunk}MiB`]),
      ...(prefetch === null ? [] : [`prefetch=${prefetch}`]),
      ...(resident === null ? [] : [`resident=${resident / 100}`]),
      ...(layers === null ? [] : [`resident-layers=${layers}`]),
      ...(windows === null ? [] : [`windows=${windows / 10}`]),
    ].join(','),
  );

conserved(
  'every block is resident or streamed, to the byte; what stays is whole chunks from the front',
  () => {
    fc.assert(
      fc.property(keys, fc.integer({ min: 1, max: 3e8 }), (text, weightBytes) => {
        const made = unlessTooFarAhead(() => presetPlan(text, workload(10, weightBytes), system));
        for (const block of made.blocks) {
          const streamed = sum(block.windowBytes);
          assert.is(block.residentBytes + streamed, weightBytes);
          assert.ok(block.residentBytes >= 0 && block.windowBytes.every((bytes) => bytes >= 0));
          if (Number.isFinite(made.chunkBytes) && streamed > 0) assert.is(block.residentBytes % (2 * MiB), 0);
        }
        const streaming = streamedBytes(made).filter((bytes) => bytes > 0).length;
        assert.ok(
          made.slots <= Math.max(1, streaming) || streaming === 0,
          `${made.slots} slots for ${streaming} blocks`,
        );
        assert.is(
          made.slots === 0,
          made.blocks.every(({ windowBytes }) => windowBytes.length === 0),
        );
      }),
      { numRuns: 400 },
    );
  },
);

const PRESET_TEXTS = [
  ...presetHelp.map(({ name }) => name),
  'yield,resident=0.3',
  'layerwise,resident-layers=0.4',
];
for (const id of catalogueIds()) {
  conserved(`${id}: every preset streams what does not stay, and none streams nothing`, () => {
    const model = loadDit(id);
    const bound = bindWorkload(model, { size: model.referenceSize, sp: 2 });
    for (const text of PRESET_TEXTS) {
      const made = plan(text, bound);
      const total = sum(bound.blocks.map(({ weightBytes }) => weightBytes));
      const resident = sum(made.blocks.map(({ residentBytes }) => residentBytes));
      assert.is(sum(streamedBytes(made)), total - resident, text);
      if (text === 'none') assert.is(resident, total);
      else if (!text.includes('resident')) assert.is(resident, 0, text);
      else assert.ok(resident > 0 && resident < total, text);
    }
  });
}

conserved.run();

import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { catalogueIds, loadDit } from '../../../model/dit/load.ts';
import { parseSize, rowsOf } from '../../../model/dit/tokens.ts';
import { UserError } from '../../../model/input/userError.ts';
import { bindWorkload, type WorkloadOptions } from '../../../model/workload/bind.ts';
import { isExchanged } from '../../../model/workload/ring.ts';
import {
  type BlockKind,
  type BoundWorkload,
  computeIn,
  type OverlappedSegment,
} from '../../../model/workload/workload.ts';

const test = suite('ring attention in a workload');

const models = new Map(catalogueIds().map((id) => [id, loadDit(id)]));
const bind = (id: string, options: Partial<WorkloadOptions> = {}): BoundWorkload => {
  const dit = models.get(id)!;
  return bindWorkload(dit, { size: dit.referenceSize, cfg: 'none', ...options });
};
const sum = <T>(items: readonly T[], value: (item: T) => number) =>
  items.reduce((total, item) => total + value(item), 0);
const near = (value: number, expected: number, what: string) =>
  assert.ok(
    Math.abs(value - expected) <= 1e-9 * Math.abs(expected),
    `${what}: expected ${expected}, got ${value}`,
  );
const overlappedIn = ({ segments }: BlockKind) =>
  segments.filter((segment): segment is OverlappedSegment => segment.kind === 'overlapped');
const attentionFlops = ({ segments }: BlockKind) =>
  sum(segments.flatMap(computeIn), ({ class: of, flops }) => (of === 'attention' ? flops : 0));
const gemmFlops = ({ segments }: BlockKind) =>
  sum(segments.flatMap(computeIn), ({ class: of, flops }) => (of === 'gemm' ? flops : 0));

/** A layout of each: ring alone, with Ulysses, with tensor parallelism, with both. */
const LAYOUTS = [
  { sp: 1, ring: 2, tp: 1 },
  { sp: 1, ring: 3, tp: 1 },
  { sp: 2, ring: 2, tp: 1 },
  { sp: 1, ring: 4, tp: 2 },
  { sp: 2, ring: 2, tp: 2 },
];

for (const id of catalogueIds()) {
  const dit = models.get(id)!;
  for (const { sp, ring, tp } of LAYOUTS) {
    if (dit.heads % (sp * tp) !== 0) continue;
    test(`${id}, SP ${sp} x ring ${ring} x TP ${tp}: every K and V goes past every other rank of its ring once`, () => {
      const workload = bind(id, { sp, ring, tp });
      assert.is(workload.ranks, sp * ring * tp);
      const rows = rowsOf(dit, dit.referenceSize);
      let index = 0;
      for (const kind of dit.blocks) {
        const block = workload.blocks[index]!;
        index += kind.count;
        const exchanged = kind.segments.filter(
          (segment) => segment.kind === 'attention' && isExchanged(kind, segment),
        );
        const sent = workload.ranks * sum(overlappedIn(block), ({ collective }) => collective.sentBytes);
        // K and V of 2 bytes an element, all rows and heads.
        const bytes = sum(exchanged, (segment) =>
          segment.kind === 'attention' ? 2 * 2 * rows[segment.kv] * segment.width : 0,
        );
        assert.is(overlappedIn(block).length, exchanged.length * (ring - 1));
        if (bytes > 0) near(sent, (ring - 1) * bytes, `${kind.name} sent`);
      }
    });

    test(`${id}, SP ${sp} x ring ${ring} x TP ${tp}: no work is lost or done twice`, () => {
      const alone = bind(id);
      const divided = bind(id, { sp, ring, tp });
      // Rows are sharded as over so many ranks of any other kind.
      const sharded = bind(id, { sp: sp * ring, tp, exchange: 'kv-gather' });
      for (const [at, block] of divided.blocks.entries()) {
        near(divided.ranks * attentionFlops(block), attentionFlops(alone.blocks[at]!), 'attention FLOPs');
        near(gemmFlops(block), gemmFlops(sharded.blocks[at]!), 'matrix FLOPs');
      }
    });
  }
}

test('a ring of one is Ulysses, to the last field', () => {
  for (const id of ['wan2.1-t2v-14b', 'flux.1-dev', 'hunyuanvideo-13b'])
    for (const sp of [1, 2, 4]) assert.equal(bind(id, { sp, ring: 1 }), bind(id, { sp }));
});

test('parts attend their own rows to one block of keys, and the last one runs without a send', () => {
  const workload = bind('wan2.1-t2v-14b', { sp: 2, ring: 4 });
  const { segments } = workload.blocks[0]!;
  const parts = segments.flatMap(computeIn).filter(({ name }) => /^self-attention part/.test(name));
  assert.equal(
    parts.map(({ name }) => name),
    [1, 2, 3, 4].map((part) => `self-attention part ${part}`),
  );
  for (const { attention } of parts)
    assert.equal(attention, { queryRows: 75_600 / 4, keyRows: 75_600 / 4, heads: 20 });
  assert.is(segments.find(({ name }) => name === 'self-attention part 4')!.kind, 'compute');
  // Text is on every rank: cross-attention divides its queries over all of them.
  const cross = segments.flatMap(computeIn).find(({ name }) => name === 'cross-attention')!;
  assert.equal(cross.attention, { queryRows: 75_600 / 8, keyRows: 512, heads: 40 });
});

test('Ulysses within a group exchanges a ring-th of what it would over all rows', () => {
  const volume = (options: Partial<WorkloadOptions>) =>
    sum(bind('wan2.1-t2v-14b', options).blocks[0]!.segments, (segment) =>
      segment.kind === 'collective' ? segment.sentBytes : 0,
    );
  near(volume({ sp: 2, ring: 4 }), volume({ sp: 2 }) / 4, 'all-to-alls');
  assert.is(volume({ sp: 1, ring: 4 }), 0);
});

test('K/V buffers and the float32 accumulator are counted', () => {
  const block = 2 * (75_600 / 4) * 5120 * 2;
  const two = bind('wan2.1-t2v-14b', { ring: 2 });
  const four = bind('wan2.1-t2v-14b', { ring: 4 });
  const ulysses = bind('wan2.1-t2v-14b', { sp: 4 });
  assert.is(two.collectiveBufferBytes, 2 * block);
  assert.is(four.collectiveBufferBytes, 2 * block);
  near(four.activationBytes - ulysses.activationBytes, (75_600 / 4) * 5120 * 4, 'accumulator');
  const both = bind('wan2.1-t2v-14b', { sp: 2, ring: 2 });
  near(both.collectiveBufferBytes, 2 * ((3 * 75_600 * 5120 * 2) / 4) + block, 'exchange and ring');
});

const BAD: [what: string, id: string, options: Partial<WorkloadOptions>, says: RegExp][] = [
  ['kv-gather', 'wan2.1-t2v-14b', { ring: 2, exchange: 'kv-gather' }, /--ring 2 --exchange kv-gather/],
  ['cross', 'wan2.1-t2v-14b', { ring: 2, exchange: 'separate-cross' }, /give --exchange packed or separate/],
  ['zero', 'flux.1-dev', { ring: 0 }, /--ring: expected a whole number of at least 1, got 0/],
  ['heads', 'wan2.1-t2v-14b', { sp: 3, ring: 2 }, /--sp 3: does not divide the 40 heads/],
  [
    'heads and TP',
    'wan2.1-t2v-14b',
    { sp: 3, tp: 2, ring: 2 },
    /SP x TP must be one of 2, 4, 8, 10, 20, 40$/,
  ],
];
for (const [what, id, options, says] of BAD) {
  test(`refused in a line: ${what}`, () => {
    assert.throws(
      () => bind(id, options),
      (error: unknown) => error instanceof UserError && says.test(error.message),
    );
  });
}

test('a ring degree need not divide the heads', () => {
  assert.is(bind('wan2.1-t2v-1.3b', { sp: 2, ring: 5, size: parseSize('832x480x81') }).ranks, 10);
});

test.run();

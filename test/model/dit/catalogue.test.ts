import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { catalogueIds, loadCatalogue } from '../../../model/dit/catalogue.ts';
import { bytesOf, tensorsOfBlock } from '../../../model/dit/derive.ts';
import type { DitBlockKind, Rows, WeightTensor } from '../../../model/dit/dit.ts';
import { formatSize, parseSize, rowsOf } from '../../../model/dit/tokens.ts';

/** What published configurations and model classes give, derived from them without this project. */
interface Published {
  totalParameters: number;
  outsideParameters: number;
  outsideTensors: number;
  outsideSha256: string;
  rows: Partial<Record<Rows, number>>;
  tokens: Record<string, number>;
  blocks: {
    kind: string;
    count: number;
    parameters: number;
    bytes: number;
    tensors: number;
    sha256: string;
    gemmFlops: Partial<Record<Rows, number>>;
    attentionFlops: number[];
    totalFlops: number;
    sentBytes: Record<string, number>;
  }[];
}

const published: Record<string, Published> = JSON.parse(
  readFileSync(new URL('published.json', import.meta.url), 'utf8'),
);

/** Names and shapes of some tensors in one short text. */
function fingerprint(tensors: readonly WeightTensor[]): string {
  const lines = tensors.map(({ name, shape }) => `${name}:${shape.join(',')}`).sort();
  return createHash('sha256').update(lines.join('\n')).digest('hex');
}

function gemmFlops(block: DitBlockKind, counts: Record<Rows, number>): Partial<Record<Rows, number>> {
  const flops: Partial<Record<Rows, number>> = {};
  for (const segment of block.segments) {
    if (segment.kind !== 'gemm') continue;
    for (const { rows, in: from, out: to } of segment.products) {
      flops[rows] = (flops[rows] ?? 0) + 2 * from * to * counts[rows];
    }
  }
  return flops;
}

/** 4 x q x kv x width for each attention, smallest first. */
function attentionFlops(block: DitBlockKind, counts: Record<Rows, number>): number[] {
  return block.segments
    .flatMap((s) => (s.kind === 'attention' ? [4 * counts[s.q] * counts[s.kv] * s.width] : []))
    .sort((a, b) => a - b);
}

/** Ulysses: each exchanged tensor is rows x width / P on a rank, and (P-1)/P of it leaves, at 2 bytes. */
function sentBytes(block: DitBlockKind, counts: Record<Rows, number>, ranks: number): number {
  let elements = 0;
  for (const s of block.segments) {
    if (s.kind !== 'exchange' || s.attention !== 'self') continue;
    elements += (s.direction === 'in' ? 3 : 1) * counts[s.rows] * s.width;
  }
  return (2 * elements * (ranks - 1)) / ranks ** 2;
}

const sum = (values: readonly number[]) => values.reduce((total, value) => total + value, 0);

const test = suite('catalogue against published numbers');

test('has every published model', () => {
  for (const id of Object.keys(published)) assert.ok(catalogueIds().includes(id), id);
});

for (const [id, expected] of Object.entries(published)) {
  test(id, () => {
    const { dit, outside } = loadCatalogue(id);
    assert.is(dit.id, id, 'the id is the name of the file');
    const parameters = sum(dit.blocks.map((block) => block.count * block.parameters)) + dit.outsideParameters;
    assert.is(parameters * dit.experts, expected.totalParameters, 'total parameters');
    assert.is(dit.outsideParameters * dit.experts, expected.outsideParameters, 'outside parameters');
    assert.is(outside.length, expected.outsideTensors, 'tensors outside');
    assert.is(fingerprint(outside), expected.outsideSha256, 'names and shapes outside');

    const rows = rowsOf(dit, dit.referenceSize);
    assert.equal(
      rows,
      { x: 0, t: 0, i: 0, a: 0, j: 0, c: 0, ...expected.rows },
      'rows at the reference size',
    );
    assert.ok(formatSize(dit.referenceSize) in expected.tokens, 'the reference size is a published one');
    for (const [size, tokens] of Object.entries(expected.tokens)) {
      assert.is(rowsOf(dit, parseSize(size)).x, tokens, `tokens of ${size}`);
    }

    assert.equal(
      dit.blocks.map(({ name, count }) => [name, count * dit.experts]),
      expected.blocks.map(({ kind, count }) => [kind, count]),
    );
    expected.blocks.forEach((kind, index) => {
      const block = dit.blocks[index]!;
      assert.is(block.parameters, kind.parameters, `${kind.kind}: parameters`);
      assert.is(bytesOf(tensorsOfBlock(block.segments)), kind.bytes, `${kind.kind}: bytes`);
      assert.is(tensorsOfBlock(block.segments).length, kind.tensors, `${kind.kind}: tensors`);
      assert.is(fingerprint(tensorsOfBlock(block.segments)), kind.sha256, `${kind.kind}: names and shapes`);
      const gemm = gemmFlops(block, rows);
      const attention = attentionFlops(block, rows);
      assert.equal(gemm, kind.gemmFlops, `${kind.kind}: GEMM FLOPs`);
      assert.equal(attention, kind.attentionFlops, `${kind.kind}: attention FLOPs`);
      assert.is(sum(Object.values(gemm)) + sum(attention), kind.totalFlops, `${kind.kind}: FLOPs`);
      for (const [ranks, bytes] of Object.entries(kind.sentBytes)) {
        assert.is(sentBytes(block, rows, Number(ranks)), bytes, `${kind.kind}: bytes sent at SP ${ranks}`);
      }
    });
  });
}

test.run();

const structure = suite('catalogue structure');

for (const id of catalogueIds()) {
  structure(`${id}: each attention that is exchanged has its exchange on both sides`, () => {
    for (const { segments } of loadCatalogue(id).dit.blocks) {
      segments.forEach((segment, index) => {
        if (segment.kind !== 'exchange') return;
        const [before, after] = [segments[index - 1], segments[index + 1]];
        const attention = segment.direction === 'in' ? after : before;
        assert.ok(attention?.kind === 'attention', `${segment.name} stands beside its attention`);
        assert.equal(
          [attention.q, attention.kv, attention.width],
          [segment.rows, segment.kvRows, segment.width],
        );
        const other = segments[segment.direction === 'in' ? index + 2 : index - 2];
        assert.ok(other?.kind === 'exchange' && other.direction !== segment.direction);
      });
    }
  });

  structure(`${id}: what a tensor-parallel rank sums is an output of that segment`, () => {
    for (const { segments } of loadCatalogue(id).dit.blocks) {
      for (const segment of segments) {
        if (segment.kind !== 'gemm') continue;
        for (const { rows, width } of segment.reduces) {
          assert.ok(segment.products.some((product) => product.rows === rows && product.out === width));
        }
      }
    }
  });

  structure(`${id}: modulation comes first, projections in before the attention, the rest behind`, () => {
    for (const { segments } of loadCatalogue(id).dit.blocks) {
      segments.forEach((segment, index) => {
        const conditions = segment.kind === 'gemm' && segment.products.some(({ rows }) => rows === 'c');
        if (conditions) assert.is(index, 0);
      });
      const self = segments.findIndex(({ kind }) => kind === 'attention');
      const qkv = segments.findIndex(({ name }) => /qkv/.test(name));
      const output = segments.findIndex(({ name }) => /output$/.test(name));
      assert.ok(qkv < self && self < output);
    }
  });
}

structure.run();

const reduces = suite('tensor-parallel sums per block');

/** [rows, width / hidden] of each sum, as SGLang makes them; the usual attention and MLP outputs elsewhere. */
const SUMS: [id: string, kind: number, sums: string][] = [
  ['wan2.1-t2v-14b', 0, 'x1 x1 x1'],
  ['flux.1-dev', 0, 'x1 t1 x1 t1'],
  ['flux.1-dev', 1, 'j1'],
  ['flux.2-dev', 0, 'x1 t1 x1 t1'],
  ['hunyuanvideo-13b', 0, 'x1 t1'],
  ['hunyuanvideo-13b', 1, ''],
  ['z-image-6b', 2, 'j1 j1'],
  ['ltx-2-19b', 0, 'x1 a0.5 x1 a0.5 x1 a0.5 x1 a0.5'],
  ['mochi-1-10b', 0, 'x1 t0.5 x1 t0.5'],
  ['step-video-t2v-30b', 0, 'x1 x1 x1'],
];

for (const [id, kind, sums] of SUMS) {
  reduces(`${id}, kind ${kind}`, () => {
    const { dit } = loadCatalogue(id);
    const found = dit.blocks[kind]!.segments.flatMap((s) => (s.kind === 'gemm' ? s.reduces : []));
    assert.is(found.map(({ rows, width }) => `${rows}${width / dit.hidden}`).join(' '), sums);
  });
}

reduces.run();

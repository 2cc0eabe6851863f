import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { catalogueIds, loadCatalogue } from '../../../model/dit/catalogue.ts';
import { derive } from '../../../model/dit/derive.ts';
import { SEGMENT_OPS } from '../../../model/dit/operations.ts';
import { UserError } from '../../../model/input/userError.ts';
import { parseYaml } from '../../../model/input/yamlFile.ts';

const head = (segments: string) => `id: small
name: Small
modality: image
dimensions: {heads: 2, d: 64*heads, r: 8}
hidden: d
text: {encoder: none, rows: 8}
vae: {temporal: 1, spatial: 8, channels: 4, frames: none}
patch: {t: 1, h: 2, w: 2}
guidance: {evaluations: 2, passes: 1}
referenceSize: 256x256
blocks:
  - name: block
    container: blocks
    count: 3
    segments:
      - ${segments}
outside: {patch.weight: [d, 4]}
sources: []
`;

const segmentOf = (text: string) => derive(parseYaml('small.yaml', head(text))).dit.blocks[0]!.segments[0]!;

const test = suite('ops of segments');

test('a modulation names its vectors in the order in which they are stored', () => {
  const segment = segmentOf(
    '{gemm: m, op: modulation, c: {a.weight: [r, d], b.weight: [4*d, r], b.bias: [4*d]}, modulation: ' +
      '[{by: b, through: a, of: condition, activation: silu, plus: timestep, makes: "{x,t}.mlp.{scale,shift}"}]}',
  );
  assert.ok(segment.kind === 'gemm');
  assert.equal(segment.modulation, [
    {
      by: 'b.weight',
      bias: 'b.bias',
      through: 'a.weight',
      of: 'condition',
      activation: 'silu',
      plusTimestep: true,
      chunks: [
        { rows: 'x', site: 'mlp', role: 'scale' },
        { rows: 'x', site: 'mlp', role: 'shift' },
        { rows: 't', site: 'mlp', role: 'scale' },
        { rows: 't', site: 'mlp', role: 'shift' },
      ],
    },
  ]);
});

test('norms of Q and K have their modules by rows', () => {
  const segment = segmentOf(
    '{elementwise: n, op: qk-norm, norm: {kind: layer, eps: 1e-5, over: head}, q: {x: nq}, k: {x: nk}, ' +
      'rope: {pairing: halves, over: head, rows: [x]}, touches: {x: d}, ' +
      'weights: {"n{q,k}.weight": [d/2], nq.bias: [d/2]}}',
  );
  assert.ok(segment.kind === 'elementwise');
  assert.equal(segment.facts, {
    norm: { kind: 'layer', eps: 1e-5, over: 'head', weight: null, bias: null },
    q: { x: { weight: 'nq.weight', bias: 'nq.bias' } },
    k: { x: { weight: 'nk.weight', bias: null } },
    rope: { pairing: 'halves', over: 'head', rows: ['x'] },
  });
});

/** Files from before there were ops: display name, and the op that it stood for. */
const BY_NAME: [segment: string, op: string][] = [
  ['{gemm: qkv and MLP input, x: {a.weight: [d, d]}}', 'qkv-mlp-in'],
  ['{gemm: cross-attention output, x: {a.weight: [d, d]}}', 'cross-out'],
  ['{elementwise: QK norm and RoPE, touches: {x: d}}', 'qk-norm'],
  ['{elementwise: cross-attention QK norm, touches: {x: d}}', 'cross-qk-norm'],
  ['{elementwise: MLP norm and modulate, touches: {x: d}}', 'norm'],
  ['{elementwise: MLP norm and gated residual, touches: {x: d}}', 'norm-residual'],
  ['{elementwise: MLP gated residual, touches: {x: d}}', 'residual'],
  ['{elementwise: audio GELU, touches: {x: d}}', 'activation'],
];

for (const [text, op] of BY_NAME) {
  test(`without an op, ${text} is ${op}`, () => {
    const segment = segmentOf(text);
    assert.ok('op' in segment);
    assert.is(segment.op, op);
  });
}

const TABLE = '{elementwise: n, op: norm, touches: {x: d}, weights: {table: [3, d]}, modulation: ';

/** What is wrong, how it is written, and what the message holds. */
const WRONG: [what: string, segment: string, message: string][] = [
  [
    'an op that is not one',
    '{elementwise: n, op: nrom, touches: {x: d}}',
    'small.yaml:16:30: blocks.0.segments.0.op: expected one of norm, qk-norm, cross-qk-norm, residual, norm-residual, ' +
      'activation, add-positions, sum, other, got "nrom"; did you mean norm?',
  ],
  [
    'a name that says nothing',
    '{gemm: stuff, x: {a.weight: [d, d]}}',
    'blocks.0.segments.0: the name "stuff" does not say what is computed; add op: one of modulation, qkv,',
  ],
  [
    'a fact that the op has not',
    '{elementwise: r, op: residual, rope: {pairing: halves, over: head, rows: [x]}, touches: {x: d}}',
    'blocks.0.segments.0: rope: a segment of op residual has none; qk-norm may have it',
  ],
  [
    'a module that the segment has not',
    '{elementwise: n, op: norm, norm: {kind: rms, eps: 1e-6, by: nrm}, touches: {x: d}, weights: {norm.weight: [d]}}',
    'norm.by: the segment has no tensor nrm.weight; near are norm.weight',
  ],
  [
    'a vector of no such role',
    `${TABLE}[{by: table, makes: "x.mlp.{shift,scale,gates}"}]}`,
    'modulation.0.makes: expected rows.site.role such as x.attention.shift, got "x.mlp.gates"; near is x.mlp.gate',
  ],
  [
    'a table of another width than its vectors',
    `${TABLE}[{by: table, makes: "x.mlp.{shift,scale}"}]}`,
    'modulation.0: table makes 384 elements, "x.mlp.{shift,scale}" are 2 vectors of 128',
  ],
  [
    'a vector that is made twice',
    `${TABLE}[{by: table, makes: "x.mlp.{shift,scale,shift}"}]}`,
    'modulation.0.makes: x.mlp.shift is made twice',
  ],
  [
    'a table with an activation',
    `${TABLE}[{by: table, activation: silu, makes: "x.mlp.{shift,scale,gate}"}]}`,
    'modulation.0: a table has neither "through" nor "activation"',
  ],
];

for (const [what, text, message] of WRONG) {
  test(`refuses ${what}`, () => {
    assert.throws(
      () => segmentOf(text),
      (error: unknown) => {
        assert.instance(error, UserError);
        const { message: got } = error as UserError;
        assert.ok(got.includes(message), `${got} does not hold ${message}`);
        return true;
      },
    );
  });
}

test('every segment of the catalogue says its op, and one of no known kind only where nothing is generated', () => {
  for (const id of catalogueIds()) {
    const { blocks, unproved } = loadCatalogue(id).dit;
    for (const segment of blocks.flatMap(({ segments }) => segments)) {
      if (segment.kind !== 'gemm' && segment.kind !== 'elementwise') continue;
      assert.ok((SEGMENT_OPS[segment.kind] as readonly string[]).includes(segment.op));
      if (unproved === null) assert.is.not(segment.op, 'other');
    }
  }
});

test.run();

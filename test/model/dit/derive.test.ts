import { readFileSync } from 'node:fs';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { expandBraces } from '../../../model/dit/braces.ts';
import { derive } from '../../../model/dit/derive.ts';
import type { Dit } from '../../../model/dit/dit.ts';
import { rowsAt } from '../../../model/dit/tokens.ts';
import { UserError } from '../../../model/input/userError.ts';
import { parseYaml } from '../../../model/input/yamlFile.ts';
import { bindRows, bindWorkload } from '../../../model/workload/bind.ts';

const SMALL = `id: small
name: Small
modality: image
dimensions: {heads: 2, d: 64*heads, f: 4*d}
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
      - {elementwise: norm, touches: {x: 2*d}, weights: {norm.weight: [d]}}
      - gemm: qkv
        x:
          to_{q,k,v}.weight: [d, d]
          to_{q,k,v}.bias: [d]
        reduces: {x: d}
      - {exchange: in, attention: self, rows: x, width: d}
      - {attention: self-attention, q: x, kv: x, width: d}
outside:
  patch.weight: [d, channels, 2, 2]
sources: []
`;

const small = (from = '', to = '') => derive(parseYaml('small.yaml', SMALL.replace(from, to)));

const test = suite('YAML to Dit');

test('every key arrives where it belongs', () => {
  const { dit, outside } = small();
  assert.is(dit.hidden, 128);
  assert.is(dit.heads, 2);
  assert.is(dit.experts, 1);
  assert.is(dit.rowMultiple, 1);
  assert.is(dit.outsideParameters, 128 * 4 * 2 * 2);
  assert.is(dit.outsideBytes, 2 * 128 * 4 * 2 * 2);
  assert.equal(outside, [{ name: 'patch.weight', shape: [128, 4, 2, 2], parameters: 2048, bytes: 4096 }]);
  assert.equal(dit.referenceSize, { width: 256, height: 256, frames: 1 });
  const [block] = dit.blocks;
  assert.is(block!.parameters, 3 * (128 * 128 + 128) + 128);
  const [norm, qkv, exchange, attention] = block!.segments;
  assert.equal(qkv?.kind === 'gemm' && qkv.products, Array(3).fill({ rows: 'x', in: 128, out: 128 }));
  assert.equal(qkv?.kind === 'gemm' && qkv.reduces, [{ rows: 'x', width: 128 }]);
  assert.equal(norm?.kind === 'elementwise' && norm.touches, [{ rows: 'x', elements: 256 }]);
  assert.equal(exchange, {
    kind: 'exchange',
    name: 'self exchange in',
    direction: 'in',
    attention: 'self',
    rows: 'x',
    kvRows: 'x',
    width: 128,
    kvWidth: 128,
  });
  assert.equal(attention, { kind: 'attention', name: 'self-attention', q: 'x', kv: 'x', width: 128 });
});

test('the example of docs/models.md is a model', () => {
  const page = readFileSync(new URL('../../../docs/models.md', import.meta.url), 'utf8');
  const example = /```yaml\n(.*?)```/s.exec(page)![1]!;
  const { dit } = derive(parseYaml('models.md', example));
  assert.is(dit.blocks[0]!.parameters, 12 * dit.hidden ** 2 + 9 * dit.hidden);
});

test('rope: numbers of the file, and what is not given', () => {
  const rope = (text: string) => small('guidance', `rope: ${text}\nguidance`).dit.rope;
  assert.is(small().dit.rope, undefined);
  assert.equal(rope('{theta: 10000, axes: {frame: 16, height: 24, width: d/2 - 40}, text: zero}'), {
    theta: 10000,
    axes: { frame: 16, height: 24, width: 24 },
    positions: { kind: 'corner' },
    stretch: { frame: 1, height: 1, width: 1 },
    text: 'zero',
  });
  assert.equal(
    rope(
      '{theta: 10, positions: {fractional: {seconds: 20, height: 8, width: 9}}, framesPerSecond: {made: 25, perStep: 1}}',
    ),
    {
      theta: 10,
      axes: { frame: 2, height: 2, width: 2 },
      positions: { kind: 'fractional', seconds: 20, height: 8, width: 9 },
      stretch: { frame: 1, height: 1, width: 1 },
      framesPerSecond: { made: 25, perStep: 1 },
    },
  );
});

/** What is written instead of what, and what the message holds. */
const WRONG: [what: string, from: string, to: string, message: string][] = [
  [
    'rope axes that are no head',
    'guidance',
    'rope: {theta: 10, axes: {frame: 16, height: 24, width: 22}}\nguidance',
    'rope.axes: turn 62 elements, but a head has 64',
  ],
  [
    'an odd rope axis',
    'guidance',
    'rope: {theta: 10, axes: {frame: 15, height: 24, width: 25}}\nguidance',
    'rope.axes.frame: is 15, expected an even number',
  ],
  ['a rope without axes', 'guidance', 'rope: {theta: 10}\nguidance', 'rope.axes: missing'],
  [
    'a rope of fractions with axes',
    'guidance',
    'rope: {theta: 10, axes: {frame: 16, height: 24, width: 24}, positions: {fractional: {seconds: 1, height: 1, width: 1}}}\nguidance',
    'rope.axes: fractional positions deal out all elements equally',
  ],
  [
    'a theta of nothing',
    'guidance',
    'rope: {theta: 0, axes: {frame: 16, height: 24, width: 24}}\nguidance',
    '0 is 0, expected a number above 0',
  ],
  ['unknown key', 'hidden: d', 'hidden: d\nhiden: d', 'small.yaml:6:8: hiden: unknown key'],
  [
    'unknown key in a segment',
    'reduces:',
    'reduce:',
    'small.yaml:21:9: blocks.0.segments.1.reduce: unknown key',
  ],
  ['no such rows', '        x:\n', '        y:\n', 'small.yaml:18:9: blocks.0.segments.1.y: unknown key'],
  ['wrong type', 'count: 3', 'count: "3"', 'small.yaml:14:12: blocks.0.count: expected number, got "3"'],
  ['wrong choice', 'kv: x', 'kv: z', 'small.yaml:23:47: blocks.0.segments.3.kv: invalid option'],
  ['no segment', 'gemm: qkv', 'gem: qkv', ': blocks.0.segments.1: expected a segment that begins with'],
  [
    'shape that is no array',
    'weight: [d, d]',
    'weight: d',
    'small.yaml:19:30: blocks.0.segments.1.x.to_{q,k,v}.weight: expected array',
  ],
  [
    'name of the language',
    'hidden: d',
    'hidden: constructor',
    'small.yaml:5:9: hidden: expression "constructor": the name "constructor" is not allowed',
  ],
  [
    'import',
    'hidden: d',
    'hidden: import',
    'small.yaml:5:9: hidden: expression "import": the name "import" is not allowed',
  ],
  ['property', 'hidden: d', 'hidden: d.constructor', 'small.yaml:5:9: hidden: expression "d.constructor"'],
  [
    'function that is not ours',
    '[d, d]',
    '[cat(1), d]',
    'small.yaml:19:30: blocks.0.segments.1.x.to_{q,k,v}.weight: expression "[cat(1), d]": "cat(1)" is not allowed',
  ],
  ['assignment', 'hidden: d', 'hidden: d = 3', 'small.yaml:5:9: hidden: expression "d = 3"'],
  ['fraction', 'hidden: d', 'hidden: d/3', 'small.yaml:5:9: hidden: "d/3" is 42.6'],
  [
    'zero side',
    '[d, d]',
    '[d - 128, d]',
    'small.yaml:19:30: blocks.0.segments.1.x.to_{q,k,v}.weight: shape "[d - 128, d]": a dimension is 0',
  ],
  [
    'dimension used before it is named',
    '{heads: 2, d: 64*heads, f: 4*d}',
    '{heads: 2, d: f, f: 4}',
    'small.yaml:4:27: dimensions.d: expression "f"',
  ],
  [
    'dimension that is in use',
    'f: 4*d',
    'channels: 3',
    'small.yaml:4:47: dimensions.channels: expected a name',
  ],
  [
    'no heads',
    'heads: 2, d: 64*heads',
    'd: 128',
    'small.yaml:4:1: dimensions.heads: is missing; expected a number',
  ],
  [
    'tensor named twice',
    'to_{q,k,v}.weight',
    'to_{q,k,q}.weight',
    'small.yaml:12:5: blocks.0: the tensor "to_q.weight" is named twice',
  ],
  [
    'open brace',
    'to_{q,k,v}.weight',
    'to_{q,k,v.weight',
    'small.yaml:19:29: blocks.0.segments.1.x.to_{q,k,v.weight: tensor name',
  ],
  ['reference size', '256x256', '256x', 'small.yaml:10:16: referenceSize: size "256x"'],
  [
    'images that need frames',
    'frames: none',
    'frames: causal',
    'small.yaml:7:53: vae.frames: expected none for images, got "causal"',
  ],
  ['id with a path', 'id: small', 'id: ../small', 'small.yaml:1:5: id: expected small letters'],
];

for (const [what, from, to, message] of WRONG) {
  test(`refuses ${what}`, () => {
    assert.ok(SMALL.includes(from), 'the case changes something');
    assert.throws(
      () => small(from, to),
      (error: unknown) => {
        assert.instance(error, UserError);
        const { message: text } = error as UserError;
        assert.ok(text.includes(message), `${text} does not hold ${message}`);
        return true;
      },
    );
  });
}

/** The block with an MLP of eight experts, two for each row. */
const experts = (active: number) =>
  small(
    'outside:',
    `      - gemm: experts
        op: mlp-in
        routed: {experts: 8, active: ${active}}
        x:
          experts.{0,1,2,3,4,5,6,7}.weight: [f, d]
outside:`,
  ).dit;

test('routed experts weigh all and compute what is active', () => {
  const size = { width: 256, height: 256, frames: 1 };
  const bound = (dit: Dit) => bindWorkload(dit, { size, cfg: 'none' }).blocks[0]!;
  const flops = (dit: Dit) => {
    const segment = bound(dit).segments.find(({ name }) => name === 'experts');
    assert.ok(segment?.kind === 'compute');
    return segment.flops;
  };
  assert.is(flops(experts(2)), 2 * 256 * 128 * 512 * 2);
  assert.is(flops(experts(8)), 4 * flops(experts(2)));
  assert.is(bound(experts(2)).weightBytes, bound(experts(8)).weightBytes);
});

test('more active experts than there are', () => {
  assert.throws(
    () => experts(9),
    /^small\.yaml:\d+:\d+: routed\.active: expected at most the 8 experts, got 9$/,
  );
});

test('a reference image that is a video', () => {
  assert.throws(
    () => small('outside:', 'referenceImages: [64x64, 64x64x9]\noutside:'),
    /^small\.yaml:\d+:\d+: .*expected one image such as 1024x1024, got 9 frames$/,
  );
});

test('rows of a conditioning image do not grow with the size, and every rank has them all', () => {
  const dit = small('q: x, kv: x', 'q: x, kv: i').dit;
  const flops = (image: number, sp: number) =>
    bindRows({ ...dit, imageRows: image }, rowsAt({ ...dit, imageRows: image }, 512), {
      ...{ size: dit.referenceSize, cfg: 'none', sp },
    }).blocks[0]!.segments.reduce(
      (sum, one) => sum + (one.kind === 'compute' && one.class === 'attention' ? one.flops : 0),
      0,
    );
  assert.is(flops(7, 1), 4 * 512 * 7 * 128);
  assert.is(flops(7, 2), flops(7, 1) / 2);
});

test.run();

const braces = suite('braces');

const CASES: [name: string, expanded: string[]][] = [
  ['norm.weight', ['norm.weight']],
  ['to_{q,k}.weight', ['to_q.weight', 'to_k.weight']],
  ['{a,b}.{0,1}', ['a.0', 'a.1', 'b.0', 'b.1']],
];
for (const [name, expanded] of CASES) braces(name, () => assert.equal(expandBraces(name), expanded));

for (const name of ['to_{q', 'q}', '{q,{k}}', '{}', '{q,}', '{a,b,c,d}'.repeat(6)]) {
  braces(`refuses ${name}`, () => assert.throws(() => expandBraces(name), /^tensor name/));
}

braces.run();

import type { DitSource } from '../../../../model/dit/derive.ts';
import type { DitSegment, WeightTensor } from '../../../../model/dit/dit.ts';
import { type Sketch, sketchOf } from '../checkpointFiles.ts';

/** Two layers of each kind are enough to be recognised, and keep headers short. */
export const few = (count: number) => Math.min(count, 2);

/**
 * A catalogue model's checkpoint under names that say nothing, in another order, with the matrices of each segment that multiply the same rows
 * fused by rows, as QKV are, and vectors beside them joined too.
 */
export function fusedAndNameless({ dit, outside }: DitSource, change = (count: number) => count): Sketch[] {
  const lists = [...new Set(dit.blocks.map(({ container }) => container))];
  const next = new Map<string, number>();
  const inside = dit.blocks.flatMap(({ container, count, segments }) => {
    const first = next.get(container) ?? 0;
    next.set(container, first + change(count));
    const tensors = segments.flatMap(fused).reverse();
    return Array.from({ length: change(count) }, (_, layer) =>
      tensors.map((tensor, index) => ({
        ...tensor,
        name: `net.stack_${String.fromCharCode(97 + lists.indexOf(container))}.${first + layer}.m.p${index}`,
      })),
    ).flat();
  });
  return [...inside, ...outside.map(({ shape }, index) => ({ name: `net.q${index}.weight`, shape }))];
}

/** Tensors of a segment with those of equal columns and rows of work put on top of one another. */
function fused(segment: DitSegment): Sketch[] {
  if (!('tensors' in segment)) return [];
  if (segment.kind === 'elementwise') return segment.tensors.map(({ shape }) => ({ name: '', shape }));
  const matrices = segment.tensors.filter(({ shape }) => shape.length === 2);
  const groups = new Map<string, WeightTensor[]>();
  matrices.forEach((matrix, index) => {
    const key = `${segment.products[index]!.rows} ${matrix.shape[1]}`;
    groups.set(key, [...(groups.get(key) ?? []), matrix]);
  });
  const rows = (tensors: readonly WeightTensor[]) => tensors.reduce((sum, { shape }) => sum + shape[0]!, 0);
  const vectors = segment.tensors.filter(({ shape }) => shape.length !== 2);
  return [
    ...[...groups.values()].map((group) => ({ name: '', shape: [rows(group), group[0]!.shape[1]!] })),
    ...(vectors.length === 0
      ? []
      : [{ name: '', shape: [vectors.reduce((sum, { parameters }) => sum + parameters, 0)] }]),
  ];
}

const WAN_NAMES: readonly [RegExp, string][] = [
  [/attn1\.to_out\.0/, 'self_attn.o'],
  [/attn1\.to_/, 'self_attn.'],
  [/attn1\.norm_/, 'self_attn.norm_'],
  [/attn2\.to_out\.0/, 'cross_attn.o'],
  [/attn2\.to_/, 'cross_attn.'],
  [/attn2\.add_([kv])_proj/, 'cross_attn.$1_img'],
  [/attn2\.norm_added_k/, 'cross_attn.norm_k_img'],
  [/attn2\.norm_/, 'cross_attn.norm_'],
  [/norm2\./, 'norm3.'],
  [/ffn\.net\.0\.proj/, 'ffn.0'],
  [/ffn\.net\.2/, 'ffn.2'],
  [/^(blocks\.\d+\.)scale_shift_table/, '$1modulation'],
  [/^scale_shift_table/, 'head.modulation'],
  [/^proj_out/, 'head.head'],
  [/condition_embedder\.time_embedder\.linear_1/, 'time_embedding.0'],
  [/condition_embedder\.time_embedder\.linear_2/, 'time_embedding.2'],
  [/condition_embedder\.text_embedder\.linear_1/, 'text_embedding.0'],
  [/condition_embedder\.text_embedder\.linear_2/, 'text_embedding.2'],
  [/condition_embedder\.time_proj/, 'time_projection.1'],
];

/** A Wan checkpoint as its authors name it. */
export function wanOfItsAuthors(tensors: readonly Sketch[]): Sketch[] {
  return tensors.map((tensor) => ({
    ...tensor,
    name: WAN_NAMES.reduce((name, [pattern, own]) => name.replace(pattern, own), tensor.name),
  }));
}

/** A FLUX.1 or HunyuanVideo checkpoint in the style of BFL: QKV fused, the single blocks' MLP input with them. */
export function doubleAndSingleBlocks(source: DitSource): Sketch[] {
  const fuse = (name: string, parts: readonly Sketch[]): Sketch => ({
    name,
    shape: [parts.reduce((sum, { shape }) => sum + shape[0]!, 0), ...parts[0]!.shape.slice(1)],
  });
  const tensors = new Map(sketchOf(source).map((tensor) => [tensor.name, tensor]));
  const take = (name: string): Sketch => {
    const tensor = tensors.get(name);
    if (tensor === undefined) throw new Error(`no ${name}`);
    tensors.delete(name);
    return tensor;
  };
  const [double, single] = source.dit.blocks;
  const found: Sketch[] = [];
  const linear = (name: string, parts: readonly string[]) => {
    for (const part of ['weight', 'bias'])
      found.push(
        fuse(
          `${name}.${part}`,
          parts.map((each) => take(`${each}.${part}`)),
        ),
      );
  };
  const norm = (name: string, part: string) =>
    found.push({ ...take(`${part}.weight`), name: `${name}.scale` });
  for (let layer = 0; layer < double!.count; layer += 1) {
    const [from, to] = [`transformer_blocks.${layer}`, `double_blocks.${layer}`];
    linear(`${to}.img_mod.lin`, [`${from}.norm1.linear`]);
    linear(`${to}.txt_mod.lin`, [`${from}.norm1_context.linear`]);
    linear(
      `${to}.img_attn.qkv`,
      ['q', 'k', 'v'].map((each) => `${from}.attn.to_${each}`),
    );
    linear(
      `${to}.txt_attn.qkv`,
      ['q', 'k', 'v'].map((each) => `${from}.attn.add_${each}_proj`),
    );
    linear(`${to}.img_attn.proj`, [`${from}.attn.to_out.0`]);
    linear(`${to}.txt_attn.proj`, [`${from}.attn.to_add_out`]);
    for (const [stream, mlp] of [
      ['img', 'ff'],
      ['txt', 'ff_context'],
    ]) {
      linear(`${to}.${stream}_mlp.0`, [`${from}.${mlp}.net.0.proj`]);
      linear(`${to}.${stream}_mlp.2`, [`${from}.${mlp}.net.2`]);
    }
    norm(`${to}.img_attn.norm.query_norm`, `${from}.attn.norm_q`);
    norm(`${to}.img_attn.norm.key_norm`, `${from}.attn.norm_k`);
    norm(`${to}.txt_attn.norm.query_norm`, `${from}.attn.norm_added_q`);
    norm(`${to}.txt_attn.norm.key_norm`, `${from}.attn.norm_added_k`);
  }
  for (let layer = 0; layer < single!.count; layer += 1) {
    const [from, to] = [`single_transformer_blocks.${layer}`, `single_blocks.${layer}`];
    linear(`${to}.modulation.lin`, [`${from}.norm.linear`]);
    linear(`${to}.linear1`, [
      ...['q', 'k', 'v'].map((each) => `${from}.attn.to_${each}`),
      `${from}.proj_mlp`,
    ]);
    linear(`${to}.linear2`, [`${from}.proj_out`]);
    norm(`${to}.norm.query_norm`, `${from}.attn.norm_q`);
    norm(`${to}.norm.key_norm`, `${from}.attn.norm_k`);
  }
  return [...found, ...tensors.values()];
}

export function prefixed(prefix: string, tensors: readonly Sketch[]): Sketch[] {
  return tensors.map((tensor) => ({ ...tensor, name: `${prefix}${tensor.name}` }));
}

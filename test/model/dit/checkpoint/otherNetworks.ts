import type { Sketch } from '../checkpointFiles.ts';

/** Networks that are no diffusion transformers, by published shapes with fewer layers. */

const linear = (name: string, out: number, from: number): Sketch => ({
  name: `${name}.weight`,
  shape: [out, from],
});

const layers = (container: string, count: number, layer: (at: string) => Sketch[]): Sketch[] =>
  Array.from({ length: count }, (_, index) => layer(`${container}.${index}`)).flat();

/** T5's encoder: XXL, or UMT5 with its larger vocabulary. */
export const t5 = (vocabulary: number, d = 4096, f = 10240): Sketch[] => [
  linear('shared', vocabulary, d),
  ...layers('encoder.block', 3, (at) => [
    ...['q', 'k', 'v', 'o'].map((name) => linear(`${at}.layer.0.SelfAttention.${name}`, d, d)),
    linear(`${at}.layer.1.DenseReluDense.wi_0`, f, d),
    linear(`${at}.layer.1.DenseReluDense.wi_1`, f, d),
    linear(`${at}.layer.1.DenseReluDense.wo`, d, f),
  ]),
];

export const clip = (d = 768): Sketch[] => [
  linear('text_model.embeddings.token_embedding', 49408, d),
  linear('text_model.embeddings.position_embedding', 77, d),
  ...layers('text_model.encoder.layers', 4, (at) => [
    ...['q_proj', 'k_proj', 'v_proj', 'out_proj'].map((name) => linear(`${at}.self_attn.${name}`, d, d)),
    linear(`${at}.mlp.fc1`, 4 * d, d),
    linear(`${at}.mlp.fc2`, d, 4 * d),
  ]),
];

/** A decoder-only language model, as Llama and Qwen2.5-VL are. */
export const languageModel = (vocabulary: number, d: number, f: number): Sketch[] => [
  linear('model.embed_tokens', vocabulary, d),
  ...layers('model.layers', 3, (at) => [
    ...[linear(`${at}.self_attn.q_proj`, d, d), linear(`${at}.self_attn.o_proj`, d, d)],
    ...[linear(`${at}.self_attn.k_proj`, d / 4, d), linear(`${at}.self_attn.v_proj`, d / 4, d)],
    ...['gate_proj', 'up_proj'].map((name) => linear(`${at}.mlp.${name}`, f, d)),
    linear(`${at}.mlp.down_proj`, d, f),
  ]),
];

export const imageEncoder = (d = 1152, patch = 14): Sketch[] => [
  { name: 'vision_model.embeddings.patch_embedding.weight', shape: [d, 3, patch, patch] },
  ...layers('vision_model.encoder.layers', 4, (at) => [
    ...['q_proj', 'k_proj', 'v_proj', 'out_proj'].map((name) => linear(`${at}.self_attn.${name}`, d, d)),
    linear(`${at}.mlp.fc1`, 4304, d),
    linear(`${at}.mlp.fc2`, d, 4304),
  ]),
];

/** A VAE of images, or of video with kernels over time. */
export const vae = (channels: number, frames: boolean): Sketch[] => {
  const kernel = frames ? [3, 3, 3] : [3, 3];
  return ['encoder', 'decoder'].flatMap((side) => [
    { name: `${side}.conv_in.weight`, shape: [128, channels, ...kernel] },
    ...layers(`${side}.blocks`, 4, (at) => [
      { name: `${at}.resnets.0.conv1.weight`, shape: [512, 512, ...kernel] },
      { name: `${at}.resnets.0.conv2.weight`, shape: [512, 512, ...kernel] },
    ]),
    ...['to_q', 'to_k', 'to_v', 'to_out.0'].map((name) =>
      linear(`${side}.mid_block.attentions.0.${name}`, 512, 512),
    ),
  ]);
};

export const unet = (d = 640): Sketch[] => [
  { name: 'conv_in.weight', shape: [320, 4, 3, 3] },
  ...layers('down_blocks', 2, (at) => [
    { name: `${at}.resnets.0.conv1.weight`, shape: [d, d, 3, 3] },
    ...layers(`${at}.attentions.0.transformer_blocks`, 2, (block) => [
      ...['to_q', 'to_k', 'to_v', 'to_out.0'].map((name) => linear(`${block}.attn1.${name}`, d, d)),
      linear(`${block}.ff.net.0.proj`, 8 * d, d),
      linear(`${block}.ff.net.2`, d, 4 * d),
    ]),
  ]),
];

/** A LoRA of some matrices of a transformer's checkpoint, as trainers name its factors. */
export function loraOf(
  tensors: readonly Sketch[],
  rank: number,
  [down, up]: readonly [string, string],
  flat = false,
): Sketch[] {
  return tensors
    .filter(({ name, shape }) => /\.\d+\..*(attn|attention|ff|mlp).*weight$/.test(name) && shape.length === 2)
    .flatMap(({ name, shape }) => {
      const module = name.replace(/\.weight$/, '');
      const of = flat ? `lora_unet_${module.replaceAll('.', '_')}` : `diffusion_model.${module}`;
      return [
        { name: `${of}.${down}.weight`, shape: [rank, shape[1]!] },
        { name: `${of}.${up}.weight`, shape: [shape[0]!, rank] },
        { name: `${of}.alpha`, shape: [] },
      ];
    });
}

/** A ControlNet that copies the first blocks of a transformer and taps each of them. */
export function controlNetOf(
  tensors: readonly Sketch[],
  container: string,
  blocks: number,
  d: number,
): Sketch[] {
  return [
    ...tensors.filter(({ name }) => {
      const [, list, index] = /^(.*?)\.(\d+)\./.exec(name) ?? [];
      return list === undefined || (list === container && Number(index) < blocks);
    }),
    ...Array.from({ length: blocks }, (_, index) => linear(`controlnet_blocks.${index}`, d, d)),
  ];
}

/**
 * Classes of transformers by the catalogue model whose structure they have, for configurations whose dimensions no catalogue model
 * has. Diffusers' names: https://github.com/huggingface/diffusers src/diffusers/models/transformers; the others are of the models' own repositories.
 */
export const DIFFUSERS_CLASSES: Readonly<Record<string, string>> = {
  CogVideoXTransformer3DModel: 'cogvideox-5b',
  CosmosTransformer3DModel: 'cosmos-predict2-14b',
  FluxTransformer2DModel: 'flux.1-dev',
  Flux2Transformer2DModel: 'flux.2-dev',
  HunyuanVideoTransformer3DModel: 'hunyuanvideo-13b',
  HunyuanVideo15Transformer3DModel: 'hunyuanvideo-1.5',
  LTXVideoTransformer3DModel: 'ltx-video-13b',
  LTX2VideoTransformer3DModel: 'ltx-2-19b',
  MochiTransformer3DModel: 'mochi-1-10b',
  PixArtTransformer2DModel: 'pixart-xl-2',
  QwenImageTransformer2DModel: 'qwen-image-20b',
  SD3Transformer2DModel: 'sd3.5-large',
  WanTransformer3DModel: 'wan2.1-t2v-14b',
  WanModel: 'wan2.1-t2v-14b',
  ZImageTransformer2DModel: 'z-image-6b',
};

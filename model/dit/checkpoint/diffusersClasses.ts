/**
 * Classes of transformers by the catalogue model whose structure they have, for configurations whose dimensions no catalogue model
 * has. Diffusers' names: https://github.com/huggingface/diffusers src/diffusers/models/transformers; the others are of the models' own repositories.
 */
export const DIFFUSERS_CLASSES: Readonly<Record<string, string>> = {
  AuraFlowTransformer2DModel: 'auraflow-6.8b',
  ChromaTransformer2DModel: 'chroma1-hd',
  CogVideoXTransformer3DModel: 'cogvideox-5b',
  CogView4Transformer2DModel: 'cogview4-6b',
  CosmosTransformer3DModel: 'cosmos-predict2-14b',
  FluxTransformer2DModel: 'flux.1-dev',
  Flux2Transformer2DModel: 'flux.2-dev',
  HiDreamImageTransformer2DModel: 'hidream-i1-17b',
  HunyuanImageTransformer2DModel: 'hunyuanimage-2.1-17b',
  HunyuanVideoTransformer3DModel: 'hunyuanvideo-13b',
  HunyuanVideo15Transformer3DModel: 'hunyuanvideo-1.5',
  Kandinsky5Transformer3DModel: 'kandinsky-5-pro-19b',
  LTXVideoTransformer3DModel: 'ltx-video-13b',
  LTX2VideoTransformer3DModel: 'ltx-2-19b',
  LongCatImageTransformer2DModel: 'longcat-image-6b',
  Lumina2Transformer2DModel: 'lumina-image-2-2.6b',
  MochiTransformer3DModel: 'mochi-1-10b',
  OvisImageTransformer2DModel: 'ovis-image-7b',
  PixArtTransformer2DModel: 'pixart-xl-2',
  QwenImageTransformer2DModel: 'qwen-image-20b',
  SD3Transformer2DModel: 'sd3.5-large',
  WanTransformer3DModel: 'wan2.1-t2v-14b',
  WanModel: 'wan2.1-t2v-14b',
  WanVACETransformer3DModel: 'wan2.1-vace-14b',
  VaceWanModel: 'wan2.1-vace-14b',
  ZImageTransformer2DModel: 'z-image-6b',
};

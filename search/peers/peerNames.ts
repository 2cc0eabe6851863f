/** Tools whose own settings we can choose. */
export const PEER_NAMES = [
  'sglang',
  'diffusers',
  'vllm-omni',
  'comfyui',
  'comfyui-native',
  'comfyui-wanvideowrapper',
] as const;
export type PeerName = (typeof PEER_NAMES)[number];

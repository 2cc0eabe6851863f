/**
 * Blocks that a committed reference of diffusers' outputs proves, by signature: family and kind. Written by
 * `npm run proved` from test/codegen/references; test/codegen/diffusers.test.ts holds it to them and runs the proof.
 */
export const PROVED_BLOCKS: ReadonlyMap<string, string> = new Map([
  ['5d97b92a5a7f7a21', 'cogvideox block'],
  ['81a7ef6b0cf5ddfc', 'cosmos-1.0 block'],
  ['0d1029c3a2caca26', 'cosmos-predict2 block'],
  ['7d5a7a7ad3389616', 'flux.1 dual'],
  ['b3f050ccbb5b0057', 'flux.1 single'],
  ['f9e9cfb69febd2d1', 'hunyuanvideo-1.5 dual'],
  ['5555740c1a375ac9', 'hunyuanvideo single'],
  ['7f2418c1a3fa41c6', 'ltx-video block'],
  ['97bdc63cfcb27136', 'pixart block'],
  ['a122952ba70bd241', 'sd3.5 dual'],
  ['014025375d14b347', 'sd3.5 dual, last'],
  ['9e5f9171e9d3846e', 'wan block'],
]);

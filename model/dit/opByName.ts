import { UserError } from '../input/userError.ts';
import { type ElementwiseOp, type GemmOp, SEGMENT_OPS } from './operations.ts';

/** Display names that stood for an op before files could say `op`, most particular first. */
const ELEMENTWISE_NAMES: readonly [RegExp, ElementwiseOp][] = [
  [/cross-attention QK norm/, 'cross-qk-norm'],
  [/QK norm/, 'qk-norm'],
  [/norm and (gated )?residual$/, 'norm-residual'],
  [/residual$/, 'residual'],
  [/norm( and modulate)?$/, 'norm'],
  [/(GELU|SwiGLU|SiLU)$/, 'activation'],
];

const GEMM_NAMES: Readonly<Record<string, GemmOp>> = {
  modulation: 'modulation',
  qkv: 'qkv',
  'qkv and MLP input': 'qkv-mlp-in',
  'cross-attention qkv': 'cross-qkv',
  'attention output': 'attention-out',
  'attention and MLP output': 'attention-mlp-out',
  'cross-attention output': 'cross-out',
  'MLP input': 'mlp-in',
  'MLP output': 'mlp-out',
};

/**
 * The op of a segment of a user's file that has no `op`: files from before there was one are told by their display names.
 *
 * @throws UserError naming the ops where the name says none.
 */
export function gemmOpByName(name: string): GemmOp {
  return GEMM_NAMES[name] ?? refuse(name, SEGMENT_OPS.gemm);
}

/** As gemmOpByName. */
export function elementwiseOpByName(name: string): ElementwiseOp {
  return (
    ELEMENTWISE_NAMES.find(([pattern]) => pattern.test(name))?.[1] ?? refuse(name, SEGMENT_OPS.elementwise)
  );
}

function refuse(name: string, ops: readonly string[]): never {
  throw new UserError(
    `the name ${JSON.stringify(name)} does not say what is computed; add op: one of ${ops.join(', ')}`,
  );
}

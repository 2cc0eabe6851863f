import { ATTENTION_KERNELS, type AttentionKernel, COMPUTE_DTYPES, type ComputeDtype } from '../dit/kinds.ts';
import { UserError } from '../input/userError.ts';
import type { SystemFile } from './format.ts';
import type { ComputeRates, Gpu, RelativeRate } from './system.ts';

/** A number of a machine file for all dtypes, or one for each. */
type ByDtype<Entry> = Entry | ({ bf16: Entry } & Partial<Record<ComputeDtype, Entry | undefined>>);

/** The entry of bf16, which a single number is. */
export function bf16Of<Entry extends { value: number }>(entries: ByDtype<Entry>): Entry {
  return 'bf16' in entries ? entries.bf16 : entries;
}

function entryOf<Entry extends { value: number }>(
  entries: ByDtype<Entry>,
  dtype: ComputeDtype,
): Entry | undefined {
  if ('bf16' in entries) return entries[dtype];
  return dtype === 'bf16' ? entries : undefined;
}

/**
 * Rates of matrix products by dtype and of attention by kernel, as factors on those of bf16. Tensor cores run fp16 with FP32
 * accumulation as fast as bf16, so fp16 has bf16's peak unless it is given. A dtype without an efficiency of its own reaches the
 * same fraction of its peak as bf16.
 *
 * @throws what `fail` throws, for a kernel of a dtype that the GPU has no peak of.
 */
export function computeRatesOf(
  { peak, efficiency, attentionKernels = {} }: SystemFile['gpu'],
  fail: (path: readonly PropertyKey[], message: string) => never,
): ComputeRates {
  const bf16 = bf16Of(peak).value;
  const peakOf = (dtype: ComputeDtype): number | undefined =>
    entryOf(peak, dtype)?.value ?? (dtype === 'fp16' ? bf16 : undefined);
  const usual = bf16Of(efficiency.gemm).value;
  const gemm: Partial<Record<ComputeDtype, RelativeRate>> = {};
  for (const dtype of COMPUTE_DTYPES) {
    const own = peakOf(dtype);
    const reached = entryOf(efficiency.gemm, dtype)?.value;
    if (own === undefined) {
      if (reached !== undefined)
        fail(['gpu', 'efficiency', 'gemm', dtype], `of what? give gpu.peak its ${dtype}, too`);
      continue;
    }
    gemm[dtype] = { peak: own / bf16, rate: (own * (reached ?? usual)) / (bf16 * usual) };
  }
  const attention: Partial<Record<AttentionKernel, RelativeRate>> = {};
  for (const kernel of ATTENTION_KERNELS) {
    const entry = attentionKernels[kernel];
    if (entry === undefined) continue;
    const own = peakOf(entry.dtype);
    if (own === undefined)
      fail(
        ['gpu', 'attentionKernels', kernel, 'dtype'],
        `the GPU has no peak of ${entry.dtype}; give gpu.peak its ${entry.dtype}, too`,
      );
    attention[kernel] = {
      peak: own! / bf16,
      rate: (own! * entry.efficiency.value) / (bf16 * efficiency.attention.value),
    };
  }
  return { gemm, attention };
}

/** Matrix products in a dtype, relative to bf16. @throws UserError for one that the GPU has no peak of. */
export function gemmRate(
  { name, compute }: Pick<Gpu, 'name' | 'compute'>,
  dtype: ComputeDtype,
): RelativeRate {
  const known = compute.gemm[dtype];
  if (known !== undefined) return known;
  throw new UserError(
    `--compute-dtype ${dtype}: nothing says how fast ${name} is in it; known are ${listed(compute.gemm)}; give it by --set gpu.peak.${dtype}=..., or take a card that has it, see \`chunkflow machines\``,
  );
}

/** Attention by a kernel, relative to what no kernel is named for. @throws UserError for one that the GPU has no efficiency of. */
export function attentionRate(
  { name, compute }: Pick<Gpu, 'name' | 'compute'>,
  kernel: AttentionKernel,
): RelativeRate {
  const known = compute.attention[kernel];
  if (known !== undefined) return known;
  throw new UserError(
    `--attention ${kernel}: nothing says how fast it is on ${name}; known are ${listed(compute.attention) || 'none'}; give the machine file its gpu.attentionKernels.${kernel}`,
  );
}

function listed(rates: object): string {
  return Object.keys(rates).join(', ');
}

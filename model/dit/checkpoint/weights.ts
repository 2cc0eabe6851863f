import { grouped } from '../../input/grouped.ts';
import { shown, UserError } from '../../input/userError.ts';
import { parametersOf } from '../derive.ts';
import type { StoredTensor } from './safetensors.ts';

/** One weight as a model computes with it, whatever its checkpoint packs it into. */
export interface Weight {
  name: string;
  /** As PyTorch has it unpacked, [out, in] for a matrix. */
  shape: readonly number[];
  parameters: number;
  /** As it lies on the device and crosses the link: packed, with the tensors that unpack it. */
  bytes: number;
  /** How it is stored, for readers. */
  format: string;
}

const FLOATS = ['BF16', 'F16', 'F32', 'F64'];
/** Floats that nobody runs a diffusion transformer in: they are cast to bf16 when they are loaded. */
const WIDE_FLOATS = ['F32', 'F64'];
const RUN_TIME_BYTES = 2;
/** Element types that hold a packed or scaled matrix. */
const NARROW = ['F8_E4M3', 'F8_E5M2', 'I8', 'U8', 'I32', 'F4', 'F6_E2M3', 'F6_E3M2'];
/** A bias lies beside a packed weight, but does not unpack it. */
const BIAS = /(^|\.)bias$/;

/**
 * A checkpoint's weights with packing undone: scales, code books and low-rank corrections are bytes of the weight that they
 * belong to, and the shape is the one that the model computes with.
 *
 * Known are scaled fp8 and int8 (a matrix of 8-bit elements with any other tensors of its module), bitsandbytes' nf4, fp4 and
 * int8, NVFP4 (U8 pairs with block scales), SVDQuant as Nunchaku stores it, and whole blocks of ggml. Module and packing are told
 * by dtypes and shapes; only the last part of a name says which tensor of a module is the weight.
 *
 * @throws UserError naming the tensor where a packed one does not say its shape.
 */
export function unpackWeights(file: string, stored: readonly StoredTensor[]): Weight[] {
  const packed = packedModules(stored);
  const weights: Weight[] = [];
  const seen = new Set<string>();
  for (const tensor of stored) {
    refuseEmpty(file, tensor);
    const module = packed.get(moduleOf(tensor.name));
    if (module !== undefined && !BIAS.test(tensor.name)) {
      if (seen.has(module.name)) continue;
      seen.add(module.name);
      weights.push(unpacked(file, module));
      continue;
    }
    const parameters = elementsOf(tensor);
    // Markers such as `scaled_fp8` say how others are stored.
    if (NARROW.includes(tensor.dtype) && tensor.shape.length < 2 && parameters <= 2) continue;
    const isWide = WIDE_FLOATS.includes(tensor.dtype);
    weights.push({
      ...{ name: tensor.name, shape: tensor.shape, parameters },
      bytes: isWide ? parameters * RUN_TIME_BYTES : tensor.bytes,
      format: tensor.dtype,
    });
  }
  return weights;
}

function refuseEmpty(file: string, { name, shape }: StoredTensor): void {
  if (shape.length < 2 || !shape.includes(0)) return;
  throw new UserError(
    `tensor ${shown(name)}: shape [${shape.join(', ')}] has a side of 0, so it holds no weights; give the checkpoint of the transformer itself`,
    { file },
  );
}

/** Sentences on what is assumed of how weights are stored. */
export function storageNotes(weights: readonly Weight[]): string[] {
  return [...wideNote(weights), ...packedNote(weights)];
}

function wideNote(weights: readonly Weight[]): string[] {
  const wide = parametersOf(weights.filter(({ format }) => WIDE_FLOATS.includes(format)));
  if (wide === 0) return [];
  const share = wide / parametersOf(weights) > 0.5 ? 'Weights' : 'Some weights';
  return [`${share} are stored as F32 and taken to run in bf16, 2 bytes each; --dtype fp32 keeps 4.`];
}

function packedNote(weights: readonly Weight[]): string[] {
  const narrow = [...new Set(weights.map(({ format }) => format))].filter(
    (format) => !FLOATS.includes(format),
  );
  if (narrow.length === 0) return [];
  const lowRank = narrow.some((format) => format.includes('low-rank'))
    ? ' The work of low-rank corrections is not counted.'
    : '';
  return [
    `Weights stored as ${narrow.sort().join(', ')} lie on the device and cross the link as they are, scales included.${lowRank}`,
  ];
}

/** The tensors of one module whose weight is packed or scaled. */
interface PackedModule {
  /** Of the weight that it stands for. */
  name: string;
  weight: StoredTensor;
  bias: StoredTensor | undefined;
  others: readonly StoredTensor[];
}

/** A module's name: that of its weight without the last part, and without the parts that packing adds. */
function moduleOf(name: string): string {
  return name.replace(/\.weight\.[^.]+(\.[^.]+)?$/, '.weight').replace(/(^|\.)(?=[^.]*$)[^.]*$/, '');
}

function packedModules(stored: readonly StoredTensor[]): Map<string, PackedModule> {
  const modules = grouped(stored, ({ name }) => moduleOf(name));
  const packed = new Map<string, PackedModule>();
  for (const [module, tensors] of modules) {
    const weight = packedWeight(tensors);
    if (weight === undefined) continue;
    packed.set(module, {
      ...{ name: module === '' ? 'weight' : `${module}.weight`, weight },
      bias: tensors.find(({ name }) => BIAS.test(name)),
      others: tensors.filter((tensor) => tensor !== weight && !BIAS.test(tensor.name)),
    });
  }
  return packed;
}

/** The largest tensor of narrow elements, if it is the module's weight: `weight`, `qweight` or `weight._data`. */
function packedWeight(tensors: readonly StoredTensor[]): StoredTensor | undefined {
  return tensors
    .filter(
      ({ name, dtype, shape }) =>
        NARROW.includes(dtype) && shape.length >= 2 && /(^|\.)(weight|qweight|weight\._data)$/.test(name),
    )
    .sort((a, b) => b.bytes - a.bytes)[0];
}

function unpacked(file: string, module: PackedModule): Weight {
  const { name, weight, others } = module;
  const { shape, format } = shapeOf(file, module);
  const parameters = shape.reduce((product, side) => product * side, 1);
  const bytes = others.reduce((sum, tensor) => sum + tensor.bytes, weight.bytes);
  return { name, shape, parameters, bytes, format };
}

/** The shape that a packed weight unpacks to. */
function shapeOf(
  file: string,
  { weight, bias, others }: PackedModule,
): { shape: readonly number[]; format: string } {
  const ending = (suffix: RegExp) => others.find(({ name }) => suffix.test(name));
  const state = ending(/\.quant_state\.[^.]+$/);
  const isColumn = weight.shape.length === 2 && weight.shape[1] === 1;
  if (state !== undefined || (weight.dtype === 'U8' && isColumn)) {
    const format = /nf4|fp4/.exec(state?.name ?? '')?.[0] ?? '4-bit';
    const said = quantStateShape(state);
    const elements = weight.bytes * 2;
    if (said !== undefined && said.reduce((product, side) => product * side, 1) === elements)
      return { shape: said, format: `bitsandbytes ${format}` };
    return { shape: byRows(file, weight, elements, bias?.shape[0]), format: `bitsandbytes ${format}` };
  }
  const scales = ending(/(^|\.)(wscales|scales)$/);
  if (/(^|\.)qweight$/.test(weight.name)) {
    const lowRank = ending(/(^|\.)lora_down$/) !== undefined ? ' with a low-rank correction' : '';
    const rows = scales?.shape.at(-1) ?? bias?.shape[0];
    return {
      shape: byRows(file, weight, weight.bytes * 2, rows),
      format: `4-bit groups${lowRank}`,
    };
  }
  const blockScale = ending(/(^|\.)(weight_scale|_scale)$/);
  const isPair = weight.dtype === 'U8' && blockScale?.shape.length === 2 && blockScale.dtype.startsWith('F8');
  if (isPair) return { shape: [weight.shape[0]!, weight.shape[1]! * 2], format: 'NVFP4' };
  if (weight.dtype === 'I32')
    throw new UserError(
      `tensor ${shown(weight.name)}: packed into I32 in a way that is not known; give the checkpoint in bf16, and --dtype for its run-time weights`,
      { file },
    );
  return { shape: weight.shape, format: weight.dtype };
}

function byRows(file: string, weight: StoredTensor, elements: number, rows: number | undefined): number[] {
  if (rows !== undefined && rows > 0 && elements % rows === 0) return [rows, elements / rows];
  throw new UserError(
    `tensor ${shown(weight.name)}: ${elements} packed elements of a shape that neither a quant_state, scales nor a bias tell; give the checkpoint in bf16 with --dtype nf4`,
    { file },
  );
}

/** The shape that bitsandbytes writes beside a packed weight, as JSON. */
function quantStateShape(state: StoredTensor | undefined): number[] | undefined {
  try {
    const value: unknown = JSON.parse(state?.content ?? '');
    const { shape } = value as { shape?: unknown };
    const isShape = Array.isArray(shape) && shape.every((side) => Number.isInteger(side) && side > 0);
    return isShape ? shape : undefined;
  } catch {
    return undefined;
  }
}

function elementsOf({ shape }: StoredTensor): number {
  return shape.reduce((product, side) => product * side, 1);
}

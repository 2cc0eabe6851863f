import type { Dit } from '../model/dit/dit.ts';
import type { BoundWorkload } from '../model/workload/workload.ts';
import type { FlowInput } from './dataflow/flow.ts';

/** A tensor that a program takes from a file or gives to one, with the rows of all ranks. */
export interface ProgramTensor {
  name: string;
  shape: [rows: number, width: number];
  /** Type that the program works with; BF16, F16 and F32 are read. */
  dtype: 'BF16' | 'F32';
  meaning: string;
}

/** What a constant of the step is in the model's own terms, for someone who prepares it with another implementation. */
const MEANINGS: Readonly<Record<string, string>> = {
  condition:
    'embedded timestep (and pooled text) that the modulation matrices multiply; blocks apply SiLU where the model does',
  timestep:
    'modulation vectors of the timestep, one behind the other, that are added to those of each block (of a table, or of low-rank matrices)',
  positions: 'learned embedding of positions, that every block adds to the video or image rows',
  context: 'rows of text as the K and V of cross-attention read them',
  rotary:
    'per video or image row, cosine and sine of each pair of elements of a head: cos, sin, cos, sin, ...',
  'rotary text': 'per text row, cosine and sine of each pair of elements of a head: cos, sin, cos, sin, ...',
};

/** @throws Error for a constant that nobody has described: a user could not prepare it. */
export function meaningOfInput({ name, rotaryRows }: FlowInput, { rope }: Dit): string {
  const meaning = MEANINGS[name];
  if (meaning === undefined) throw new Error(`input ${name} has no description in codegen/programTensors.ts`);
  if (rotaryRows === null) return meaning;
  return rope === undefined
    ? `${meaning}; computed over the number of the row with base 10000, because the model's file has no rope`
    : `${meaning}; computed by the model's own positions`;
}

export function meaningOfResidual(name: string): string {
  return name === 'text'
    ? 'text rows of the residual stream: behind the text embedders before the first block, then behind the last block'
    : `${name} rows of the residual stream, frame by frame and row by row of patches: behind the patch embedding before the first block, then behind the last block`;
}

/** Ranks over which the rows of a sharded tensor are spread. */
export function ranksOf(workload: BoundWorkload, sharded: boolean): number {
  return sharded ? workload.layout.sp : 1;
}

import type { BoundWorkload } from '../model/workload/workload.ts';
import type { FlowShape } from './dataflow/flow.ts';
import type { PlacedInput } from './layOut.ts';
import { meaningOfInput, meaningOfResidual, type ProgramTensor, ranksOf } from './programTensors.ts';

/** Rows of the residual stream on one rank, where they lie in its activation memory. */
export interface PlacedResidual {
  name: string;
  offset: number;
  rows: number;
  sharded: boolean;
}

export function residualsOf(workload: BoundWorkload, shape: FlowShape): PlacedResidual[] {
  const { hidden, rows, joined, sp } = shape;
  const x = { name: workload.model.modality, offset: 0, rows: rows.gemm.x, sharded: sp > 1 };
  if (!joined || rows.gemm.t === 0) return [x];
  return [x, { name: 'text', offset: rows.gemm.x * hidden * 2, rows: rows.gemm.t, sharded: sp > 1 }];
}

/** What `--inputs` takes and `--save-outputs` gives. */
export function tensorsOf(
  workload: BoundWorkload,
  inputs: readonly PlacedInput[],
  residuals: readonly PlacedResidual[],
): { inputs: ProgramTensor[]; outputs: ProgramTensor[] } {
  const streams = residuals.map(
    ({ name, rows, sharded }): ProgramTensor => ({
      name,
      shape: [rows * ranksOf(workload, sharded), workload.model.hidden],
      dtype: 'BF16',
      meaning: meaningOfResidual(name),
    }),
  );
  const constants = inputs.map(
    (input): ProgramTensor => ({
      name: input.name,
      shape: [input.rows * ranksOf(workload, input.sharded), input.elements / input.rows],
      dtype: input.rotaryRows === null ? 'BF16' : 'F32',
      meaning: meaningOfInput(input, workload.model),
    }),
  );
  return { inputs: [...streams, ...constants], outputs: streams };
}

import type { Dit } from '../model/dit/dit.ts';
import { plainAxes, type RotaryAxis, rotaryAxes } from '../model/dit/rope.ts';
import { UserError } from '../model/input/userError.ts';
import { stagesOf } from '../model/program/stages.ts';
import type { System } from '../model/system/system.ts';
import { rankRows } from '../model/workload/rows.ts';
import type { BoundWorkload } from '../model/workload/workload.ts';
import { blockFlow } from './dataflow/blockFlow.ts';
import { aligned, placeBuffers } from './dataflow/buffers.ts';
import type { FlowInput, FlowShape } from './dataflow/flow.ts';
import { identifier, Names } from './escape.ts';
import { type LaidOutKind, namespacesOf } from './view/compose.ts';

/** The kind of the catalogue's model that a block of a pass is of. */
export function ditKindAt({ model }: BoundWorkload, index: number): Dit['blocks'][number] {
  let first = 0;
  for (const kind of model.blocks) {
    first += kind.count;
    if (index < first) return kind;
  }
  throw new Error(`${model.name} has no block ${index}`);
}

/** An input of the blocks, where it lies among all of them. */
export interface PlacedInput extends FlowInput {
  offset: number;
  shape: string;
  sharded: boolean;
  /** Of a rotary table. */
  axes: readonly RotaryAxis[];
}

export type Layout = ReturnType<typeof layOut>;

/** Flows of all block kinds, and one piece of activation memory that serves them all. */
export function layOut(workload: BoundWorkload, system: System) {
  const { model, layout } = workload;
  const shapes = model.blocks.map((kind): FlowShape => {
    const joined = kind.segments.some((segment) => segment.kind === 'exchange' && segment.rows === 'j');
    return {
      hidden: model.hidden,
      heads: model.heads,
      rows: rankRows({ x: workload.tokens, t: workload.textRows, i: 0, a: 0 }, 1, layout, joined),
      sp: layout.sp,
      tp: layout.tp,
      exchange: layout.exchange,
      joined,
    };
  });
  if (new Set(shapes.map(({ joined }) => joined)).size > 1) {
    throw new UserError(
      `generate: ${model.name} joins text and image in some blocks only; there are no kernels for that yet`,
    );
  }
  for (const rows of ['x', 't'] as const) {
    const own = shapes[0]!.rows.gemm[rows];
    if (!Number.isInteger(own)) {
      const total = rows === 'x' ? workload.tokens : workload.textRows;
      throw new UserError(
        `generate: ${total} ${rows === 'x' ? 'tokens' : 'text rows'} do not divide over --sp ${layout.sp}; ` +
          (rows === 'x'
            ? 'give another --size'
            : `give --text-rows ${Math.ceil(total / layout.sp) * layout.sp}`),
      );
    }
  }
  const namespaces = namespacesOf(model.blocks.map(({ name }) => name));
  const [shape] = shapes;
  const residualRows = shape!.joined ? shape!.rows.gemm.j : shape!.rows.gemm.x;
  const residualBytes = residualRows * model.hidden * 2;
  const kinds = model.blocks.map((kind, index): LaidOutKind & { bytes: number } => {
    const flow = blockFlow(model, kind, shapes[index]!);
    const bound = workload.blocks[model.blocks.slice(0, index).reduce((sum, { count }) => sum + count, 0)]!;
    checkAgainst(
      bound.segments.map(({ kind: own, name }) => `${own} ${name}`),
      flow.segments.map(({ kind: own, name }) => `${own} ${name}`),
      kind.name,
    );
    if (flow.weightBytes !== bound.weightBytes) {
      throw new Error(
        `${kind.name}: weights take ${flow.weightBytes} bytes, the workload says ${bound.weightBytes}`,
      );
    }
    const { placed, bytes } = placeBuffers(flow.buffers, residualBytes);
    const names = new Names();
    const stages = stagesOf(bound, system.gpu, 'segments').filter((stage) => stage.kind === 'compute');
    const rows = shapes[index]!.rows.gemm;
    return {
      name: kind.name,
      namespace: namespaces[index]!,
      title: `${kind.name === 'block' ? '' : `${kind.name} `}block: ${rows.x} rows of video or image${rows.t > 0 ? ` and ${rows.t} of text` : ''} on this rank`,
      count: kind.count,
      container: kind.container,
      flow,
      buffers: placed,
      segments: stages.map((stage) => ({
        constant: names.unique(identifier(stage.name)),
        name: stage.name,
        durationS: stage.durationS,
      })),
      bytes,
    };
  });
  const inputs = placeInputs(kinds, workload);
  return {
    kinds,
    residualBytes,
    activationBytes: Math.max(...kinds.map(({ bytes }) => bytes)),
    inputs,
    inputBytes: inputs.reduce((end, input) => Math.max(end, aligned(input.offset + inputSize(input))), 0),
  };
}

function inputSize({ elements, rotaryRows }: FlowInput): number {
  return elements * (rotaryRows === null ? 2 : 4);
}

/** Rotary tables last and next to each other: joint rows read on from the table of x into that of t. */
function placeInputs(kinds: readonly LaidOutKind[], workload: BoundWorkload): PlacedInput[] {
  const all = new Map(kinds.flatMap(({ flow }) => [...flow.inputs]));
  const inputs = [...all.values()].sort(
    (a, b) => rotaryOrder(a) - rotaryOrder(b) || (a.name < b.name ? -1 : 1),
  );
  const { joined, sp } = kinds[0]!.flow.shape;
  let offset = 0;
  return inputs.map((input) => {
    const place = offset;
    offset += input.rotaryRows === null ? aligned(inputSize(input)) : inputSize(input);
    return {
      ...input,
      offset: place,
      shape:
        input.rotaryRows === null
          ? `[${input.elements}]`
          : `[${input.rows}, ${input.elements / input.rows}] cosines and sines`,
      axes: rotaryAxesOf(workload, input),
      // Tensor-parallel ranks hold the same rows.
      sharded: sp > 1 && input.byRows && (input.rotaryRows !== 't' || joined),
    };
  });
}

/** By the model's own positions; a model whose file says none has the numbers of its rows as positions. */
function rotaryAxesOf({ model, size, tokens }: BoundWorkload, input: FlowInput): RotaryAxis[] {
  if (input.rotaryRows === null) return [];
  const width = input.elements / input.rows;
  if (model.rope === undefined) return plainAxes(width, input.rotaryRows === 't' ? tokens : 0);
  return rotaryAxes(model, model.rope, size, input.rotaryRows, width);
}

function rotaryOrder({ rotaryRows }: FlowInput): number {
  return rotaryRows === null ? 0 : rotaryRows === 'x' ? 1 : 2;
}

function checkAgainst(expected: readonly string[], actual: readonly string[], kind: string): void {
  const differs = expected.findIndex((name, index) => name !== actual[index]);
  if (differs < 0 && expected.length === actual.length) return;
  const index = differs < 0 ? expected.length : differs;
  throw new Error(
    `${kind}: segment ${index} is ${expected[index]} in the workload, ${actual[index]} in the flow`,
  );
}

import { createHash } from 'node:crypto';
import { predictStep } from '../model/analytic/stepReport.ts';
import { firstIndices } from '../model/dit/depth.ts';
import { tensorsOfBlock } from '../model/dit/derive.ts';
import type { Dit } from '../model/dit/dit.ts';
import { plainAxes, type RotaryAxis, rotaryAxes } from '../model/dit/rope.ts';
import { UserError } from '../model/input/userError.ts';
import { memoryNeed } from '../model/physics/memory.ts';
import type { Plan } from '../model/plan/plan.ts';
import { makerOf } from '../model/plan/recipe.ts';
import { lower } from '../model/program/lower.ts';
import { stagesOf } from '../model/program/stages.ts';
import { verify } from '../model/program/verify.ts';
import type { System } from '../model/system/system.ts';
import { rankRows } from '../model/workload/rows.ts';
import type { BoundWorkload } from '../model/workload/workload.ts';
import { simulate } from '../sim/simulate.ts';
import { blockFlow } from './dataflow/blockFlow.ts';
import { aligned, placeBuffers } from './dataflow/buffers.ts';
import type { FlowInput, FlowShape } from './dataflow/flow.ts';
import { comment, constantName, cString, identifier, Names, real, unsigned64, whole } from './escape.ts';
import { type Manifest, manifestFormat } from './manifest.ts';
import { meaningOfInput, meaningOfResidual, type ProgramTensor, ranksOf } from './programTensors.ts';
import { refuseStatedUnproved, refuseUnproved } from './proof.ts';
import { refuseUnmade } from './refuseUnmade.ts';
import { render } from './templates.ts';
import { toolVersion } from './toolVersion.ts';
import {
  composePlan,
  kindViewOf,
  type LaidOutKind,
  namespacesOf,
  stagesItself,
  stagingBytes,
} from './view/compose.ts';
import { rotaryAxisView } from './view/rotary.ts';
import {
  blocksHeaderView,
  blocksView,
  cmakeView,
  type PlanView,
  type ProgramView,
  planView,
  programView,
} from './view/schema.ts';

export interface GeneratedFile {
  name: string;
  text: string;
}

export interface Generated {
  id: string;
  files: readonly GeneratedFile[];
  manifest: Manifest;
}

export interface GenerateOptions {
  /** Name of the program and of its folder; made from model, size, ranks and machine unless given. */
  id?: string;
  /** Also models that no reference proves: for the test that proves them. */
  unproved?: boolean;
}

/** Device memory for the libraries' workspaces. */
const WORKSPACE_BYTES = 64 * 1024 * 1024;
/** Random values of inputs and residuals are drawn from places beyond those of any weights. */
const FIRST_INPUT_VALUE = 2 ** 48;
const FIRST_RESIDUAL_VALUE = 2 ** 50;

/**
 * The sources of a specialised runtime: one workload on one machine, a function for each plan's step. Deterministic.
 *
 * @throws UserError for a workload that no kernels exist for; Error for a plan whose program must not run.
 */
export function generate(
  workload: BoundWorkload,
  system: System,
  plans: readonly Plan[],
  options: GenerateOptions = {},
): Generated {
  const { kinds, residualBytes, activationBytes, inputs, inputBytes } = laidOut(workload, system, options);
  const kindAt = (position: number) =>
    kinds[workload.model.blocks.indexOf(ditKindAt(workload, position % workload.blocks.length))]!;
  const id = options.id ?? defaultId(workload, system);
  if (!/^[a-z0-9][a-z0-9.-]{0,99}$/.test(id)) {
    throw new UserError(`--id ${JSON.stringify(id)}: expected small letters, digits, dots and dashes`);
  }
  const tool = toolVersion();
  const claimed: BoundWorkload = {
    ...workload,
    ...{ experts: 1, waitingExperts: 0 },
    outsideBytes: workload.outsideBytes / workload.experts,
    activationBytes: activationBytes + inputBytes,
    // Buffers of collectives are among the activations.
    collectiveBufferBytes: 0,
  };
  for (const plan of plans) refuseUnmade(plan);
  const composed = plans.map((plan) => {
    const program = lower(workload, system, plan);
    const [violation] = verify(program);
    if (violation !== undefined) {
      throw new Error(`plan ${plan.name} must not run: ${violation.rule}: ${violation.message}`);
    }
    const need = memoryNeed(claimed, system, plan);
    const staging = stagesItself(plan, system) ? 2 * stagingBytes(kinds) : 0;
    const claim = { ...need, hostPinnedBytes: need.hostPinnedBytes + staging };
    for (const key of Object.keys(claim) as (keyof typeof claim)[]) claim[key] = Math.round(claim[key]);
    return {
      plan,
      claim,
      ...composePlan(workload, system, plan, program, kindAt),
      predictedStepS: predictStep(workload, system, plan).stepTimeS,
      simulatedStepS: simulate(workload, system, plan, { breakEven: false }).report.stepTimeS,
    };
  });
  const residuals = residualsOf(workload, kinds[0]!.flow.shape);
  const inputsOfManifest = describeInputs(workload, system, plans);
  const header = [
    comment(
      `${workload.model.name}, ${inputsOfManifest.size}, ${inputsOfManifest.layout}, for ${system.name}.`,
    ),
    `Generated by ${tool}; do not edit, generate anew.`,
  ];
  const kindViews = kinds.map(kindViewOf);
  const planViews = composed.map(
    ({ view, claim }, index): PlanView => ({
      header,
      ...view,
      constant: `PLAN_${index}`,
      index: whole(index),
      claim: CLAIM_FIELDS.map((field) => ({ field, bytes: unsigned64(claim[field]) })),
    }),
  );
  const target = `chunkflow_${identifier(id)}`;
  const sources = [
    'program.cpp',
    ...kinds.map((kind) => `blocks_${kind.namespace}.cpp`),
    ...planFiles(plans),
  ];
  const files: GeneratedFile[] = [
    {
      name: 'blocks.hpp',
      text: render(
        'blocks.hpp',
        blocksHeaderView.parse({
          header,
          residual: `${residualBytes} bytes`,
          inputs: inputs.map((input) => ({
            constant: constantName(input.name),
            offset: unsigned64(input.offset),
            shape: comment(input.shape),
          })),
          kinds: kindViews,
        }),
      ),
    },
    ...kindViews.map((kind) => ({
      name: `blocks_${kind.namespace}.cpp`,
      text: render('blocks.cpp', blocksView.parse({ header, kind })),
    })),
    ...planViews.map((view, index) => ({
      name: planFiles(plans)[index]!,
      text: render('plan.cpp', planView.parse(view)),
    })),
    { name: 'CMakeLists.txt', text: render('CMakeLists.txt', cmakeView.parse({ header, target, sources })) },
  ];
  const fingerprint = hashOf(files.map(({ name, text }) => `${name}\n${text}`));
  files.push({
    name: 'program.cpp',
    text: render(
      'program.cpp',
      programView.parse({
        header,
        id: cString(id),
        title: cString(`${workload.model.name}, ${inputsOfManifest.size}, ${inputsOfManifest.layout}`),
        fingerprint: cString(fingerprint),
        tool: cString(tool),
        ranks: whole(system.peer === 'mirrored' ? 1 : workload.ranks),
        groupSize: whole(workload.ranks),
        mirrored: system.peer === 'mirrored' && workload.ranks > 1 ? 'true' : 'false',
        blocksPerPass: whole(workload.blocks.length),
        positions: whole(workload.blocks.length * workload.passes),
        kinds: kindViews,
        blocks: blocksOf(workload, kinds),
        plans: planViews.map(({ constant }) => ({ constant })),
        inputs: inputs.map((input, index) => ({
          constant: constantName(input.name),
          name: cString(input.name),
          meaning: cString(meaningOfInput(input, workload.model)),
          rows: whole(input.rows),
          width: whole(input.elements / input.rows),
          sharded: input.sharded ? 'true' : 'false',
          rotary: input.rotaryRows === null ? 'false' : 'true',
          axes: input.axes.map(rotaryAxisView),
          firstValue: unsigned64(FIRST_INPUT_VALUE + index * 2 ** 40),
          scale: real(input.rotaryRows === null ? 0.5 : 0),
          mean: real(0),
        })),
        residuals: residuals.map((residual, index) => ({
          name: cString(residual.name),
          meaning: cString(meaningOfResidual(residual.name)),
          offset: unsigned64(residual.offset),
          rows: whole(residual.rows),
          width: whole(workload.model.hidden),
          firstValue: unsigned64(FIRST_RESIDUAL_VALUE + index * 2 ** 40),
          sharded: residual.sharded ? 'true' : 'false',
        })),
        inputBytes: unsigned64(inputBytes),
        activationBytes: unsigned64(activationBytes),
        outsideBytes: unsigned64(Math.round(claimed.outsideBytes)),
        workspaceBytes: unsigned64(WORKSPACE_BYTES),
        tensorShards: whole(workload.layout.tp),
      } satisfies ProgramView),
    ),
  });
  files.sort((a, b) => (a.name < b.name ? -1 : 1));
  const manifest = manifestFormat.parse({
    schema: 'chunkflow/generated@1',
    id,
    target,
    title: `${workload.model.name}, ${inputsOfManifest.size}, ${inputsOfManifest.layout}`,
    tool,
    fingerprint,
    inputs: inputsOfManifest,
    system: { id: system.id, peer: system.peer },
    ranks: system.peer === 'mirrored' ? 1 : workload.ranks,
    groupSize: workload.ranks,
    mirrored: system.peer === 'mirrored' && workload.ranks > 1,
    plans: composed.map(({ plan, claim, statements, positions, predictedStepS, simulatedStepS }, index) => ({
      name: plan.name,
      transport: plan.transport,
      file: planFiles(plans)[index]!,
      claim,
      predictedStepS,
      simulatedStepS,
      statements,
      positions,
    })),
    cases: [],
    tensors: tensorsOf(workload, inputs, residuals),
    files: files.map(({ name, text }) => ({ name, sha256: createHash('sha256').update(text).digest('hex') })),
  } satisfies Manifest);
  return {
    id,
    files: [...files, { name: 'manifest.json', text: `${JSON.stringify(manifest, null, 1)}\n` }],
    manifest,
  };
}

/**
 * Whether there are kernels for a workload, and what a program can do for a plan.
 *
 * @throws UserError with the reason, as `generate` does, which takes far longer to find none.
 */
export function refuseUngenerated(workload: BoundWorkload, system: System, plan: Plan): void {
  laidOut(workload, system, {});
  refuseUnmade(plan);
}

/** Flows of a workload that there are kernels for, and that is proved unless nobody asks for it. */
function laidOut(workload: BoundWorkload, system: System, { unproved }: GenerateOptions) {
  if (unproved !== true) refuseStatedUnproved(workload.model);
  refuseUnsupported(workload);
  const layout = layOut(workload, system);
  if (unproved !== true) refuseUnproved(workload.model);
  return layout;
}

const CLAIM_FIELDS = [
  'outsideBytes',
  'residentBytes',
  'slotBytes',
  'activationBytes',
  'collectiveBufferBytes',
  'reserveBytes',
  'gpuPeakBytes',
  'hostPinnedBytes',
] as const;

function refuseUnsupported(workload: BoundWorkload): void {
  const { layout, batch, model, compute } = workload;
  const refuse = (what: string, remedy: string) => {
    throw new UserError(`generate: ${what}; ${remedy}`);
  };
  if (compute.dtype !== 'bf16')
    refuse(`--compute-dtype ${compute.dtype}: the runtime's matrix products are bf16`, 'leave it out');
  if (compute.attention !== null)
    refuse(`--attention ${compute.attention}: the runtime has attention of its own`, 'leave it out');
  if (compute.launch !== 'compiled')
    refuse(
      `--${compute.launch}: the runtime's kernels are fused, and launched by compiled code`,
      'leave it out',
    );
  if (batch > 1) refuse(`--batch ${batch}: the runtime computes one sample a step`, 'give --batch 1');
  if (layout.cfg === 'batched') {
    refuse('--cfg batched: the runtime computes one sequence a pass', 'give --cfg sequential or none');
  }
  if (layout.ring > 1) {
    refuse(
      `--ring ${layout.ring}: the runtime has no ring attention`,
      'leave it out; predict, simulate and plan know it',
    );
  }
  if (layout.sp > 1 && layout.tp > 1) {
    refuse(`--sp ${layout.sp} --tp ${layout.tp}: the runtime has one group of ranks`, 'give one of them');
  }
  if (model.audio !== undefined)
    refuse(`${model.name} makes sound`, 'there are no kernels for its audio rows yet');
  if (model.imageRows > 0)
    refuse(`${model.name} attends to a conditioning image`, 'there are no kernels for its rows yet');
  if (workload.referenceImages.length > 0)
    refuse('there are no positions for tokens of reference images yet', 'give --reference-image none');
  const tensors = model.blocks.flatMap(({ segments }) => tensorsOfBlock(segments));
  const other = tensors.find(({ parameters, bytes }) => bytes !== 2 * parameters);
  if (other !== undefined) {
    refuse(
      `${model.name} has ${other.name} in ${(other.bytes / other.parameters).toFixed(3)} bytes a parameter`,
      'the runtime computes with weights of bf16, 2 bytes; --dtype bf16 takes them so',
    );
  }
}

/** The kind of the catalogue's model that a block of a pass is of. */
function ditKindAt({ model }: BoundWorkload, index: number): Dit['blocks'][number] {
  let first = 0;
  for (const kind of model.blocks) {
    first += kind.count;
    if (index < first) return kind;
  }
  throw new Error(`${model.name} has no block ${index}`);
}

interface PlacedInput extends FlowInput {
  offset: number;
  shape: string;
  sharded: boolean;
  /** Of a rotary table. */
  axes: readonly RotaryAxis[];
}

/** Flows of all block kinds, and one piece of activation memory that serves them all. */
function layOut(workload: BoundWorkload, system: System) {
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

function blocksOf(workload: BoundWorkload, kinds: readonly LaidOutKind[]): ProgramView['blocks'] {
  const firsts = firstIndices(workload.model.blocks);
  let firstValue = 0;
  return kinds
    .flatMap((kind, place) =>
      Array.from({ length: kind.count }, (_, index) => {
        const block = {
          prefix: cString(`${kind.container}.${firsts[place]! + index}.`),
          bytes: unsigned64(kind.flow.weightBytes),
          namespace: kind.namespace,
          firstValue: unsigned64(firstValue),
        };
        firstValue += kind.flow.tensors.reduce(
          (sum, { shape }) => sum + shape.reduce((product, side) => product * side, 1),
          0,
        );
        return block;
      }),
    )
    .slice(0, workload.blocks.length);
}

/** Rows of the residual stream on one rank, where they lie in its activation memory. */
interface PlacedResidual {
  name: string;
  offset: number;
  rows: number;
  sharded: boolean;
}

function residualsOf(workload: BoundWorkload, shape: FlowShape): PlacedResidual[] {
  const { hidden, rows, joined, sp } = shape;
  const x = { name: workload.model.modality, offset: 0, rows: rows.gemm.x, sharded: sp > 1 };
  if (!joined || rows.gemm.t === 0) return [x];
  return [x, { name: 'text', offset: rows.gemm.x * hidden * 2, rows: rows.gemm.t, sharded: sp > 1 }];
}

/** What `--inputs` takes and `--save-outputs` gives. */
function tensorsOf(
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

function describeInputs(
  workload: BoundWorkload,
  system: System,
  plans: readonly Plan[],
): NonNullable<Manifest['inputs']> {
  const { width, height, frames } = workload.size;
  const { sp, tp, exchange, cfg } = workload.layout;
  const layout = [
    `SP ${sp}`,
    ...(tp > 1 ? [`TP ${tp}`] : []),
    ...(sp > 1 ? [exchange] : []),
    ...(cfg === 'none' ? [] : [`${cfg} guidance`]),
  ];
  return {
    model: workload.model.id,
    size: `${width}x${height}${frames > 1 ? `x${frames}` : ''} (${workload.tokens} tokens)`,
    layout: layout.join(', '),
    blocks: workload.blocks.length,
    tokens: workload.tokens,
    textRows: workload.textRows,
    passes: workload.passes,
    plans: plans.map(({ name }) => name),
    machine: system.id,
  };
}

function defaultId(workload: BoundWorkload, system: System): string {
  const { width, height, frames } = workload.size;
  const { sp, tp } = workload.layout;
  return [
    workload.model.id,
    `${width}x${height}${frames > 1 ? `x${frames}` : ''}`,
    `b${workload.blocks.length}`,
    sp > 1 ? `sp${sp}` : tp > 1 ? `tp${tp}` : 'sp1',
    system.id,
  ]
    .join('-')
    .toLowerCase()
    .replace(/[^a-z0-9.-]/g, '-');
}

/** `plan_0_none.cpp`: numbered, so that plans that read alike stay apart. */
function planFiles(plans: readonly Plan[]): string[] {
  return plans.map(({ recipe }, index) => `plan_${index}_${identifier(makerOf(recipe))}.cpp`);
}

function hashOf(texts: readonly string[]): string {
  const hash = createHash('sha256');
  for (const text of texts) hash.update(`${text.length}\n${text}`);
  return hash.digest('hex').slice(0, 16);
}

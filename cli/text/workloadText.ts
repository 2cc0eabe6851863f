import type { Prediction } from '../../documents/prediction.ts';
import type { WorkloadFields } from '../../documents/workload.ts';
import { hostsLine } from './hostsText.ts';
import type { Layout } from './layout.ts';
import { paragraph } from './wrap.ts';

type Anchor = NonNullable<Prediction['machine']['anchor']>;

/** What runs where, and what is taken for granted: of one document, or of several that differ by their sizes. */
export function settingText(
  documents: readonly Pick<Prediction, 'machine' | 'workload'>[],
  transports: readonly string[],
  spIsDefault: boolean,
  layout: Layout,
): string {
  const [first] = documents;
  const { workload, machine } = first!;
  return [
    ...workloadLines(workload, documents.length, spIsDefault),
    machineLine(first!, transports),
    ...(machine.betweenHosts ?? []).map(hostsLine),
    ...(machine.anchor === undefined ? [] : [anchorLine(machine.anchor)]),
    ...(machine.notes ?? []).map((note) => `note: ${note}`),
    ...workload.assumptions.map((assumption) => `assumed: ${assumption}`),
  ]
    .map((line) => paragraph(line, layout))
    .join('');
}

/** Which measured step a machine was brought to, and what that took. */
function anchorLine({ plan, stepS, size, transport, speeds }: Anchor): string {
  const times = (speed: number) => (1 / speed).toFixed(2);
  const collectives =
    transport === null ? '' : `, collectives over ${transport} ${times(speeds.collectives)} times`;
  const at = size === '' ? '' : ` at ${size}`;
  return (
    `measured: ${plan} takes ${(stepS * 1e3).toLocaleString('en-US', { maximumFractionDigits: 1 })} ms${at}, ` +
    `so compute takes ${times(speeds.compute.gemm)} times what the machine's file says${collectives}`
  );
}

/** What is computed, in a line. */
export function workloadLines(workload: WorkloadFields, sizes: number, spIsDefault: boolean): string[] {
  if (workload.from === 'profile') return profileLines(workload);
  const { name, width, height, frames, batch, sp, ring = 1, tp, cfg } = workload;
  const size = frames === 1 ? `${width}x${height}` : `${width}x${height}x${frames}`;
  const layout = [
    `batch ${batch}`,
    `SP ${sp}${spIsDefault ? ' (default)' : ''}`,
    ...(ring > 1 ? [`ring ${ring}`] : []),
    ...(tp > 1 ? [`TP ${tp}`] : []),
    `guidance ${cfg}`,
    ...computeWords(workload.compute),
  ];
  const tokens = workload.tokens.toLocaleString('en-US');
  const at = sizes === 1 ? `${size} (${tokens} tokens)` : `${sizes} sizes`;
  return [`${name} at ${at}, ${layout.join(', ')}; ${streamedText(workload, workload.modelBlocks)}`];
}

/** A mode of computing where it is not the usual one. */
function computeWords(compute: Extract<WorkloadFields, { from: 'model' }>['compute']): string[] {
  if (compute === undefined) return [];
  const { dtype, attention, launch } = compute;
  return [
    ...(dtype === 'bf16' ? [] : [`${dtype} products`]),
    ...(attention === null ? [] : [attention]),
    ...(launch === 'compiled' ? [] : [launch]),
  ];
}

function profileLines({
  inputs,
  made,
  measured,
  ...workload
}: Extract<WorkloadFields, { from: 'profile' }>): string[] {
  const ms = (seconds: number) => `${(seconds * 1e3).toFixed(1)} ms`;
  const shapes = inputs.map(({ name, shape, dtype }) => `${name} ${shape.join('x')} ${dtype}`);
  const parts = [`compute ${ms(measured.computeS)}`];
  if (workload.ranks > 1) parts.push(`collectives ${ms(measured.collectiveS)}`);
  parts.push(`outside of the blocks ${ms(measured.outsideS)}`);
  const ranks = workload.ranks === 1 ? 'one rank' : `${workload.ranks} ranks`;
  return [
    `${workload.name}, profiled on ${made.device}${inputs.length > 0 ? ` with ${shapes.join(', ')}` : ''}; ` +
      `${ranks}; ${streamedText(workload)}`,
    `measured a step: ${parts.join(', ')}`,
  ];
}

/** @param modelBlocks of the whole model, where only some are taken. */
function streamedText(
  { weightBytes, blocks, passes }: Pick<WorkloadFields, 'weightBytes' | 'blocks' | 'passes'>,
  modelBlocks?: number,
): string {
  const of = modelBlocks === undefined ? '' : ` of ${modelBlocks}`;
  const gibibytes = (weightBytes / 2 ** 30).toFixed(2);
  return `${gibibytes} GiB in ${blocks}${of} blocks, ${passes} pass${passes > 1 ? 'es' : ''} a step`;
}

/** Where it runs, in a line. */
function machineLine(
  { machine, workload }: Pick<Prediction, 'machine' | 'workload'>,
  transports: readonly string[],
): string {
  const transport =
    workload.ranks > 1
      ? `transport ${[...new Set(transports)].join(' and ')}, peer ${machine.peer}`
      : 'no collectives';
  const { gpus, gpu, gpuMemoryBytes } = machine;
  return `on ${machine.name} (${gpus} x ${gpu}, ${(gpuMemoryBytes / 2 ** 30).toFixed(1)} GiB), ${transport}`;
}

import { SEGMENT_CLASSES, type SegmentClass } from '../../model/dit/kinds.ts';
import { UserError } from '../../model/input/userError.ts';
import { segmentTimeS } from '../../model/physics/compute.ts';
import type { Gpu } from '../../model/system/system.ts';
import {
  type BlockKind,
  type ComputeSegment,
  computeIn,
  type Workload,
} from '../../model/workload/workload.ts';
import { type Chart, name, number } from './chart.ts';
import { role, seriesRole } from './theme.ts';

const SERIES: Readonly<Record<SegmentClass, number>> = { gemm: 0, attention: 1, elementwise: 2 };
const BAR_PX = 15;

/**
 * The compute of a model's blocks on the GPU's roofline, at its highest clock: what each segment reaches of the peak by its FLOPs for
 * each byte, the roof of the datasheet, and the one that large kernels reach. Below it the seconds of a step that each takes, those
 * without FLOPs among them.
 *
 * @throws UserError for a profile, which knows no FLOPs.
 */
export function rooflineChart(
  workload: Workload,
  gpu: Gpu,
  title: string,
  subtitle: readonly string[],
): Chart {
  if (workload.from === 'profile')
    throw new UserError('--profile: its compute is known in seconds and not in FLOPs; give --model');
  const rows = segmentRows(workload, gpu);
  const drawn = rows.flatMap(({ intensity }) => (intensity > 0 ? [intensity] : []));
  const ridge = gpu.peakFlops / gpu.hbmBytesPerS;
  const domain: [number, number] = [Math.min(...drawn, ridge) / 3, Math.max(...drawn, ridge) * 3];
  return {
    title,
    subtitle: [
      ...subtitle,
      'at the highest clock; dashed: what large kernels reach; elementwise work has no FLOPs and is in the lower part alone',
    ],
    columns: 1,
    groups: [{ views: [roofline(domain)] }, { heading: 'time in a step by segment', views: [seconds(rows)] }],
    rows,
    guides: { roofs: [...roof('datasheet', 1, 1, gpu, domain), ...reached(gpu, domain)] },
    legend: SEGMENT_CLASSES,
    resolve: { scale: { x: 'independent', y: 'independent', color: 'shared' } },
  };
}

function segmentRows(workload: Workload, gpu: Gpu) {
  const found = new Map<string, ReturnType<typeof rowOf> & { perStep: number }>();
  const { blocks, passes } = workload;
  for (const block of blocks)
    for (const segment of block.segments.flatMap(computeIn)) {
      const key = `${block.name} ${segment.name}`;
      const known = found.get(key);
      if (known === undefined) found.set(key, { ...rowOf(block, segment, gpu), perStep: passes });
      else known.perStep += passes;
    }
  return [...found.values()]
    .map((row) => ({ ...row, stepMs: row.ms * row.perStep }))
    .sort((a, b) => b.stepMs - a.stepMs);
}

function rowOf({ name: kind }: BlockKind, segment: ComputeSegment, gpu: Gpu) {
  const { class: of, flops, bytes } = segment;
  const seconds = segmentTimeS(segment, gpu);
  return {
    ...{ segment: segment.name, kind, class: of, flops, bytes },
    intensity: bytes === 0 ? 0 : flops / bytes,
    tflopPerS: flops / seconds / 1e12,
    ms: seconds * 1e3,
  };
}

type Roof = { roof: string; intensity: number; tflopPerS: number };

/** The roof of a share of the peak and a share of the memory's rate, over the axis. */
function roof(
  called: string,
  ofPeak: number,
  ofMemory: number,
  gpu: Gpu,
  [from, to]: [number, number],
): Roof[] {
  const peak = gpu.peakFlops * ofPeak;
  const slope = gpu.hbmBytesPerS * ofMemory;
  const ridge = peak / slope;
  return [from, ridge, to]
    .filter((intensity) => intensity >= from && intensity <= to)
    .map((intensity) => ({ roof: called, intensity, tflopPerS: Math.min(peak, slope * intensity) / 1e12 }));
}

function reached(gpu: Gpu, domain: [number, number]): Roof[] {
  const { efficiency } = gpu;
  return (['gemm', 'attention'] as const).flatMap((of) =>
    roof(of, efficiency[of], efficiency.elementwise, gpu, domain),
  );
}

function classColour() {
  return name('class', null, {
    scale: { domain: [...SEGMENT_CLASSES], range: SEGMENT_CLASSES.map((of) => seriesRole(SERIES[of])) },
  });
}

const TOOLTIP = [
  ...[name('segment', 'segment'), name('kind', 'block'), name('class', 'class')],
  number('intensity', 'FLOPs for each byte', { format: ',.0f' }),
  number('tflopPerS', 'reached (TFLOP/s)', { format: ',.1f' }),
  number('ms', 'once (ms)', { format: ',.3f' }),
  number('stepMs', 'in a step (ms)', { format: ',.1f' }),
];

function roofline(domain: [number, number]) {
  const x = number('intensity', 'FLOPs per byte of device memory', {
    scale: { type: 'log', domain, nice: false },
    axis: { format: '~s' },
  });
  const y = number('tflopPerS', 'TFLOP/s', { scale: { type: 'log', nice: false }, axis: { format: '~r' } });
  return {
    height: { ofWidth: 0.9, most: 320 },
    layer: [
      {
        data: { name: 'roofs' },
        mark: { type: 'line', strokeWidth: 1.4, color: role('soft') },
        encoding: {
          x,
          y,
          detail: name('roof', null),
          strokeDash: {
            condition: { test: "datum.roof === 'datasheet'", value: [1, 0] },
            value: [4, 3],
          },
        },
      },
      {
        data: { name: 'roofs' },
        transform: [
          { joinaggregate: [{ op: 'max', field: 'intensity', as: 'last' }], groupby: ['roof'] },
          { filter: 'datum.intensity === datum.last' },
        ],
        mark: {
          type: 'text',
          align: 'right',
          baseline: 'bottom',
          dy: -3,
          color: role('soft'),
        },
        encoding: { x, y, text: name('roof', null) },
      },
      {
        data: { name: 'rows' },
        transform: [{ filter: 'datum.flops > 0' }],
        mark: { type: 'point', filled: true, opacity: 0.85, stroke: role('paper'), strokeWidth: 0.6 },
        encoding: {
          ...{ x, y, color: classColour() },
          size: number('stepMs', 'ms of a step', { scale: { range: [20, 400] }, legend: null }),
          tooltip: TOOLTIP,
        },
      },
    ],
  };
}

function seconds(rows: readonly { segment: string }[]) {
  return {
    height: { step: BAR_PX },
    data: { name: 'rows' },
    mark: { type: 'bar' },
    encoding: {
      x: number('stepMs', 'ms of a step', {}),
      y: name('segment', null, { sort: [...new Set(rows.map(({ segment }) => segment))] }),
      color: classColour(),
      tooltip: TOOLTIP,
    },
  };
}

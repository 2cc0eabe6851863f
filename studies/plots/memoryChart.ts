import { GiB } from '../../model/input/byteUnits.ts';
import type { MemoryNeed } from '../../model/physics/memory.ts';
import { type Chart, name, number } from './chart.ts';
import { role, seriesRole } from './theme.ts';

/** What one plan needs, and what there is. Bytes. */
export interface PlanMemory {
  plan: string;
  transport: string;
  need: MemoryNeed;
}

/** What GPU memory holds, from the bottom of a bar. */
const PARTS = [
  ['reserveBytes', 'context, libraries, transport', 7],
  ['outsideBytes', 'weights outside of the blocks', 6],
  ['residentBytes', 'resident weights of blocks', 0],
  ['slotBytes', 'slots', 2],
  ['activationBytes', 'activations', 1],
  ['collectiveBufferBytes', 'buffers of collectives', 3],
] as const satisfies readonly (readonly [keyof MemoryNeed, string, number])[];

const BAR_PX = 24;

/** GPU memory of one rank by what it holds, a bar for each plan, with the card's capacity; and what each pins in host memory. */
export function memoryChart(
  plans: readonly PlanMemory[],
  { gpuBytes, hostShareBytes }: { gpuBytes: number; hostShareBytes: number },
  title: string,
  subtitle: readonly string[],
): Chart {
  const rows = plans.flatMap(memoryRows);
  const host = Math.max(...plans.map(({ need }) => need.hostPinnedBytes));
  const order = plans.map(({ plan }) => plan);
  const holds = PARTS.map(([, text]) => text);
  return {
    title,
    subtitle,
    columns: 1,
    groups: [
      {
        heading: 'GPU memory',
        views: [
          bars('gpu', order, 'GiB of each GPU', {
            color: name('holds', null, {
              scale: { domain: holds, range: PARTS.map(([, , series]) => seriesRole(series)) },
              sort: holds,
            }),
            order: number('place', null),
          }),
        ],
      },
      {
        heading: 'pinned host memory',
        views: [bars('host', order, 'GiB of each rank', { color: { value: seriesRole(5) } })],
      },
    ],
    rows,
    guides: {
      gpu: [{ gib: gpuBytes / GiB, label: `${(gpuBytes / GiB).toFixed(1)} GiB` }],
      // A host of terabytes would make every bar a line.
      host:
        hostShareBytes > 3 * host
          ? []
          : [{ gib: hostShareBytes / GiB, label: `${(hostShareBytes / GiB).toFixed(0)} GiB` }],
    },
    legend: holds,
    resolve: { scale: { x: 'independent', color: 'independent' } },
  };
}

function memoryRows({ plan, transport, need }: PlanMemory) {
  const [gpu, host] = [need.gpuPeakBytes / GiB, need.hostPinnedBytes / GiB];
  const common = { plan, transport };
  return [
    ...PARTS.map(([key, holds], place) => ({
      ...common,
      of: 'gpu',
      holds,
      place,
      gib: need[key] / GiB,
      allGib: gpu,
    })),
    { ...common, of: 'host', holds: 'pinned', place: 0, gib: host, allGib: host },
  ];
}

function bars(of: 'gpu' | 'host', plans: readonly string[], title: string, encoding: object) {
  const x = number('gib', title, { scale: { zero: true } });
  return {
    height: { step: BAR_PX },
    layer: [
      {
        data: { name: 'rows' },
        transform: [{ filter: { field: 'of', equal: of } }],
        mark: { type: 'bar', stroke: role('paper'), strokeWidth: 0.5 },
        encoding: {
          x: { ...x, stack: 'zero' },
          y: name('plan', null, { sort: plans }),
          ...encoding,
          tooltip: [
            ...[name('plan', 'plan'), name('transport', 'transport'), name('holds', 'holds')],
            number('gib', 'GiB', { format: ',.2f' }),
            ...(of === 'gpu' ? [number('allGib', 'all of the plan (GiB)', { format: ',.2f' })] : []),
          ],
        },
      },
      {
        data: { name: 'rows' },
        transform: [
          {
            filter: {
              and: [
                { field: 'of', equal: of },
                { field: 'place', equal: 0 },
              ],
            },
          },
        ],
        mark: { type: 'text', align: 'left', dx: 4 },
        encoding: {
          x: number('allGib', title),
          y: name('plan', null, { sort: plans }),
          text: number('allGib', null, { format: ',.1f' }),
        },
      },
      {
        data: { name: of },
        mark: { type: 'rule', color: role('ink'), strokeDash: [5, 3] },
        encoding: { x },
      },
      {
        data: { name: of },
        mark: { type: 'text', align: 'right', baseline: 'bottom', dx: -3 },
        encoding: { x, y: { value: 0 }, text: name('label', null) },
      },
    ],
  };
}

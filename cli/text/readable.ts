import type { PlanReport } from '../../documents/planReport.ts';
import type { Prediction } from '../../documents/prediction.ts';
import type { Simulation } from '../../documents/simulation.ts';
import type { WorkloadFields } from '../../documents/workload.ts';
import { grouped } from '../../model/input/grouped.ts';
import { type Column, formatTable } from './table.ts';

/** The columns that predictions and simulations share. */
export const PLAN_COLUMNS: readonly Column<PlanReport>[] = [
  { header: 'plan', value: (report) => report.plan },
  { header: 'step ms', value: (report) => report.stepTimeS * 1e3, digits: 1 },
  {
    header: '95 % interval',
    value: ({
      doubt: {
        stepS: [low, high],
      },
    }) => [low, high].map((seconds) => significant(seconds * 1e3)).join('-'),
  },
  { header: 'vs none', value: (report) => report.versusNone, digits: 2 },
  { header: 'compute ms', value: (report) => report.computeS * 1e3, digits: 1 },
  { header: 'collective ms', value: (report) => report.collectiveS * 1e3, digits: 1 },
  { header: 'exposed ms', value: (report) => report.exposedPrefetchS * 1e3, digits: 1 },
  { header: 'inflation ms', value: (report) => report.collectiveInflationS * 1e3, digits: 1 },
  { header: 'GPU GiB', value: (report) => report.gpuPeakBytes / 2 ** 30, digits: 1 },
  { header: 'host GiB', value: (report) => report.hostPinnedBytes / 2 ** 30, digits: 1 },
  { header: 'bound by', value: (report) => report.boundBy },
];

/**
 * A document as a person reads it: what runs where, one row per plan, and a sentence on each.
 *
 * @param how what made the numbers, such as `closed form`
 */
export function readable<Report extends PlanReport>(
  document: (Prediction | Simulation) & { plans: readonly Report[] },
  columns: readonly Column<Report>[],
  { how, spIsDefault }: { how: string; spIsDefault: boolean },
): string {
  const verdicts = document.plans.flatMap(({ plan, verdict, notes = [] }) => [
    `${plan}: ${verdict}\n`,
    ...notes.map((note) => `  note: ${note}\n`),
  ]);
  return [
    workloadLine(document.workload, spIsDefault),
    machineLine(
      document,
      document.plans.map(({ transport }) => transport),
    ),
    ...document.workload.assumptions.map((assumption) => `assumed: ${assumption}\n`),
    `${how}, one step of one rank:\n\n`,
    formatTable(columns, document.plans),
    '\n',
    ...verdicts,
    ...doubtLines(document.plans),
    paperLine(document.paperCriterion),
    requestText(document.plans),
  ].join('');
}

interface Requested {
  plan: string;
  request: NonNullable<PlanReport['request']>;
}

const REQUEST_COLUMNS: readonly Column<Requested>[] = [
  { header: 'plan', value: ({ plan }) => plan },
  { header: 'total s', value: ({ request }) => request.totalS, digits: 2 },
  {
    header: '95 % interval',
    value: ({ request: { intervalS } }) => intervalS.map(significant).join('-'),
  },
  { header: 'steady step s', value: ({ request }) => request.stepS, digits: 3 },
  { header: 'first step +s', value: ({ request }) => request.coldS, digits: 3 },
  { header: 'switches', value: ({ request }) => request.switches },
  { header: 'each s', value: ({ request }) => request.switchS, digits: 3 },
  { header: 'before and after s', value: ({ request }) => request.beforeS + request.afterS, digits: 2 },
];

/** The time of a whole request, where one was asked about: of the plans that fit, since no other has one. */
function requestText(plans: readonly PlanReport[]): string {
  const asked = plans.flatMap((report) =>
    report.request === null ? [] : [{ ...report, request: report.request }],
  );
  if (asked.length === 0) return '';
  const { steps } = asked[0]!.request;
  const fitting = asked.filter(({ boundBy }) => boundBy !== 'memory' && boundBy !== 'host-memory');
  const others = asked.filter((one) => !fitting.includes(one)).map(({ plan }) => plan);
  return [
    `\nA request of ${steps} step${steps === 1 ? '' : 's'}:\n\n`,
    fitting.length > 0 ? formatTable(REQUEST_COLUMNS, fitting) : '',
    fitting.length > 0 && others.length > 0 ? '\n' : '',
    others.length > 0 ? `left out, since it does not fit: ${others.join(', ')}\n` : '',
  ].join('');
}

/** Ends of intervals have three digits: they are not known to more. */
function significant(value: number): string {
  return Number(value.toPrecision(3)).toLocaleString('en-US');
}

/** What decides the intervals: once for plans of which the same is said. */
function doubtLines(plans: readonly PlanReport[]): string[] {
  const said = grouped(plans, ({ doubt }) => doubt.says);
  return [...said].map(([what, those]) => {
    const shares = those.map(({ doubt }) => Math.round(100 * doubt.share));
    const [least, most] = [Math.min(...shares), Math.max(...shares)];
    const of = said.size === 1 ? '' : `${those.map(({ plan }) => plan).join(', ')}: `;
    return `${of}${least === most ? most : `${least} to ${most}`} % of the doubt is ${what}\n`;
  });
}

/** What is computed, in a line. */
export function workloadLine(workload: WorkloadFields, spIsDefault: boolean): string {
  if (workload.from === 'profile') return profileLine(workload);
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
  return `${name} at ${size} (${tokens} tokens), ${layout.join(', ')}; ${streamedText(workload)}\n`;
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

function profileLine({
  inputs,
  made,
  measured,
  ...workload
}: Extract<WorkloadFields, { from: 'profile' }>): string {
  const ms = (seconds: number) => `${(seconds * 1e3).toFixed(1)} ms`;
  const shapes = inputs.map(({ name, shape, dtype }) => `${name} ${shape.join('x')} ${dtype}`);
  const parts = [`compute ${ms(measured.computeS)}`];
  if (workload.ranks > 1) parts.push(`collectives ${ms(measured.collectiveS)}`);
  parts.push(`outside of the blocks ${ms(measured.outsideS)}`);
  const ranks = workload.ranks === 1 ? 'one rank' : `${workload.ranks} ranks`;
  return [
    `${workload.name}, profiled on ${made.device}${inputs.length > 0 ? ` with ${shapes.join(', ')}` : ''}; `,
    `${ranks}; ${streamedText(workload)}\n`,
    `measured a step: ${parts.join(', ')}\n`,
  ].join('');
}

function streamedText({
  weightBytes,
  blocks,
  passes,
}: Pick<WorkloadFields, 'weightBytes' | 'blocks' | 'passes'>): string {
  const gibibytes = (weightBytes / 2 ** 30).toFixed(2);
  return `${gibibytes} GiB in ${blocks} blocks, ${passes} pass${passes > 1 ? 'es' : ''} a step`;
}

/** Where it runs, in a line. */
export function machineLine(
  { machine, workload }: Pick<Prediction, 'machine' | 'workload'>,
  transports: readonly string[],
): string {
  const transport =
    workload.ranks > 1
      ? `transport ${[...new Set(transports)].join(' and ')}, peer ${machine.peer}`
      : 'no collectives';
  const { gpus, gpu, gpuMemoryBytes } = machine;
  return `on ${machine.name} (${gpus} x ${gpu}, ${(gpuMemoryBytes / 2 ** 30).toFixed(1)} GiB), ${transport}\n`;
}

function paperLine({ prefetchS, computeS, hidden }: Prediction['paperCriterion']): string {
  const ms = (seconds: number) => `${(seconds * 1e3).toFixed(1)} ms`;
  const says = hidden ? 'hidden' : 'not hidden';
  return `paper-criterion (ignores collectives): ${says}, ${ms(prefetchS)} of prefetch against ${ms(computeS)} of compute in an average block\n`;
}

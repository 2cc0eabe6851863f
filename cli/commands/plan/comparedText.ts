import type { PlanChoice, SearchedPlan } from '../../../documents/planChoice.ts';
import { GiB } from '../../../model/input/byteUnits.ts';
import { NO_TRANSPORT } from '../../../model/system/transport.ts';
import { TIE } from '../../../search/search.ts';
import { barLegend, stepBar } from '../../text/bar.ts';
import { BOUND_WORDS } from '../../text/boundWords.ts';
import type { Layout } from '../../text/layout.ts';
import { type Column, formatTable } from '../../text/table.ts';

/** Less would print as 0.0 ms. */
const LEAST_GAIN_MS = 0.05;

/** The choice above the presets, and which of them fit. */
export function comparedTable({ choice, compared, caps }: PlanChoice, layout: Layout): string {
  const rows = [{ ...choice, plan: 'the choice' }, ...compared];
  const longestS = Math.max(...rows.map(({ stepTimeS }) => stepTimeS));
  const isChoice = (row: SearchedPlan) => (row === rows[0] ? 'best' : null);
  const columns: readonly Column<SearchedPlan>[] = [
    { header: 'plan', value: ({ plan }) => plan, tone: isChoice },
    ...(choice.transport === NO_TRANSPORT
      ? []
      : [{ header: 'transport', value: ({ transport }: SearchedPlan) => transport }]),
    { header: 'step ms', value: ({ stepTimeS }) => stepTimeS * 1e3, digits: 1, tone: isChoice },
    { header: 'bar', value: (row) => stepBar(row, longestS), tone: isChoice },
    { header: 'vs none', value: ({ versusNone }) => versusNone, digits: 3 },
    { header: 'GPU GiB', value: ({ gpuPeakBytes }) => gpuPeakBytes / GiB, digits: 1 },
    { header: 'host GiB', value: ({ hostPinnedBytes }) => hostPinnedBytes / GiB, digits: 1 },
    {
      header: 'fits',
      value: (row) => fitText(row, caps),
      tone: ({ fits }) => (fits ? null : 'refused'),
    },
    { header: 'bound by', value: ({ boundBy }) => BOUND_WORDS[boundBy] },
    { header: 'exposed ms', value: ({ exposedPrefetchS }) => exposedPrefetchS * 1e3, digits: 1 },
    { header: 'inflation ms', value: ({ collectiveInflationS }) => collectiveInflationS * 1e3, digits: 1 },
  ];
  return formatTable(columns, rows, layout) + barLegend(rows);
}

function fitText({ fits, gpuPeakBytes, hostPinnedBytes }: SearchedPlan, caps: PlanChoice['caps']): string {
  if (fits) return 'yes';
  const over = [
    { where: 'GPU', bytes: gpuPeakBytes - caps.gpuBytes },
    { where: 'host', bytes: hostPinnedBytes - caps.pinnedBytes },
  ].filter(({ bytes }) => bytes > 0);
  return over.map(({ where, bytes }) => `${where} +${(bytes / GiB).toFixed(1)} GiB`).join(', ');
}

/** What more GPU memory would buy: of the bound, which is what is known of plans that were not looked for. */
export function memoryLine({ bound, caps, choice, gap }: PlanChoice): string {
  const perGiBMs = bound.secondsPerGpuByte * GiB * 1e3;
  if (perGiBMs >= LEAST_GAIN_MS)
    return `one more GiB of GPU memory takes ${perGiBMs.toFixed(1)} ms off the bound, at this cap`;
  if (gap > TIE)
    return `more GPU memory takes nothing off the bound; it may close the optimality gap of ${(100 * gap).toFixed(1)} %`;
  const leftGiB = (caps.gpuBytes - choice.gpuPeakBytes) / GiB;
  const left = leftGiB >= 0.1 ? `: the choice leaves ${leftGiB.toFixed(1)} GiB of the cap` : '';
  return `more GPU memory buys nothing${left}`;
}

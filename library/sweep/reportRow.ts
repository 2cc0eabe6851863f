import { type Doubt, doubtOf } from '../../model/analytic/doubt.ts';
import type { StepReport } from '../../model/analytic/report.ts';
import { formatSize } from '../../model/dit/tokens.ts';
import { GiB } from '../../model/input/byteUnits.ts';
import { bytesOf } from '../../model/input/givenQuantity.ts';
import type { Scenario } from '../../model/scenario/scenario.ts';
import { passWeightBytes } from '../../model/workload/workload.ts';
import type { Caps } from '../../search/caps.ts';
import { columnOfAxis, type Row, type SetColumn } from '../../studies/sweep/columns.ts';
import type { AxisValue, Source } from '../../studies/sweep/grid.ts';
import type { SweepPoint } from '../../studies/sweep/points.ts';

/** What was asked at a point, as its columns have it. */
export function askedRow({ number, grid, asked }: SweepPoint, sets: readonly SetColumn[]): Row {
  const { model, entry, size, profile } = asked.get('source') as Source;
  const plain = [...asked].filter(([name]) => name !== 'source' && !name.startsWith('set '));
  return {
    ...{ point: number, grid: grid.name, ask: grid.ask },
    ...Object.fromEntries(plain.map(([name, value]) => [columnOfAxis(name), columnValue(name, value)])),
    ...{ model: model ?? null, entry: entry ?? null, size: size ?? null, profile: profile ?? null },
    ...Object.fromEntries(
      sets.flatMap(({ axis, name, numberOf }) =>
        asked.has(axis) ? [[name, numberOf(asked.get(axis) as string)]] : [],
      ),
    ),
  };
}

function columnValue(name: string, value: AxisValue): string | number | boolean {
  return name === 'gpuMemory' || name === 'hostMemory'
    ? bytesOf(name, String(value))
    : (value as string | number | boolean);
}

/** What was taken of a workload and machine, in place of what was not asked for. */
export function scenarioRow({ workload, system }: Scenario): Row {
  const common = {
    gpus: system.gpus.length,
    ranks: workload.ranks,
    passes: workload.passes,
    blocks: workload.blocks.length,
    weightBytes: Math.round(passWeightBytes(workload)),
  };
  if (workload.from === 'profile') return common;
  const { size, batch, layout, tokens } = workload;
  return {
    ...common,
    ...{ size: formatSize(size), frames: size.frames, batch, tokens },
    ...{ sp: layout.sp, ring: layout.ring, tp: layout.tp, cfg: layout.cfg, exchange: layout.exchange },
  };
}

/** A step's times and memory. */
export function reportRow(report: StepReport): Row {
  return {
    ...{ transport: report.transport, stepS: report.stepTimeS },
    ...{ computeS: report.computeS, collectiveS: report.collectiveS, exposedS: report.exposedPrefetchS },
    // A difference of simulated times, which may round to a hair below nothing.
    inflationS: Math.max(0, report.collectiveInflationS),
    ...{ prefetchS: report.prefetchS, windowS: report.windowS },
    ...{ deviceBytes: Math.round(report.gpuPeakBytes), pinnedBytes: Math.round(report.hostPinnedBytes) },
    ...{ boundBy: report.boundBy, clock: report.clock, powerW: report.powerW },
    breakEvenTokens: report.breakEven.tokens,
    breakEvenFrames: report.breakEven.frames,
    breakEvenBatch: report.breakEven.batch,
  };
}

export type DoubtOf = Parameters<typeof doubtOf>;

export function doubtRow(stepS: number, noneS: number, of: DoubtOf): Row {
  const { step, versusNone, decides, number }: Doubt = doubtOf(...of);
  const ratio = stepS / noneS;
  return {
    ...{ doubtLowS: stepS * step[0], doubtHighS: stepS * step[1] },
    ...{ doubtLowVersusNone: ratio * versusNone[0], doubtHighVersusNone: ratio * versusNone[1] },
    ...{ doubtBy: decides, doubtKey: number?.key ?? null },
  };
}

/** Whether a plan keeps within caps, and of which memory it needs more. */
export function fitRow({ gpuPeakBytes, hostPinnedBytes }: StepReport, { gpuBytes, pinnedBytes }: Caps): Row {
  const needs = [
    overText('GPU memory', gpuPeakBytes, gpuBytes),
    overText('pinned host memory', hostPinnedBytes, pinnedBytes),
  ].filter((text) => text !== null);
  return { fits: needs.length === 0, misfit: needs.length === 0 ? null : needs.join(', ') };
}

function overText(what: string, needBytes: number, capBytes: number): string | null {
  const gib = (bytes: number) => (bytes / GiB).toFixed(2);
  return needBytes <= capBytes ? null : `${what}: ${gib(needBytes)} of ${gib(capBytes)} GiB`;
}

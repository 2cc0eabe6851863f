import { join } from 'node:path';
import { z } from 'zod';
import { predictStep } from '../../model/analytic/stepReport.ts';
import { loadDit } from '../../model/dit/load.ts';
import { parseSize } from '../../model/dit/tokens.ts';
import { packageRoot } from '../../model/input/packageFiles.ts';
import { quantity } from '../../model/input/quantity.ts';
import { checked, readYamlFile } from '../../model/input/yamlFile.ts';
import { memoryNeed } from '../../model/physics/memory.ts';
import { makePlan } from '../../model/presets/presets.ts';
import { loadSystem } from '../../model/system/load.ts';
import type { System } from '../../model/system/system.ts';
import { bindWorkload } from '../../model/workload/bind.ts';
import { simulate } from '../../sim/simulate.ts';

const format = z.strictObject({
  machine: z.string(),
  model: z.string(),
  size: z.string(),
  points: z.array(
    z.strictObject({
      plan: z.string(),
      time: z.string().transform((text) => quantity(text, 'time')),
      peakGiB: z.number(),
      fit: z.boolean(),
    }),
  ),
});

export interface ResidencyPoint {
  plan: string;
  fitted: boolean;
  publishedS: number;
  closedFormS: number;
  simulatedS: number;
  /** GiB above the first point: what the plan's buffers and residents add. */
  publishedAddedGiB: number;
  predictedAddedGiB: number;
}

/**
 * The published residency curve of one GPU. Only two numbers are fitted, on two of the four points: the seconds
 * that all passes of one block compute, and that one block's copy takes.
 *
 * With p blocks streamed of n, each hidden behind one block: T = (n - p + 1) c + (p - 1) h for residents, n h
 * for none, if h > c. Two points give c and h, and with them the machine's compute and link rates; the step count
 * cancels, because all published times are totals of the same run.
 */
export function residencyCurve(): ResidencyPoint[] {
  const published = checked(
    readYamlFile(join(packageRoot, 'experiments', 'published', 'residency-5090.yaml')),
    format,
  );
  const dit = loadDit(published.model);
  const workload = bindWorkload(dit, { size: parseSize(published.size), cfg: 'none' });
  const [all, some] = published.points.filter((point) => point.fit);
  const blocks = workload.blocks.length;
  const resident = Number(/resident-layers=(\d+)/.exec(some!.plan)![1]);
  const copyS = all!.time / blocks;
  const computeS = (some!.time - (blocks - resident - 1) * copyS) / (resident + 1);
  const system = withBlockTimes(
    loadSystem(published.machine),
    workload.blocks[0]!.weightBytes,
    computeS,
    copyS,
    workload,
  );
  const first = memoryNeed(
    workload,
    system,
    makePlan(published.points[0]!.plan, workload, system),
  ).gpuPeakBytes;
  return published.points.map((point) => {
    const plan = makePlan(point.plan, workload, system);
    return {
      plan: point.plan,
      fitted: point.fit,
      publishedS: point.time,
      closedFormS: predictStep(workload, system, plan).stepTimeS,
      simulatedS: simulate(workload, system, plan, { breakEven: false }).report.stepTimeS,
      publishedAddedGiB: point.peakGiB - published.points[0]!.peakGiB,
      predictedAddedGiB: (memoryNeed(workload, system, plan).gpuPeakBytes - first) / 2 ** 30,
    };
  });
}

/** The machine on which one block computes and copies in the given seconds (all passes of the run together). */
function withBlockTimes(
  system: System,
  blockBytes: number,
  computeS: number,
  copyS: number,
  workload: Parameters<typeof predictStep>[0],
): System {
  const rate = blockBytes / copyS;
  const engine = { ...system.gpu.copyEngine, h2dBytesPerS: rate, startUpS: 0, gapS: 0 };
  const none =
    predictStep(workload, system, makePlan('none', workload, system)).computeS / workload.blocks.length;
  const slower = computeS / none;
  const { gemm, attention, elementwise } = system.gpu.efficiency;
  return {
    ...system,
    gpu: {
      ...system.gpu,
      launchFloorS: 0,
      copyEngine: engine,
      efficiency: { gemm: gemm / slower, attention: attention / slower, elementwise: elementwise / slower },
    },
  };
}

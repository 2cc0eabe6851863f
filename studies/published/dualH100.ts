import { join } from 'node:path';
import { z } from 'zod';
import { paperCriterion } from '../../model/analytic/paperCriterion.ts';
import type { StepReport } from '../../model/analytic/report.ts';
import { predictStep } from '../../model/analytic/stepReport.ts';
import { loadDit } from '../../model/dit/load.ts';
import { parseSize } from '../../model/dit/tokens.ts';
import { packageRoot } from '../../model/input/packageFiles.ts';
import { quantity } from '../../model/input/quantity.ts';
import { checked, readYamlFile } from '../../model/input/yamlFile.ts';
import { makePlan } from '../../model/presets/presets.ts';
import { loadSystem } from '../../model/system/load.ts';
import type { System } from '../../model/system/system.ts';
import { bindWorkload } from '../../model/workload/bind.ts';
import { type BoundWorkload, EXCHANGE_STYLES, GUIDANCE_MODES } from '../../model/workload/workload.ts';
import { type Simulation, simulate } from '../../sim/simulate.ts';
import { calibrateOnNoOffload } from './calibrate.ts';

const time = z.string().transform((text) => quantity(text, 'time'));

const format = z.strictObject({
  machine: z.string(),
  cases: z.array(
    z.strictObject({
      name: z.string(),
      model: z.string(),
      size: z.string(),
      batch: z.int().min(1),
      cfg: z.enum(GUIDANCE_MODES),
      exchange: z.enum(EXCHANGE_STYLES),
      none: z.strictObject({ step: time, collectives: time }),
      steps: z.record(z.string(), time),
    }),
  ),
  paper: z.strictObject({
    peak: z.string().transform((text) => quantity(text, 'compute')),
    computeEfficiency: z.number(),
    h2d: z.string().transform((text) => quantity(text, 'rate')),
    h2dEfficiency: z.number(),
    crossings: z.array(
      z.strictObject({
        model: z.string(),
        size: z.string(),
        blockBytes: z.string().transform((text) => quantity(text, 'bytes')),
        textRows: z.int(),
        frames: z.number().optional(),
        batch: z.number().optional(),
      }),
    ),
  }),
});

function readPublished() {
  return checked(readYamlFile(join(packageRoot, 'experiments', 'published', 'dual-h100.yaml')), format);
}

/** A published case on the machine that its no-offload arm calibrates. */
export interface PublishedCase {
  name: string;
  workload: BoundWorkload;
  system: System;
  /** Published seconds per step, by plan; `none` is what the machine was calibrated on. */
  publishedS: Readonly<Record<string, number>>;
}

/** The published dual-H100 cases, each with its calibrated machine. */
export function dualH100Cases(scaleMemoryBound = false): PublishedCase[] {
  const published = readPublished();
  const machine = loadSystem(published.machine);
  return published.cases.map(({ name, model, size, batch, cfg, exchange, none, steps }) => {
    const workload = bindWorkload(loadDit(model), { size: parseSize(size), batch, sp: 2, cfg, exchange });
    const arm = { stepTimeS: none.step, collectiveS: none.collectives };
    const system = calibrateOnNoOffload(workload, machine, arm, scaleMemoryBound);
    return { name, workload, system, publishedS: { none: none.step, ...steps } };
  });
}

export interface ComparedPlan {
  plan: string;
  publishedS: number | null;
  closedForm: StepReport;
  simulation: Simulation;
}

/** Predicts and simulates plans of a case beside what was published. */
export function comparePlans(
  published: PublishedCase,
  plans: readonly string[],
  timeline = false,
): ComparedPlan[] {
  const { workload, system, publishedS } = published;
  return plans.map((text) => {
    const plan = makePlan(text, workload, system);
    return {
      plan: text,
      publishedS: publishedS[text] ?? null,
      closedForm: predictStep(workload, system, plan),
      simulation: simulate(workload, system, plan, { timeline, breakEven: false }),
    };
  });
}

export interface Crossing {
  model: string;
  of: 'frames' | 'batch';
  published: number;
  computed: number;
}

/** Where the paper's criterion changes from exposed to hidden, from the paper's own constants. */
export function paperCrossings(): Crossing[] {
  const { paper, machine } = readPublished();
  const system = loadSystem(machine);
  return paper.crossings.map(({ model, size, blockBytes, textRows, frames, batch }) => {
    const cfg = 'none' as const;
    const workload = bindWorkload(loadDit(model), { size: parseSize(size), sp: 2, cfg, textRows });
    const { breakEven } = paperCriterion(workload, system, {
      computeFlops: paper.computeEfficiency * paper.peak,
      h2dBytesPerS: paper.h2dEfficiency * paper.h2d,
      blockBytes,
    });
    const of = frames === undefined ? 'batch' : 'frames';
    return { model, of, published: (frames ?? batch)!, computed: breakEven[of]! };
  });
}

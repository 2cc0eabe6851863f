import { paddedToRanks } from '../codegen/padded.ts';
import { withBlocks } from '../model/dit/depth.ts';
import type { Dit } from '../model/dit/dit.ts';
import { loadDit } from '../model/dit/load.ts';
import { parseSize } from '../model/dit/tokens.ts';
import { UserError } from '../model/input/userError.ts';
import type { Plan } from '../model/plan/plan.ts';
import { isPlanFile } from '../model/plan/planFile.ts';
import { makePlan } from '../model/plan/presets.ts';
import { loadSystem, transportOf } from '../model/system/load.ts';
import type { System } from '../model/system/system.ts';
import { bindWorkload } from '../model/workload/bind.ts';
import type { Workload } from '../model/workload/workload.ts';
import type { ScenarioFlags } from './options.ts';

/** What a command is asked to compare: one workload on one machine under some plans. */
export interface Scenario {
  workload: Workload;
  system: System;
  /** Transport of plans that name none. */
  transport: string;
  plans: readonly Plan[];
  /** The degree was not given, so the output says what was taken. */
  spIsDefault: boolean;
}

const DEFAULT_PLANS = ['none', 'layerwise', 'layerwise-drain', 'chunked', 'chunkflow-paper', 'yield'];
/** Without collectives there is nothing to drain for, to pause around or to yield to. */
const DEFAULT_PLANS_WITHOUT_COLLECTIVES = ['none', 'layerwise', 'chunked'];
/** Flags that stand for a setting of every preset that streams weights and does not give it; a plan's file has them all. */
const PLAN_FLAGS = ['resident', 'prefetch', 'chunk', 'slots'] as const;

/**
 * Reads the model and machine that the flags name and makes the plans.
 *
 * @param options.padded whether rows are rounded up to what all ranks can hold alike, as a real run must.
 * @throws UserError for whatever does not fit.
 */
export function buildScenario(flags: ScenarioFlags, options: { padded?: boolean } = {}): Scenario {
  const whole = loadDit(required(flags.model, '--model', '`chunkflow models`'));
  const dit = flags.blocks === undefined ? whole : withBlocks(whole, flags.blocks);
  const system = loadSystem(required(flags.machine, '--machine', '`chunkflow machines`'), flags.set);
  const bound = bindWorkload(dit, {
    size: flags.size === undefined ? dit.referenceSize : parseSize(flags.size),
    batch: flags.batch ?? 1,
    sp: flags.sp ?? defaultSp(dit, system, flags),
    tp: flags.tp ?? 1,
    ...(flags.cfg !== undefined && { cfg: flags.cfg }),
    ...(flags.exchange !== undefined && { exchange: flags.exchange }),
    ...(flags.textRows !== undefined && { textRows: flags.textRows }),
  });
  const workload = options.padded === true ? paddedToRanks(bound) : bound;
  refuseMoreRanksThanGpus(workload, system);
  const usual = workload.ranks > 1 ? DEFAULT_PLANS : DEFAULT_PLANS_WITHOUT_COLLECTIVES;
  return {
    workload,
    system,
    transport: transportOf(system, flags.transport).name,
    plans: planTexts(flags, usual).map((text) => makePlan(text, workload, system, flags.transport)),
    spIsDefault: flags.sp === undefined,
  };
}

/** GPUs that one rank group and its guidance partners take. */
function gpusNeeded({ ranks, layout, model }: Workload): number {
  return ranks * (layout.cfg === 'parallel' ? model.guidance.evaluations : 1);
}

function refuseMoreRanksThanGpus(workload: Workload, system: System): void {
  const needed = gpusNeeded(workload);
  // A mirrored or colocated peer stands for the GPUs that are not there.
  if (system.peer !== 'real' || needed <= system.gpus.length) return;
  const { sp, tp, cfg } = workload.layout;
  throw new UserError(
    `--sp ${sp} --tp ${tp}${cfg === 'parallel' ? ' --cfg parallel' : ''}: needs ${needed} GPUs, ` +
      `${system.name} has ${system.gpus.length}; lower them, or take another machine`,
  );
}

/** The largest Ulysses degree up to the GPUs that are free for it which divides the heads. */
function defaultSp(dit: Dit, system: System, { tp = 1, cfg, exchange }: ScenarioFlags): number {
  const present = system.peer === 'real' ? system.gpus.length : Math.max(2, system.gpus.length);
  const free = Math.floor(present / tp / (cfg === 'parallel' ? dit.guidance.evaluations : 1));
  for (let sp = free; sp > 1; sp -= 1) {
    if (exchange === 'kv-gather' || dit.heads % (sp * tp) === 0) return sp;
  }
  return 1;
}

function planTexts(flags: ScenarioFlags, usual: readonly string[]): string[] {
  const given = PLAN_FLAGS.flatMap((key) => (flags[key] === undefined ? [] : [`${key}=${flags[key]}`]));
  const texts = flags.plan ?? usual;
  if (given.length > 0 && !texts.some(streams)) {
    throw new UserError(`--${given[0]}: no plan here streams anything; add one such as --plan yield`);
  }
  return texts.map((text) => {
    const added = streams(text) ? given.filter((setting) => !sets(text, setting.split('=')[0]!)) : [];
    return [text, ...added].join(',');
  });
}

function streams(planText: string): boolean {
  return planText.split(',')[0]!.trim() !== 'none' && !isPlanFile(planText);
}

function sets(planText: string, key: string): boolean {
  return planText.split(',').some((setting) => setting.split('=')[0]!.trim() === key);
}

function required(value: string | undefined, flag: string, list: string): string {
  if (value !== undefined) return value;
  throw new UserError(`${flag} is missing; give a name from ${list} or a file`);
}

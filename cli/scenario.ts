import { withBlocks } from '../model/dit/depth.ts';
import type { Dit, Size } from '../model/dit/dit.ts';
import { loadDit } from '../model/dit/load.ts';
import { parseImageSize, parseSize } from '../model/dit/tokens.ts';
import { UserError } from '../model/input/userError.ts';
import type { Plan } from '../model/plan/plan.ts';
import { isPlanFile } from '../model/plan/planFile.ts';
import { makePlan, presetFits } from '../model/presets/presets.ts';
import { unusedByPreset } from '../model/presets/settingEffects.ts';
import { namesTool } from '../model/presets/tools/names.ts';
import { readProfile } from '../model/profile/profileFile.ts';
import { profileWorkload } from '../model/profile/profileWorkload.ts';
import { wiringOf } from '../model/system/cards/machineText.ts';
import { attentionRate, gemmRate } from '../model/system/computeRates.ts';
import { loadSystem } from '../model/system/load.ts';
import type { System } from '../model/system/system.ts';
import { transportNamed } from '../model/system/transport.ts';
import { bindWorkload } from '../model/workload/bind.ts';
import { type ComputeMode, USUAL_COMPUTE } from '../model/workload/computeMode.ts';
import { paddedToRanks } from '../model/workload/padded.ts';
import type { BoundWorkload, Workload } from '../model/workload/workload.ts';
import type { WorkloadFields } from './documents/workload.ts';
import { boundFields, profileFields } from './documents/workloadFields.ts';
import type { ScenarioFlags } from './flags/scenario.ts';

/** What a command is asked to compare: one workload on one machine under some plans. */
export interface Scenario {
  workload: Workload;
  /** As documents say it. */
  described: WorkloadFields;
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
/** Flags that stand for a setting of every preset that has a use for it and does not give it; a plan's file has them all. */
const PLAN_FLAGS = ['resident', 'prefetch', 'chunk', 'slots'] as const;

/** Flags that say of a model what a profile says of its own. */
const MODEL_FLAGS = [
  ['model', '--model'],
  ['entry', '--entry'],
  ['dtype', '--dtype'],
  ['size', '--size'],
  ['batch', '--batch'],
  ['sp', '--sp'],
  ['ring', '--ring'],
  ['tp', '--tp'],
  ['pp', '--pp'],
  ['cfg', '--cfg'],
  ['exchange', '--exchange'],
  ['textRows', '--text-rows'],
  ['expertsOnGpu', '--experts-on-gpu'],
  ['referenceImage', '--reference-image'],
  ['blocks', '--blocks'],
  ['computeDtype', '--compute-dtype'],
  ['attention', '--attention'],
  ['eager', '--eager'],
] as const satisfies readonly (readonly [keyof ScenarioFlags, string])[];

/**
 * Reads the model or profile and the machine that the flags name and makes the plans.
 *
 * @throws UserError for whatever does not fit.
 */
export function buildScenario(flags: ScenarioFlags): Scenario {
  return flags.profile === undefined ? modelScenario(flags) : profileScenario(flags, flags.profile);
}

/**
 * The scenario of a model of the catalogue, a file or a checkpoint.
 *
 * @param options.padded whether rows are rounded up to what all ranks can hold alike, as a real run must.
 */
export function modelScenario(
  flags: ScenarioFlags,
  options: { padded?: boolean } = {},
): Scenario & { workload: BoundWorkload } {
  refusePipeline(flags);
  const whole = loadDit(required(flags.model, '--model', '`chunkflow models`'), {
    ...(flags.entry !== undefined && { entry: flags.entry }),
    ...(flags.dtype !== undefined && { dtype: flags.dtype }),
  });
  const dit = flags.blocks === undefined ? whole : withBlocks(whole, flags.blocks);
  const system = machineOf(flags);
  const compute = computeOf(flags, system);
  const bound = bindWorkload(dit, {
    compute,
    size: flags.size === undefined ? dit.referenceSize : parseSize(flags.size),
    batch: flags.batch ?? 1,
    sp: flags.sp ?? defaultSp(dit, system, flags),
    ring: flags.ring ?? 1,
    tp: flags.tp ?? 1,
    ...(flags.cfg !== undefined && { cfg: flags.cfg }),
    ...(flags.exchange !== undefined && { exchange: flags.exchange }),
    ...(flags.textRows !== undefined && { textRows: flags.textRows }),
    ...(flags.expertsOnGpu !== undefined && { expertsOnGpu: flags.expertsOnGpu }),
    ...(flags.referenceImage !== undefined && { referenceImages: referenceImages(flags.referenceImage) }),
  });
  const workload = options.padded === true ? paddedToRanks(bound) : bound;
  refuseMoreRanksThanGpus(workload, system);
  refuseIdleTransport(flags, workload, 'give --sp or --tp of at least 2');
  return {
    ...planned(flags, workload, system),
    ...{ workload, described: boundFields(workload, system), spIsDefault: flags.sp === undefined },
  };
}

/** How the work is computed. @throws UserError for a dtype or an attention kernel that the machine has no numbers of. */
function computeOf({ computeDtype, attention, eager }: ScenarioFlags, { gpu }: System): ComputeMode {
  const mode: ComputeMode = {
    dtype: computeDtype ?? USUAL_COMPUTE.dtype,
    attention: attention ?? USUAL_COMPUTE.attention,
    launch: eager ? 'eager' : USUAL_COMPUTE.launch,
  };
  gemmRate(gpu, mode.dtype);
  if (mode.attention !== null) attentionRate(gpu, mode.attention);
  return mode;
}

/** The machine that the flags name, and of a card how it is plugged in. */
function machineOf({ machine, set, gpus, pcie, topology }: ScenarioFlags): System {
  const wiring = Object.entries({ gpus, pcie, topology }).flatMap(([key, text]): [string, string][] =>
    text === undefined ? [] : [[key, text]],
  );
  const name = required(machine, '--machine', '`chunkflow machines`');
  return loadSystem(
    name,
    set,
    wiringOf(wiring, ([key, text]) => `--${key} ${text}`),
  );
}

function referenceImages(given: readonly string[]): Size[] {
  if (!given.includes('none')) return given.map(parseImageSize);
  if (given.length === 1) return [];
  throw new UserError(`--reference-image none: given beside ${given.length - 1} more; give none or sizes`);
}

/** Stages hold blocks of their own and work on patches with K and V of the step before: no rank has the step that is predicted here. */
function refusePipeline({ pp = 1 }: ScenarioFlags): void {
  if (pp === 1) return;
  throw new UserError(
    `--pp ${pp}: pipeline parallelism (PipeFusion) is not predicted, it computes another step; give --sp, --ring or --tp`,
  );
}

function profileScenario(flags: ScenarioFlags, file: string): Scenario {
  const given = MODEL_FLAGS.filter(([key]) => flags[key] !== undefined).map(([, flag]) => flag);
  if (given.length > 0)
    throw new UserError(
      `--profile ${file}: the profile says itself what ${given.join(', ')} would; leave ${given.length > 1 ? 'them' : 'it'} out, or leave out --profile`,
    );
  const { profile, source } = readProfile(file);
  const system = machineOf(flags);
  const workload = profileWorkload(profile);
  const { ranks } = workload;
  if (system.peer === 'real' && ranks > system.gpus.length)
    throw new UserError(
      `step.ranks: the profile has ${ranks} ranks, ${system.name} has ${system.gpus.length} GPU${system.gpus.length > 1 ? 's' : ''}; take another machine, or a profile of fewer ranks`,
      source.place(['step', 'ranks']),
    );
  refuseIdleTransport(flags, workload, 'take a profile of several ranks');
  return {
    ...planned(flags, workload, system),
    ...{ workload, described: profileFields(workload, profile), spIsDefault: false },
  };
}

function refuseIdleTransport({ transport }: ScenarioFlags, { ranks }: Workload, or: string): void {
  if (transport === undefined || ranks > 1) return;
  throw new UserError(
    `--transport ${transport}: has no effect: one rank has no collectives; leave it out, or ${or}`,
  );
}

/** A workload on a machine, with the plans that the flags ask for. */
function planned(
  flags: ScenarioFlags,
  workload: Workload,
  system: System,
): Pick<Scenario, 'system' | 'transport' | 'plans'> {
  const usual = (workload.ranks > 1 ? DEFAULT_PLANS : DEFAULT_PLANS_WITHOUT_COLLECTIVES).filter((preset) =>
    presetFits(preset, workload),
  );
  return {
    system,
    transport: transportNamed(system, flags.transport).name,
    plans: planTexts(flags, usual).map((text) => makePlan(text, workload, system, flags.transport)),
  };
}

/** GPUs that one rank group and its guidance partners take. */
function gpusNeeded({ ranks, layout, model }: BoundWorkload): number {
  return ranks * (layout.cfg === 'parallel' ? model.guidance.evaluations : 1);
}

function refuseMoreRanksThanGpus(workload: BoundWorkload, system: System): void {
  const needed = gpusNeeded(workload);
  // A mirrored or colocated peer stands for the GPUs that are not there.
  if (system.peer !== 'real' || needed <= system.gpus.length) return;
  const { sp, ring, tp, cfg } = workload.layout;
  throw new UserError(
    `--sp ${sp}${ring > 1 ? ` --ring ${ring}` : ''} --tp ${tp}${cfg === 'parallel' ? ' --cfg parallel' : ''}: needs ${needed} GPUs, ` +
      `${system.name} has ${system.gpus.length}; lower them, or take another machine`,
  );
}

/** The largest Ulysses degree up to the GPUs that are free for it which divides the heads. */
function defaultSp(dit: Dit, system: System, { ring = 1, tp = 1, cfg, exchange }: ScenarioFlags): number {
  const present = system.peer === 'real' ? system.gpus.length : Math.max(2, system.gpus.length);
  const free = Math.floor(present / (ring * tp) / (cfg === 'parallel' ? dit.guidance.evaluations : 1));
  for (let sp = free; sp > 1; sp -= 1) {
    if (exchange === 'kv-gather' || dit.heads % (sp * tp) === 0) return sp;
  }
  return 1;
}

function planTexts(flags: ScenarioFlags, usual: readonly string[]): string[] {
  const given = PLAN_FLAGS.filter((key) => flags[key] !== undefined);
  const texts = flags.plan ?? usual;
  for (const key of given) refuseIdleFlag(key, flags[key]!, texts);
  return texts.map((text) => {
    const added = given.filter((key) => whyIdle(text, key) === undefined && !sets(text, key));
    return [text, ...added.map((key) => `${key}=${flags[key]}`)].join(',');
  });
}

/** A flag that no plan has a use for is a mistake; one that some plans have none for stands for the others. */
function refuseIdleFlag(key: string, value: string, texts: readonly string[]): void {
  const reasons = texts.map((text) => whyIdle(text, key));
  if (reasons.some((reason) => reason === undefined)) return;
  const [only] = new Set(texts.length === 1 ? reasons : []);
  throw new UserError(
    `--${key}=${value}: ${only ?? `no plan here has a use for it; leave it out, or add one such as --plan yield`}`,
  );
}

/** Why a plan has no use for a flag that stands for a setting. */
function whyIdle(planText: string, key: string): string | undefined {
  if (isPlanFile(planText)) return "a plan's file has all of its settings; leave it out";
  if (namesTool(planText)) return "another tool has settings of its own; leave it out, or write the tool's";
  return unusedByPreset(planText.split(',')[0]!.trim(), key);
}

function sets(planText: string, key: string): boolean {
  return planText.split(',').some((setting) => setting.split('=')[0]!.trim() === key);
}

function required(value: string | undefined, flag: string, list: string): string {
  if (value !== undefined) return value;
  throw new UserError(`${flag} is missing; give a name from ${list} or a file`);
}

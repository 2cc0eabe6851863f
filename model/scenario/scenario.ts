import { blockCount, withBlocks } from '../dit/depth.ts';
import type { Dit, Size } from '../dit/dit.ts';
import type { loadDit } from '../dit/load.ts';
import { parseImageSize, parseSize } from '../dit/tokens.ts';
import { UserError } from '../input/userError.ts';
import { fillsHosts, spreadOf } from '../physics/rankGroups.ts';
import type { Plan } from '../plan/plan.ts';
import { makePlan } from '../presets/presets.ts';
import type { readProfile } from '../profile/profileFile.ts';
import type { Profile } from '../profile/profileFormat.ts';
import { profileWorkload } from '../profile/profileWorkload.ts';
import { wiringOf } from '../system/cards/machineText.ts';
import { attentionRate, gemmRate } from '../system/computeRates.ts';
import type { loadSystem } from '../system/load.ts';
import type { System } from '../system/system.ts';
import { transportNamed } from '../system/transport.ts';
import { bindWorkload } from '../workload/bind.ts';
import { type ComputeMode, USUAL_COMPUTE } from '../workload/computeMode.ts';
import { paddedToRanks } from '../workload/padded.ts';
import {
  type BoundWorkload,
  collectiveIn,
  type ProfiledWorkload,
  type Workload,
} from '../workload/workload.ts';
import { measuredMachine } from './measuredStep.ts';
import { planTexts } from './planTexts.ts';
import type { ScenarioQuestion } from './question.ts';

/** What is compared: one workload on one machine under some plans. */
interface Compared {
  system: System;
  /** Transport of plans that name none. */
  transport: string;
  plans: readonly Plan[];
  /** The SP degree was not given, so what was taken is worth a word. */
  spIsDefault: boolean;
}

/** A model of the catalogue, a file or a checkpoint. */
export interface ModelScenario extends Compared {
  workload: BoundWorkload;
  /** Blocks of the whole model, of which `--blocks` may take fewer. */
  modelBlocks: number;
}

/** A user's own model, as it was measured. */
export interface ProfileScenario extends Compared {
  workload: ProfiledWorkload;
  profile: Profile;
}

export type Scenario = ModelScenario | ProfileScenario;

/** Where models, machines and profiles come from: files, or what somebody has read before. Each as the function of that name. */
export interface ScenarioSources {
  loadDit: typeof loadDit;
  loadSystem: typeof loadSystem;
  readProfile: typeof readProfile;
}

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
] as const satisfies readonly (readonly [keyof ScenarioQuestion, string])[];

/**
 * Reads the model or profile and the machine that a question names and makes the plans.
 *
 * @throws UserError for whatever does not fit.
 */
export function scenarioOf(question: ScenarioQuestion, sources: ScenarioSources): Scenario {
  const { profile } = question;
  return profile === undefined
    ? modelScenario(question, sources)
    : profileScenario({ ...question, profile }, sources);
}

/**
 * The scenario of a model of the catalogue, a file or a checkpoint.
 *
 * @param options.padded whether rows are rounded up to what all ranks can hold alike, as a real run must.
 */
export function modelScenario(
  question: ScenarioQuestion,
  sources: Pick<ScenarioSources, 'loadDit' | 'loadSystem'>,
  options: { padded?: boolean } = {},
): ModelScenario {
  refusePipeline(question);
  const whole = sources.loadDit(required(question.model, '--model', '`chunkflow models`'), {
    ...(question.entry !== undefined && { entry: question.entry }),
    ...(question.dtype !== undefined && { dtype: question.dtype }),
  });
  const dit = question.blocks === undefined ? whole : withBlocks(whole, question.blocks);
  const machine = machineOf(question, sources);
  const workloadAt = (size: string | undefined) => boundAt(question, dit, machine, size ?? question.size);
  const system = measuredMachine(question, machine, workloadAt);
  const bound = workloadAt(undefined);
  const workload = options.padded === true ? paddedToRanks(bound) : bound;
  refuseMoreRanksThanGpus(workload, system);
  refuseUnevenHosts(workload, system);
  refuseIdleTransport(question, workload, 'give --sp or --tp of at least 2');
  return {
    ...planned(question, workload, system),
    ...{ workload, modelBlocks: blockCount(whole), spIsDefault: question.sp === undefined },
  };
}

/** What a rank computes at a size, as people write it, or at the model's usual one. */
function boundAt(
  question: ScenarioQuestion,
  dit: Dit,
  system: System,
  size: string | undefined,
): BoundWorkload {
  return bindWorkload(dit, {
    compute: computeOf(question, system),
    size: size === undefined ? dit.referenceSize : parseSize(size),
    batch: question.batch ?? 1,
    sp: question.sp ?? defaultSp(dit, system, question),
    ring: question.ring ?? 1,
    tp: question.tp ?? 1,
    ...(question.cfg !== undefined && { cfg: question.cfg }),
    ...(question.exchange !== undefined && { exchange: question.exchange }),
    ...(question.textRows !== undefined && { textRows: question.textRows }),
    ...(question.expertsOnGpu !== undefined && { expertsOnGpu: question.expertsOnGpu }),
    ...(question.referenceImage !== undefined && {
      referenceImages: referenceImages(question.referenceImage),
    }),
  });
}

/** How the work is computed. @throws UserError for a dtype or an attention kernel that the machine has no numbers of. */
function computeOf({ computeDtype, attention, eager }: ScenarioQuestion, { gpu }: System): ComputeMode {
  const mode: ComputeMode = {
    dtype: computeDtype ?? USUAL_COMPUTE.dtype,
    attention: attention ?? USUAL_COMPUTE.attention,
    launch: eager ? 'eager' : USUAL_COMPUTE.launch,
  };
  gemmRate(gpu, mode.dtype);
  if (mode.attention !== null) attentionRate(gpu, mode.attention);
  return mode;
}

/** The machine that the question name, and of a card how it is plugged in. */
function machineOf(
  { machine, set, gpus, pcie, topology }: ScenarioQuestion,
  { loadSystem }: Pick<ScenarioSources, 'loadSystem'>,
): System {
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
function refusePipeline({ pp = 1 }: ScenarioQuestion): void {
  if (pp === 1) return;
  throw new UserError(
    `--pp ${pp}: pipeline parallelism (PipeFusion) is not predicted, it computes another step; give --sp, --ring or --tp`,
  );
}

function profileScenario(
  question: ScenarioQuestion & { profile: string },
  sources: ScenarioSources,
): ProfileScenario {
  const file = question.profile;
  const given = MODEL_FLAGS.filter(([key]) => question[key] !== undefined).map(([, flag]) => flag);
  if (given.length > 0)
    throw new UserError(
      `--profile ${file}: the profile says itself what ${given.join(', ')} would; leave ${given.length > 1 ? 'them' : 'it'} out, or leave out --profile`,
    );
  const { profile, source } = sources.readProfile(file);
  const workload = profileWorkload(profile);
  const system = measuredMachine(question, machineOf(question, sources), () => workload);
  const { ranks } = workload;
  if (system.peer === 'real' && ranks > system.gpus.length)
    throw new UserError(
      `step.ranks: the profile has ${ranks} ranks, ${system.name} has ${system.gpus.length} GPU${system.gpus.length > 1 ? 's' : ''}; take another machine, or a profile of fewer ranks`,
      source.place(['step', 'ranks']),
    );
  refuseIdleTransport(question, workload, 'take a profile of several ranks');
  return {
    ...planned(question, workload, system),
    ...{ workload, profile, spIsDefault: false },
  };
}

function refuseIdleTransport({ transport }: ScenarioQuestion, { ranks }: Workload, or: string): void {
  if (transport === undefined || ranks > 1) return;
  throw new UserError(
    `--transport ${transport}: has no effect: one rank has no collectives; leave it out, or ${or}`,
  );
}

/** A workload on a machine, with the plans that the question asks for. */
function planned(
  question: ScenarioQuestion,
  workload: Workload,
  system: System,
): Pick<Scenario, 'system' | 'transport' | 'plans'> {
  return {
    system,
    transport: transportNamed(system, question.transport).name,
    plans: planTexts(question, workload).map((text) => makePlan(text, workload, system, question.transport)),
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

/** Groups of ranks lie in one host or take as many GPUs of each: see `spreadOf`. */
function refuseUnevenHosts({ layout, ranks, blocks }: BoundWorkload, system: System): void {
  const groups = blocks.flatMap(({ segments }) => segments.map((segment) => collectiveIn(segment)?.members));
  const { sp, ring, tp } = layout;
  try {
    for (const group of [{ ranks, stride: 1 }, ...new Set(groups)])
      if (group !== undefined && ranks > 1) spreadOf(system, ranks, group);
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    throw new UserError(
      `--sp ${sp}${ring > 1 ? ` --ring ${ring}` : ''}${tp > 1 ? ` --tp ${tp}` : ''}: ${error.message}`,
    );
  }
}

/** The largest Ulysses degree up to the GPUs that are free for it which divides the heads. */
function defaultSp(dit: Dit, system: System, { ring = 1, tp = 1, cfg, exchange }: ScenarioQuestion): number {
  const present = system.peer === 'real' ? system.gpus.length : Math.max(2, system.gpus.length);
  const free = Math.floor(present / (ring * tp) / (cfg === 'parallel' ? dit.guidance.evaluations : 1));
  for (let sp = free; sp > 1; sp -= 1) {
    const divides = exchange === 'kv-gather' || dit.heads % (sp * tp) === 0;
    if (divides && fillsHosts(system, sp * ring * tp)) return sp;
  }
  return 1;
}

function required(value: string | undefined, flag: string, list: string): string {
  if (value !== undefined) return value;
  throw new UserError(`${flag} is missing; give a name from ${list} or a file`);
}

import type { PlanChoice } from '../documents/planChoice.ts';
import type { Prediction } from '../documents/prediction.ts';
import type { PlanQuestion } from '../library/plan/question.ts';
import type { MemoryNeed } from '../model/physics/memory.ts';
import type { RequestQuestion, ScenarioQuestion } from '../model/scenario/question.ts';
import type { HostedFile } from './hostedFiles.ts';

/** What the page asks the model, which runs in a worker: plain values both ways, times in seconds, memory in bytes. */
export type Ask =
  | { kind: 'lists' }
  | { kind: 'predict'; question: ScenarioQuestion & RequestQuestion }
  | { kind: 'break-even'; question: ScenarioQuestion & RequestQuestion }
  | { kind: 'timeline'; question: ScenarioQuestion; plan: string }
  | { kind: 'solver' }
  | { kind: 'search'; question: PlanQuestion }
  | { kind: 'file'; name: string; content: GivenFile };

/** What a file holds: of one that the user chose as the browser has it, since a checkpoint is larger than memory and only its header is read. */
export type GivenFile = string | Uint8Array<ArrayBuffer> | Blob | HostedFile;

/** Of asks of these kinds that wait, only the newest is answered: a drag sends many. */
export const SUPERSEDED = ['predict', 'break-even', 'timeline', 'search'] as const satisfies Ask['kind'][];

/** A prediction without break-evens, which are null, and with what each of its plans holds in memory. */
export type QuickPrediction = Prediction & { memory: readonly MemoryNeed[] };

/** Replies by the kind of what was asked. */
export interface Replies {
  lists: Lists;
  predict: QuickPrediction;
  'break-even': Prediction;
  timeline: BlockTimeline;
  /** The solver is there: what a first search would wait for. */
  solver: null;
  search: PlanChoice;
  /** A file of the user's is known by its name from now on, as the command line knows a path. */
  file: { name: string; is: GivenKind };
}

/** What a file is of: the control that takes its name. */
export type GivenKind = 'machine' | 'profile' | 'plan' | 'model';

export interface Asked {
  id: number;
  ask: Ask;
}

/** A mistake in what was asked has one line, as the command line would print it; an ask is `stale` where a newer one took its place. */
export type Answered =
  | { id: number; reply: Replies[keyof Replies] }
  | { id: number; stale: true }
  | { id: number; mistake: string }
  | { id: number; bug: string };

/** Settings with a control of their own; a preset has those that it has a use for. */
export const PRESET_SETTINGS = ['resident', 'chunk'] as const;
export type PresetSetting = (typeof PRESET_SETTINGS)[number];

/** What the controls offer. */
export interface Lists {
  models: readonly {
    id: string;
    name: string;
    blocks: number;
    /** `WxH[xF]`. */
    referenceSize: string;
    sizes: readonly string[];
    hasFrames: boolean;
    heads: number;
  }[];
  machines: readonly {
    id: string;
    name: string;
    gpus: number;
    memoryBytes: number;
    transports: readonly string[];
  }[];
  cards: readonly { id: string; name: string; memoryBytes: number }[];
  /** Plans by name: presets, and other tools' settings. */
  presets: readonly { text: string; what: string; settings: readonly PresetSetting[] }[];
}

/** What happens during one block of a simulated steady step. */
export interface BlockTimeline {
  plan: string;
  block: number;
  /** Of the block, from the beginning of its first interval. */
  durationS: number;
  lanes: readonly { name: string; intervals: readonly TimelineInterval[] }[];
  /** Steps: from each time on, until the next. */
  link: readonly { atS: number; h2dBytesPerS: number; d2hBytesPerS: number }[];
}

export interface TimelineInterval {
  name: string;
  kind: 'compute' | 'collective' | 'h2d' | 'd2h' | 'wait' | 'host';
  beginS: number;
  endS: number;
}

import type { PlanChoice } from '../documents/planChoice.ts';
import type { Prediction } from '../documents/prediction.ts';
import type { PlanQuestion } from '../library/plan/question.ts';
import type { RequestQuestion, ScenarioQuestion } from '../model/scenario/question.ts';

/** What the page asks the model, which runs in a worker: plain values both ways, times in seconds, memory in bytes. */
export type Ask =
  | { kind: 'lists' }
  | { kind: 'predict'; question: ScenarioQuestion & RequestQuestion }
  | { kind: 'break-even'; question: ScenarioQuestion }
  | { kind: 'timeline'; question: ScenarioQuestion; plan: string }
  | { kind: 'search'; question: PlanQuestion }
  | { kind: 'file'; name: string; text: string };

/** Replies by the kind of what was asked. */
export interface Replies {
  lists: Lists;
  /** Quick: without break-evens, which are null. */
  predict: Prediction;
  'break-even': Prediction;
  timeline: BlockTimeline;
  search: PlanChoice;
  /** A file of the user's (machine YAML, profile JSON, plan JSON) is known by its name from now on. */
  file: { name: string; is: 'machine' | 'profile' | 'plan' | 'model' };
}

export interface Asked {
  id: number;
  ask: Ask;
}

/** A mistake in what was asked has one line, as the command line would print it. */
export type Answered =
  | { id: number; reply: Replies[keyof Replies] }
  | { id: number; mistake: string }
  | { id: number; bug: string };

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
  presets: readonly { text: string; what: string }[];
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
  kind: 'compute' | 'collective' | 'h2d' | 'd2h' | 'wait';
  beginS: number;
  endS: number;
}

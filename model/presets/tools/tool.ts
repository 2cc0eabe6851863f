import type { IssueOrder } from '../../plan/issueOrder.ts';
import type { HostMemory, SerialCopy } from '../../plan/plan.ts';
import type { System } from '../../system/system.ts';
import type { Workload } from '../../workload/workload.ts';
import type { Knob, SettingsOf } from './knob.ts';

/** How a tool streams whole blocks, each in one go and with no regard to collectives; null order: it streams nothing. */
export interface Streaming {
  order: IssueOrder | null;
  drainAtPassStart?: boolean;
  sequential?: boolean;
  source?: HostMemory;
  serialCopies?: readonly SerialCopy[];
  /** Bytes that stay of a streamed block, whole pages of 2 MiB; none by default. */
  residentBytes?: (weightBytes: number) => number;
}

/** Why a tool cannot do something, and the nearest that can be asked. */
export interface Refusal {
  /** The setting, by the description's name; null for the tool as a whole. */
  setting: string | null;
  why: string;
  instead: string;
}

/** Ranks that divide matrices. A profile does not say what its ranks divide; tools that profile divide rows. */
export function tensorRanks(workload: Workload): number {
  return workload.from === 'profile' ? 1 : workload.layout.tp;
}

/** How a step is divided, for a tool that does not divide it. */
export function dividedText(workload: Workload): string {
  const { ranks } = workload;
  if (workload.from === 'profile') return `the profile has ${ranks} ranks`;
  const { sp, tp } = workload.layout;
  return `the layout divides it over ${ranks} (SP ${sp} x TP ${tp})`;
}

/** Another program whose offloading is known from its sources: the one description that plans, searches and help are derived from. */
export interface Tool<Knobs extends Record<string, Knob> = Record<string, Knob>> {
  summary: string;
  /** Version and sources that were read. */
  read: string;
  knobs: Knobs;
  /** What it cannot run, or what no plan says of it; null where `streaming` says all. */
  refusal(settings: SettingsOf<Knobs>, given: ReadonlySet<keyof Knobs>, workload: Workload): Refusal | null;
  streaming(settings: SettingsOf<Knobs>, workload: Workload, system: System): Streaming;
  /** What its numbers leave out, or bound from one side. */
  notes(settings: SettingsOf<Knobs>, workload: Workload): readonly string[];
}

/** A description whose settings are typed by its own knobs. */
export function tool<const Knobs extends Record<string, Knob>>(description: Tool<Knobs>): Tool<Knobs> {
  return description;
}

import type { IssueOrder } from '../../plan/issueOrder.ts';
import type { HostMemory, SerialCopy } from '../../plan/plan.ts';
import type { System } from '../../system/system.ts';
import type { BoundWorkload } from '../../workload/workload.ts';
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

/** Another program whose offloading is known from its sources: the one description that plans, searches and help are derived from. */
export interface Tool<Knobs extends Record<string, Knob> = Record<string, Knob>> {
  summary: string;
  /** Version and sources that were read. */
  read: string;
  knobs: Knobs;
  /** What it cannot run, or what no plan says of it; null where `streaming` says all. */
  refusal(
    settings: SettingsOf<Knobs>,
    given: ReadonlySet<keyof Knobs>,
    workload: BoundWorkload,
  ): Refusal | null;
  streaming(settings: SettingsOf<Knobs>, workload: BoundWorkload, system: System): Streaming;
  /** What its numbers leave out, or bound from one side. */
  notes(settings: SettingsOf<Knobs>, workload: BoundWorkload): readonly string[];
}

/** A description whose settings are typed by its own knobs. */
export function tool<const Knobs extends Record<string, Knob>>(description: Tool<Knobs>): Tool<Knobs> {
  return description;
}

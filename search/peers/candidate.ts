import { UserError } from '../../model/input/userError.ts';
import type { Plan } from '../../model/plan/plan.ts';
import { makePlan } from '../../model/presets/presets.ts';
import type { SettingsOf } from '../../model/presets/tools/knob.ts';
import { TOOLS, type ToolName } from '../../model/presets/tools/names.ts';
import { toolPlan } from '../../model/presets/tools/toolPlan.ts';
import { settingsText } from '../../model/presets/tools/toolText.ts';
import type { System } from '../../model/system/system.ts';
import type { BoundWorkload } from '../../model/workload/workload.ts';

/** A setting of a tool as its user reads it. */
export interface Wording {
  knobs: readonly { name: string; value: string }[];
  /** What to paste: flags, Python, or a node. */
  paste: string;
  notes: readonly string[];
}

/** One setting that a tool can be given, and how it would stream with it. Its plan's name is the setting as `--plan` takes it. */
export interface Candidate {
  plan: Plan;
  /** Written out for the chosen setting only. */
  wording: () => Wording;
}

type Settings<Name extends ToolName> = SettingsOf<(typeof TOOLS)[Name]['knobs']>;

/**
 * The settings of a tool that stream something, each as `--plan` would make it.
 *
 * @param tried values of some settings, the others being the tool's defaults; what the tool's description refuses is left out.
 * @param wording how a user of the tool writes one, and what is to be known beside the description's own notes.
 */
export function streamingCandidates<Name extends ToolName>(
  name: Name,
  tried: readonly Partial<Settings<Name>>[],
  { workload, system, transport }: { workload: BoundWorkload; system: System; transport: string },
  wording: (settings: Partial<Settings<Name>>) => Wording,
): Candidate[] {
  return tried.flatMap((settings): Candidate[] => {
    const text = settingsText(name, TOOLS[name].knobs, settings);
    const made = unlessRefused(() => toolPlan(text, workload, system, transport));
    if (made === null || made.plan.slots === 0) return [];
    return [
      {
        plan: made.plan,
        wording: () => {
          const own = wording(settings);
          return { ...own, notes: [...made.notes, ...own.notes] };
        },
      },
    ];
  });
}

/** A tool that is told to leave all weights on the GPU. */
export function withoutStreaming(
  workload: BoundWorkload,
  system: System,
  transport: string,
  wording: () => Wording,
): Candidate {
  return { plan: makePlan('none', workload, system, workload.ranks > 1 ? transport : undefined), wording };
}

function unlessRefused<Made>(make: () => Made): Made | null {
  try {
    return make();
  } catch (error) {
    if (error instanceof UserError) return null;
    throw error;
  }
}

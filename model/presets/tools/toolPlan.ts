import { UserError } from '../../input/userError.ts';
import { hostWeightBytes } from '../../physics/memory.ts';
import type { Plan } from '../../plan/plan.ts';
import type { System } from '../../system/system.ts';
import { NO_TRANSPORT, transportNamed } from '../../system/transport.ts';
import type { Workload } from '../../workload/workload.ts';
import { type Knob, shownName } from './knob.ts';
import { TOOLS, type ToolName, toolNamed } from './names.ts';
import type { Refusal, Tool } from './tool.ts';
import { readSettings, splitToolText } from './toolText.ts';
import { wholeBlocks } from './wholeBlocks.ts';

/** A tool's settings for a workload: what it would do with them. */
export interface ToolPlan {
  tool: ToolName;
  plan: Plan;
  /** What the numbers of the plan leave out. */
  notes: readonly string[];
}

/**
 * The plan of a tool's own settings, as users write them: `sglang,prefetch=2,resident=10`, `diffusers,use_stream`. Flags' dashes may
 * stand, `-` and `_` are one, a tool alone has its defaults, and `transport=` is as in presets.
 *
 * @param transport of the plan's collectives where the text names none.
 * @throws UserError in one line for a setting that the tool does not have, a value out of range or without effect, a layout that the
 * tool cannot run, a policy that no plan says (with the nearest that can be asked), and a transport that no tool has.
 */
export function toolPlan(text: string, workload: Workload, system: System, transport?: string): ToolPlan {
  const { name, settings: written, ...own } = splitToolText(text);
  const tool = toolNamed(
    name,
    written.map(({ spelling }) => spelling),
    workload.from === 'profile' ? null : workload.model,
  );
  const description = TOOLS[tool] as unknown as Tool;
  const where = `--plan ${text}`;
  const { settings, given } = readSettings(where, description.knobs, written);
  const refusal = description.refusal(settings, given as ReadonlySet<string>, workload);
  if (refusal !== null) throw new UserError(`${where}: ${refusalText(tool, refusal, description.knobs)}`);
  const chosen = toolTransport(tool, workload, system, own.transport, transport);
  const recipe = { by: 'tool', tool, text } as const;
  const plan = wholeBlocks(text, recipe, description.streaming(settings, workload, system), workload, chosen);
  return {
    tool,
    plan,
    notes: [
      settingsNote(description, settings),
      ...description.notes(settings, workload),
      ...pageableNote(plan, workload),
    ],
  };
}

/** Weights in memory that is not page-locked, which a plan's host memory does not count. */
function pageableNote(plan: Plan, workload: Workload): readonly string[] {
  if (plan.source !== 'pageable') return [];
  const gibibytes = hostWeightBytes(workload, plan) / 2 ** 30;
  return [
    `${gibibytes.toFixed(1)} GiB of weights wait in pageable host memory, which is not counted as pinned`,
  ];
}

/** What is to be known of a plan that a tool's settings made; nothing of any other. */
export function toolNotes(plan: Plan, workload: Workload, system: System): readonly string[] {
  if (plan.recipe.by !== 'tool') return [];
  const usual = workload.ranks === 1 ? undefined : plan.transport;
  return toolPlan(plan.recipe.text, workload, system, usual).notes;
}

/** All of a tool's settings, the given and the usual ones, and where they were read. */
function settingsNote({ knobs, read }: Tool, settings: Record<string, unknown>): string {
  const all = Object.entries(knobs).map(([key, { name }]) => `${name}=${settings[key]}`);
  return `${all.join(', ')}; as of ${read}`;
}

function refusalText(
  tool: ToolName,
  { setting, why, instead }: Refusal,
  knobs: Record<string, Knob>,
): string {
  const what = setting === null ? tool : `${shownName(knobs[setting]!)}`;
  return `${what}: ${why}; ${instead}`;
}

/** Tools run on NCCL, which has no copy-engine collectives in the order of a prefetch. */
export function toolTransport(
  tool: string,
  workload: Pick<Workload, 'ranks'>,
  system: System,
  own: string | undefined,
  usual?: string,
): string {
  if (workload.ranks === 1) {
    if (own === undefined) return NO_TRANSPORT;
    throw new UserError(
      `${tool}: transport: has no effect: one rank has no collectives; leave it out, or give --sp or --tp of at least 2`,
    );
  }
  const asked = own ?? usual;
  const { kind, name } = transportNamed(system, asked);
  if (kind === 'flow') return name;
  const others = system.transports.filter((other) => other.kind === 'flow');
  if (asked === undefined && others.length > 0) return others[0]!.name;
  throw new UserError(
    `${tool}: has no ${name}, it runs on NCCL; ${others.length > 0 ? `give one of ${others.map((other) => other.name).join(', ')}` : `${system.name} has no such transport, add one to its file`}`,
  );
}

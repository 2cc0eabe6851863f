import { UserError } from '../input/userError.ts';
import { isPlanFile } from '../plan/planFile.ts';
import { presetFits } from '../presets/presets.ts';
import { unusedByPreset } from '../presets/settingEffects.ts';
import { namesTool } from '../presets/tools/names.ts';
import type { Workload } from '../workload/workload.ts';
import type { ScenarioQuestion } from './question.ts';

const USUAL_PLANS = ['none', 'layerwise', 'layerwise-drain', 'chunked', 'chunkflow-paper', 'yield'];
/** Without collectives there is nothing to drain for, to pause around or to yield to. */
const USUAL_PLANS_WITHOUT_COLLECTIVES = ['none', 'layerwise', 'chunked'];
/** Settings of a question that stand for every preset which has a use for them and does not give them; a plan's file has them all. */
const PLAN_SETTINGS = ['resident', 'prefetch', 'chunk', 'slots'] as const;

/**
 * The plans that a question asks for, each with the settings that stand for all plans which have a use for them.
 *
 * @throws UserError for a setting that no plan has a use for.
 */
export function planTexts(question: ScenarioQuestion, workload: Workload): string[] {
  const given = PLAN_SETTINGS.filter((key) => question[key] !== undefined);
  const texts = question.plan ?? usualPlans(workload);
  for (const key of given) refuseIdleFlag(key, question[key]!, texts);
  return texts.map((text) => {
    const added = given.filter((key) => whyIdle(text, key) === undefined && !sets(text, key));
    return [text, ...added.map((key) => `${key}=${question[key]}`)].join(',');
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

function usualPlans(workload: Workload): string[] {
  const usual = workload.ranks > 1 ? USUAL_PLANS : USUAL_PLANS_WITHOUT_COLLECTIVES;
  return usual.filter((preset) => presetFits(preset, workload));
}

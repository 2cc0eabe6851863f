import { UserError } from '../../model/input/userError.ts';
import { isPlanFile } from '../../model/plan/planFile.ts';
import type { GridText, Values } from './sweepFormat.ts';
import { valueTexts } from './valueList.ts';

type PlanText = GridText['plans'][number];

/**
 * The plans of a preset with lists of settings: every combination, the last setting fastest.
 *
 * @example planTexts({ preset: 'yield', resident: [0, 0.5], chunk: ['4MiB'] }) // ['yield,resident=0,chunk=4MiB', 'yield,resident=0.5,chunk=4MiB']
 */
export function planTexts(plan: PlanText): string[] {
  if (typeof plan === 'string') return [plan];
  const { preset, ...settings } = plan;
  if (isPlanFile(preset))
    throw new UserError(`preset: a plan's file has all of its settings; give "${preset}" alone`);
  return Object.entries(settings as Record<string, Values>).reduce<string[]>(
    (texts, [key, values]) => {
      const given = valueTexts(values).map((value) => `${key}=${value.replaceAll(' ', '')}`);
      return texts.flatMap((text) => given.map((setting) => `${text},${setting}`));
    },
    [preset],
  );
}

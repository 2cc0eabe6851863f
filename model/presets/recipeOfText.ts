import type { PresetRecipe, ToolRecipe } from '../plan/recipe.ts';
import { namesTool } from './tools/names.ts';

/** The recipe that a text of `--plan` is: its first word says what takes the settings. */
export function recipeOfText(text: string): PresetRecipe | ToolRecipe {
  const word = text.split(',', 1)[0]!.trim();
  return namesTool(text) ? { by: 'tool', tool: word, text } : { by: 'preset', preset: word, text };
}

/**
 * What made a plan. A plan that a text made can be made anew for another size, degree or machine; any other is the same data
 * everywhere. Display names say nothing of that.
 */
export type Recipe = PresetRecipe | ToolRecipe | { by: 'search' } | { by: 'file' };

/** A preset with its settings, as `--plan` takes them. */
export interface PresetRecipe {
  by: 'preset';
  preset: string;
  /** Preset and settings: `yield,resident=0.25`. */
  text: string;
}

/** Another tool's own settings, as `--plan` takes them. */
export interface ToolRecipe {
  by: 'tool';
  tool: string;
  /** Tool and settings: `sglang,prefetch=2`. */
  text: string;
}

/** The plan is data that was read: from a file, a dataset, or a caller. */
export const FROM_FILE = { by: 'file' } as const satisfies Recipe;

/** The plan is what a search arrived at. */
export const FROM_SEARCH = { by: 'search' } as const satisfies Recipe;

/** The text that makes a plan anew; null where only its data is known. */
export function textOf(recipe: Recipe): string | null {
  return 'text' in recipe ? recipe.text : null;
}

/** The plan keeps all weights on the GPU because its user asked for no offload, which is what others are held against. */
export function isNoOffload(recipe: Recipe): boolean {
  return recipe.by === 'preset' && recipe.preset === 'none';
}

/** What made a plan, in a word: its preset or tool, or `search` or `file`. */
export function makerOf(recipe: Recipe): string {
  if (recipe.by === 'preset') return recipe.preset;
  return recipe.by === 'tool' ? recipe.tool : recipe.by;
}

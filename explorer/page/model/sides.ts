import type { ExplorerState } from '../../state.ts';

/** The two plans side by side. */
export type Side = 0 | 1;
export const SIDES = [0, 1] as const;
export const SIDE_NAMES = ['A', 'B'] as const;

const USUAL = ['layerwise', 'yield'];

/** What the explorer opens with where its link says nothing. */
export const USUAL_STATE: ExplorerState = {
  model: 'wan2.1-t2v-14b',
  size: '832x480x81',
  machine: 'h200-x2',
  plan: USUAL,
};

/** Plans A and B of a state. No offload is always beside them, so a link of three plans with it shows the two others. */
export function sidesOf({ plan = [] }: ExplorerState): readonly [string, string] {
  const streamed = plan.filter((text) => text !== 'none');
  const chosen = streamed.length >= 2 || plan.length > 2 ? streamed : plan;
  const [a = 'layerwise', b = USUAL.find((text) => text !== a)!] = chosen;
  return [a, b];
}

export function withSide(state: ExplorerState, side: Side, text: string): ExplorerState {
  const [a, b] = sidesOf(state);
  return { ...state, plan: side === 0 ? [text, b] : [a, text] };
}

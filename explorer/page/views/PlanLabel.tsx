import { SIDE_NAMES } from '../model/sides.ts';

/** A, B, or what both are held against. */
export function rowName(index: number): string {
  return index < SIDE_NAMES.length ? SIDE_NAMES[index as 0 | 1] : 'No offload';
}

/** A plan's letter and name at the head of its row. */
export function PlanLabel({ index, plan }: { index: number; plan: string }) {
  const isSide = index < SIDE_NAMES.length;
  return (
    <div class="plan-label" title={plan}>
      {isSide && <span class={`badge side-${rowName(index).toLowerCase()}`}>{rowName(index)}</span>}
      <bdi class={isSide ? 'plan-name' : 'plan-name quiet'}>{isSide ? plan : 'no offload'}</bdi>
    </div>
  );
}

import { Fragment } from 'preact';
import { SIDE_NAMES } from '../model/sides.ts';

/** A, B, or what both are held against. */
export function rowName(index: number): string {
  return index < SIDE_NAMES.length ? SIDE_NAMES[index as 0 | 1] : 'No offload';
}

export interface PlanLabelProps {
  index: number;
  plan: string;
  /** Of its collectives; said of no offload, whose text says nothing. `none` on one rank. */
  transport?: string;
}

/** A plan's letter and name at the head of its row. */
export function PlanLabel({ index, plan, transport = 'none' }: PlanLabelProps) {
  const isSide = index < SIDE_NAMES.length;
  const over = transport === 'none' ? '' : `, ${transport}`;
  return (
    <div class="plan-label" title={plan}>
      {isSide && <span class={`badge side-${rowName(index).toLowerCase()}`}>{rowName(index)}</span>}
      <bdi class={isSide ? 'plan-name' : 'plan-name quiet'}>
        {isSide ? breakable(plan) : `no offload${over}`}
      </bdi>
    </div>
  );
}

/** A long name breaks behind its settings first. */
function breakable(plan: string) {
  const settings = plan.split(',');
  return settings.map((text, index) => (
    <Fragment key={index}>
      {index > 0 && (
        <>
          ,<wbr />
        </>
      )}
      {text}
    </Fragment>
  ));
}

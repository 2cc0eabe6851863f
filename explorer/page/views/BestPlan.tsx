import type { PlanChoice } from '../../../documents/planChoice.ts';
import type { ExplorerState } from '../../state.ts';
import type { Searching } from '../model/useSearch.ts';
import { gibibytes, milliseconds, percent } from '../text/units.ts';

export interface BestPlanProps {
  state: ExplorerState;
  searching: Searching;
  onAdopt(choice: PlanChoice): void;
}

/** The search: a button, its progress, and what it found, which becomes plan B at a press. */
export function BestPlan({ state, searching, onAdopt }: BestPlanProps) {
  const { isRunning, elapsedS, found, trouble, search } = searching;
  const cap = state.gpuMemory === undefined ? '' : ` within ${state.gpuMemory.replace(/GiB$/, ' GiB')}`;
  return (
    <fieldset class="best">
      <legend>Best plan</legend>
      <button
        type="button"
        class="primary"
        id="search"
        disabled={isRunning}
        onPointerEnter={searching.prepare}
        onFocus={searching.prepare}
        onClick={search}
      >
        {isRunning ? `Searching ... ${elapsedS.toFixed(1)} s` : `Find the best plan${cap}`}
      </button>
      {isRunning && (
        <>
          <progress aria-label="Search" />
          <button type="button" onClick={searching.stop}>
            Stop
          </button>
        </>
      )}
      <div role="status" aria-live="polite">
        {trouble !== null && trouble.of === state && <p class="mistake">{trouble.line}</p>}
        {found !== null && <Found {...{ found, state, onAdopt }} />}
      </div>
    </fieldset>
  );
}

type FoundProps = Pick<BestPlanProps, 'state' | 'onAdopt'> & { found: NonNullable<Searching['found']> };

function Found({ found: { of, reply }, state, onAdopt }: FoundProps) {
  const { choice, verdict, proven, gap, counts } = reply;
  const isStale = !isSameQuestion(of, state);
  return (
    <div class={isStale ? 'found stale' : 'found'}>
      {isStale && <p class="quiet">Of the settings before:</p>}
      <p>
        <strong>{milliseconds(choice.stepTimeS)}</strong> in <strong>{gibibytes(choice.gpuPeakBytes)}</strong>
        {proven
          ? ', proven: no plan of the space is faster by 0.1 %'
          : `, at most ${percent(gap)} above what no plan goes below`}
        ; {counts.ranked.toLocaleString('en-US')} plans ranked, {counts.simulated.toLocaleString('en-US')}{' '}
        simulated.
      </p>
      <p class="quiet">{verdict}</p>
      <button type="button" id="adopt" disabled={isStale} onClick={() => onAdopt(reply)}>
        Use as plan B
      </button>
    </div>
  );
}

/** What a search found stands while only the plans beside it change. */
function isSameQuestion({ plan: _, ...a }: ExplorerState, { plan: __, ...b }: ExplorerState): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}

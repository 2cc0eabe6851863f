import type { QueuedElement } from '../../cluster/slurm/queue.ts';
import type { ItemState } from '../../studies/jobs/states.ts';

/** How all items of a submission stand, in one line: `3 of 9 cells are measured, 2 running on gpu1, 4 pending (Resources)`. */
export function statesText(what: string, states: readonly ItemState[]): string {
  const elements = states.flatMap((state) => (state.is === 'queued' ? [state.element] : []));
  const running = elements.filter(({ node }) => node !== '');
  const waiting = elements.filter(({ node }) => node === '');
  const done = states.filter(({ is }) => is === 'done').length;
  const failed = states.filter(({ is }) => is === 'failed').length;
  return [
    `${done} of ${states.length} ${what} are measured`,
    ...(running.length === 0
      ? []
      : [`${running.length} running on ${namesOf(running.map(({ node }) => node))}`]),
    ...(waiting.length === 0 ? [] : [`${waiting.length} pending${waitingText(waiting)}`]),
    ...(failed === 0 ? [] : [`${failed} failed`]),
  ].join(', ');
}

function waitingText(waiting: readonly QueuedElement[]): string {
  const reasons = waiting.map(({ reason }) => reason).filter((reason) => reason !== 'None' && reason !== '');
  const starts = waiting.flatMap(({ startsAt }) => startsAt ?? []).sort();
  const said = [
    ...(reasons.length === 0 ? [] : [namesOf(reasons)]),
    ...(starts.length === 0 ? [] : [`expected from ${starts[0]}`]),
  ];
  return said.length === 0 ? '' : ` (${said.join('; ')})`;
}

/** One item's state in a table: `done`, `running on gpu1`, `pending (Resources)`, `failed`; empty for one that was not submitted. */
export function stateText(state: ItemState): string {
  if (state.is === 'open') return '';
  if (state.is !== 'queued') return state.is;
  const { node, element, job } = state.element;
  return node === ''
    ? `pending${waitingText([state.element])}, ${job}_${element}`
    : `running on ${node}, ${job}_${element}`;
}

const MOST_NAMES = 4;

function namesOf(names: readonly string[]): string {
  const different = [...new Set(names)];
  const rest = different.length - MOST_NAMES;
  return rest > 0 ? `${different.slice(0, MOST_NAMES).join(' ')} and ${rest} more` : different.join(' ');
}

import type { ExplorerState, StateField } from '../../state.ts';
import type { ControlsProps } from './controls.ts';

/** Fields that no control shows: they come with links and are kept. */
const WITHOUT_CONTROL = [
  ...['entry', 'ring', 'pp', 'exchange', 'textRows', 'expertsOnGpu', 'referenceImage', 'blocks', 'set'],
  ...['resident', 'prefetch', 'chunk', 'slots', 'steps', 'before', 'after', 'switch', 'hostMemory'],
] as const satisfies readonly StateField[];

/** What a link said beyond the controls, each with a button that takes it away. */
export function OtherFields({ state, change }: ControlsProps) {
  const given = WITHOUT_CONTROL.filter((field) => state[field] !== undefined);
  if (given.length === 0) return null;
  return (
    <fieldset>
      <legend>Also given</legend>
      <ul class="chips">
        {given.map((field) => (
          <li key={field}>
            <code>{`${flagOf(field)} ${shown(state, field)}`}</code>
            <button
              type="button"
              aria-label={`take ${flagOf(field)} away`}
              onClick={() => change({ [field]: undefined })}
            >
              ×
            </button>
          </li>
        ))}
      </ul>
    </fieldset>
  );
}

function flagOf(field: string): string {
  return `--${field.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
}

function shown(state: ExplorerState, field: StateField): string {
  const value = state[field];
  return Array.isArray(value) ? value.join(' ') : String(value);
}

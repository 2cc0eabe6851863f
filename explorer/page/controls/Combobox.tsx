import { useEffect, useRef, useState } from 'preact/hooks';
import { describedBy, Field } from './Field.tsx';

export interface ComboboxOption {
  value: string;
  label: string;
  /** At the right: what tells it from its neighbours. */
  detail: string;
  group?: string | undefined;
}

export interface ComboboxProps {
  id: string;
  label: string;
  hint?: string | undefined;
  value: string;
  options: readonly ComboboxOption[];
  mistake?: string | undefined;
  onValue(value: string): void;
}

/**
 * One of many, found by typing parts of its name; what is none of them is taken as it is typed, as the command line takes it. The
 * pattern is ARIA's "editable combobox with list autocomplete".
 */
export function Combobox({ id, label, hint, value, options, mistake, onValue }: ComboboxProps) {
  const [typed, setTyped] = useState<string | null>(null);
  const [active, setActive] = useState(0);
  const list = useRef<HTMLDivElement>(null);
  const isOpen = typed !== null;
  const found = isOpen ? matching(options, typed === value ? '' : typed) : [];
  const at = Math.min(active, found.length - 1);
  useEffect(() => {
    list.current?.querySelector('[aria-selected=true]')?.scrollIntoView({ block: 'nearest' });
  });
  const open = (text: string) => {
    setTyped(text);
    setActive(
      text === value
        ? Math.max(
            0,
            options.findIndex((option) => option.value === value),
          )
        : 0,
    );
  };
  const choose = (chosen: string) => {
    setTyped(null);
    if (chosen !== value && chosen.trim() !== '') onValue(chosen.trim());
  };
  const onKeyDown = (event: KeyboardEvent) => {
    const move = MOVES[event.key];
    if (move !== undefined) {
      event.preventDefault();
      if (isOpen) setActive(Math.max(0, Math.min(found.length - 1, move(at, found.length))));
      else open(value);
    } else if (event.key === 'Enter' && isOpen) choose(found[at]?.value ?? typed);
    else if (event.key === 'Escape' && isOpen) {
      event.stopPropagation();
      setTyped(null);
    }
  };
  return (
    <Field id={id} label={label} hint={hint} mistake={mistake}>
      <div class="combobox">
        <input
          id={id}
          type="text"
          role="combobox"
          autocomplete="off"
          spellcheck={false}
          aria-autocomplete="list"
          aria-expanded={isOpen}
          aria-controls={`${id}-list`}
          {...(isOpen && found.length > 0 && { 'aria-activedescendant': `${id}-${at}` })}
          {...describedBy(id, mistake)}
          value={typed ?? value}
          onFocus={({ currentTarget }) => currentTarget.select()}
          onMouseDown={() => !isOpen && open(value)}
          onInput={({ currentTarget }) => open(currentTarget.value)}
          onBlur={() => isOpen && choose(options.some((option) => option.value === typed) ? typed : value)}
          onKeyDown={onKeyDown}
        />
        <div id={`${id}-list`} ref={list} role="listbox" aria-label={label} hidden={!isOpen}>
          {found.map((option, index) => (
            // biome-ignore lint/a11y/useKeyWithClickEvents: the input has the focus and its keys
            <div
              key={option.value}
              id={`${id}-${index}`}
              role="option"
              tabIndex={-1}
              aria-selected={index === at}
              class={option.group !== found[index - 1]?.group ? 'first' : undefined}
              data-group={option.group}
              onMouseDown={(event) => event.preventDefault()}
              onClick={() => choose(option.value)}
            >
              <span class="option-label">{option.label}</span>
              <span class="option-detail">{option.detail}</span>
            </div>
          ))}
          {isOpen && found.length === 0 && (
            <div class="none" role="option" tabIndex={-1} aria-selected={false} aria-disabled={true}>
              none of the {options.length}; Enter takes it as a name
            </div>
          )}
        </div>
      </div>
    </Field>
  );
}

const MOVES: Readonly<Record<string, (at: number, count: number) => number>> = {
  ArrowDown: (at) => at + 1,
  ArrowUp: (at) => at - 1,
  PageDown: (at) => at + 8,
  PageUp: (at) => at - 8,
};

/** Options that have every word that was typed, in any order. */
function matching(options: readonly ComboboxOption[], typed: string): readonly ComboboxOption[] {
  const words = typed
    .toLowerCase()
    .split(/\s+/)
    .filter((word) => word !== '');
  return options.filter(({ value, label, detail }) => {
    const text = `${value} ${label} ${detail}`.toLowerCase();
    return words.every((word) => text.includes(word));
  });
}

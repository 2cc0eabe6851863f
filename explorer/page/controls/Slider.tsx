import { describedBy, Field } from './Field.tsx';

export interface SliderProps {
  id: string;
  label: string;
  /** As it is written in the box: a number, or whatever the user is typing. */
  text: string;
  unit?: string | undefined;
  hint?: string | undefined;
  /** In the box while it is empty: what is taken then. */
  usual?: string | undefined;
  min: number;
  max: number;
  step: number;
  /** Where the thumb stands while the box is empty or holds no number. */
  at: number;
  /** Of a scale that is not the value's own: from a place of the thumb to the text, and back. */
  scale?: { textAt(place: number): string; placeOf(value: number): number } | undefined;
  mistake?: string | undefined;
  disabled?: boolean | undefined;
  onText(text: string): void;
  onReset?: (() => void) | undefined;
}

/** A number by thumb or by keyboard: a range, and a box for what lies between or beyond its steps. */
export function Slider(props: SliderProps) {
  const { id, label, text, unit, usual, min, max, step, at, scale, mistake, disabled, onText } = props;
  const value = text.trim() === '' ? Number.NaN : Number(text.replaceAll(',', ''));
  const given = Number.isFinite(value) ? (scale?.placeOf(value) ?? value) : at;
  const place = Math.min(max, Math.max(min, given));
  const share = text !== '' && max > min ? (place - min) / (max - min) : 0;
  return (
    <Field id={id} label={label} hint={props.hint} mistake={mistake} onReset={props.onReset} isInline>
      <div class={text === '' ? 'slider unset' : 'slider'}>
        <input
          type="range"
          aria-label={label}
          aria-valuetext={`${text === '' ? (usual ?? 'as usual') : text} ${unit ?? ''}`.trim()}
          {...{ min, max, step, disabled }}
          value={place}
          style={{ '--share': `${100 * share}%` }}
          onInput={({ currentTarget }) => {
            const moved = Number(currentTarget.value);
            onText(scale?.textAt(moved) ?? String(moved));
          }}
        />
        <span class="box">
          <input
            id={id}
            type="text"
            inputMode="decimal"
            autocomplete="off"
            spellcheck={false}
            placeholder={usual}
            value={text}
            disabled={disabled}
            {...describedBy(id, mistake)}
            onInput={({ currentTarget }) => onText(currentTarget.value)}
          />
          {unit !== undefined && (text !== '' || isNumber(usual)) && <span class="unit">{unit}</span>}
        </span>
      </div>
    </Field>
  );
}

function isNumber(text: string | undefined): boolean {
  return text !== undefined && Number.isFinite(Number(text));
}

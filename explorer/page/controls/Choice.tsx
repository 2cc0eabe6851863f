import { describedBy, Field } from './Field.tsx';

export interface ChoiceProps {
  id: string;
  label: string;
  hint?: string | undefined;
  /** Empty for what is usual. */
  value: string;
  /** What stands for the empty value; absent where there is none. */
  usual?: string | undefined;
  options: readonly (string | { value: string; label: string })[];
  mistake?: string | undefined;
  disabled?: boolean | undefined;
  onValue(value: string | undefined): void;
}

/** One of a few. A value that is none of them, from a link or a file, is shown as it is. */
export function Choice({ id, label, hint, value, usual, options, mistake, disabled, onValue }: ChoiceProps) {
  const all = options.map((option) =>
    typeof option === 'string' ? { value: option, label: option } : option,
  );
  const isForeign = value !== '' && all.every((option) => option.value !== value);
  return (
    <Field id={id} label={label} hint={hint} mistake={mistake}>
      <select
        id={id}
        value={value}
        disabled={disabled}
        {...describedBy(id, mistake)}
        onChange={({ currentTarget }) =>
          onValue(currentTarget.value === '' ? undefined : currentTarget.value)
        }
      >
        {usual !== undefined && <option value="">{usual}</option>}
        {isForeign && <option value={value}>{value}</option>}
        {all.map((option) => (
          <option key={option.value} value={option.value}>
            {option.label}
          </option>
        ))}
      </select>
    </Field>
  );
}

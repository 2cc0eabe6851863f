import type { ComponentChildren } from 'preact';

export interface FieldProps {
  id: string;
  label: string;
  /** Behind the label: what the value is where nobody gave one. */
  hint?: string | undefined;
  mistake?: string | undefined;
  /** Gives the value back to the model or machine; absent where nothing was given. */
  onReset?: (() => void) | undefined;
  /** Label and control in one line. */
  isInline?: boolean | undefined;
  children: ComponentChildren;
}

/** A control with its label, and below it the line about what is wrong with it. */
export function Field({ id, label, hint, mistake, onReset, isInline, children }: FieldProps) {
  return (
    <div class={`field${isInline === true ? ' inline' : ''}${mistake === undefined ? '' : ' wrong'}`}>
      <div class="field-head">
        <label for={id}>{label}</label>
        {hint !== undefined && <span class="hint">{hint}</span>}
        {onReset !== undefined && (
          <button type="button" class="reset" onClick={onReset} aria-label={`reset ${label}`}>
            reset
          </button>
        )}
      </div>
      {children}
      {mistake !== undefined && (
        <p class="mistake" id={`${id}-mistake`} role="alert">
          {mistake}
        </p>
      )}
    </div>
  );
}

/** What ties a control to the line below it. */
export function describedBy(id: string, mistake: string | undefined) {
  return mistake === undefined ? {} : { 'aria-describedby': `${id}-mistake`, 'aria-invalid': true as const };
}

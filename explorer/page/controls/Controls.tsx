import type { ComponentChildren } from 'preact';
import { SIDES } from '../model/sides.ts';
import type { ControlsProps } from './controls.ts';
import { MachineControls } from './MachineControls.tsx';
import { ModelControls } from './ModelControls.tsx';
import { OtherFields } from './OtherFields.tsx';
import { PlanControls } from './PlanControls.tsx';

export interface AllControlsProps extends ControlsProps {
  onFile(file: File): void;
  /** Behind the plans: the search for one. */
  children: ComponentChildren;
}

/** Everything that can be changed. */
export function Controls({ onFile, children, ...props }: AllControlsProps) {
  return (
    <form class="controls" onSubmit={(event) => event.preventDefault()}>
      <ModelControls {...props} />
      <MachineControls {...props} />
      {SIDES.map((side) => (
        <PlanControls key={side} side={side} {...props} />
      ))}
      {children}
      <OtherFields {...props} />
      <div class="file">
        <label for="file">Open or drop a file</label>
        <input
          id="file"
          type="file"
          onChange={({ currentTarget }) => {
            for (const file of currentTarget.files ?? []) onFile(file);
            currentTarget.value = '';
          }}
        />
        <p class="hint">machine YAML, checkpoint, profile or plan; it stays on this machine</p>
      </div>
    </form>
  );
}

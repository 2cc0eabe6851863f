import { Choice } from './Choice.tsx';
import type { ControlsProps } from './controls.ts';
import { Slider } from './Slider.tsx';

/** Width and height move by what every patch size of the catalogue divides. */
const PIXELS = { min: 128, max: 2048, step: 16 };
const FRAMES = { min: 1, max: 241, step: 4 };
const BATCH = { min: 1, max: 16, step: 1 };

/** Pixels, frames and samples: sizes that people use, and anything between by slider. */
export function SizeControls({ state, change, lists, prediction, mistakeAt }: ControlsProps) {
  const model = lists.models.find(({ id }) => id === state.model);
  const workload = prediction?.workload.from === 'model' ? prediction.workload : null;
  const size = state.size ?? model?.referenceSize ?? '';
  const [width = '', height = '', frames] = size.split('x');
  const hasFrames = model?.hasFrames ?? (frames !== undefined || (workload?.frames ?? 1) > 1);
  const mistake = mistakeAt('size');
  const take = (parts: { width?: string; height?: string; frames?: string }) => {
    const all = { width, height, frames, ...parts };
    const dimensions = [all.width, all.height, ...(hasFrames ? [all.frames ?? '1'] : [])];
    change({ size: dimensions.map((part) => part.trim()).join('x') });
  };
  const pixels = (name: 'width' | 'height', label: string, text: string) => (
    <Slider
      {...{ id: name, label, text, unit: 'px', ...PIXELS, at: workload?.[name] ?? 512 }}
      mistake={name === 'width' ? mistake : undefined}
      onText={(given) => take({ [name]: given })}
    />
  );
  return (
    <>
      <Choice
        id="size"
        label="Size"
        value={size}
        options={model?.sizes ?? []}
        onValue={(chosen) => change({ size: chosen })}
      />
      {pixels('width', 'Width', width)}
      {pixels('height', 'Height', height)}
      {hasFrames && (
        <Slider
          {...{ id: 'frames', label: 'Frames', text: frames ?? '', ...FRAMES, at: workload?.frames ?? 1 }}
          onText={(given) => take({ frames: given })}
        />
      )}
      <Slider
        {...{ id: 'batch', label: 'Batch', text: textOf(state.batch), usual: '1', ...BATCH, at: 1 }}
        mistake={mistakeAt('batch')}
        onText={(given) => change({ batch: numberOf(given) })}
      />
    </>
  );
}

/** What is no number is passed on as it is typed, for the model to say what is wrong with it. */
function numberOf(text: string): number | undefined {
  const trimmed = text.trim();
  if (trimmed === '') return undefined;
  const value = Number(trimmed);
  return Number.isNaN(value) ? (trimmed as unknown as number) : value;
}

function textOf(value: number | undefined): string {
  return value === undefined ? '' : String(value);
}

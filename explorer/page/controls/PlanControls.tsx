import type { PresetSetting } from '../../protocol.ts';
import { SIDE_NAMES, type Side, sidesOf, withSide } from '../model/sides.ts';
import { isFile, planText, planWords, settingOf, withSetting } from '../text/planWords.ts';
import { Choice } from './Choice.tsx';
import type { ControlsProps } from './controls.ts';
import { Field } from './Field.tsx';
import { Slider } from './Slider.tsx';

/** Sizes of chunks that the thumb stops at: powers of two from the smallest that a plan takes, MiB. */
const CHUNKS_MIB = Array.from({ length: 15 }, (_, power) => 2 ** (power - 4));
const CHUNK_SCALE = {
  textAt: (place: number) => String(CHUNKS_MIB[place]),
  placeOf: (mib: number) => Math.round(Math.log2(mib / CHUNKS_MIB[0]!)),
};
const RESIDENT = { label: 'Resident', min: 0, max: 1, step: 0.01, at: 0 };
const CHUNK = {
  ...{ label: 'Chunk', unit: 'MiB', min: 0, max: CHUNKS_MIB.length - 1, step: 1 },
  ...{ at: CHUNK_SCALE.placeOf(16), scale: CHUNK_SCALE },
};

/** A bare number is of MiB; somebody who writes a unit means it. */
function inMiB(text: string): string {
  return text.trim() === '' || /[a-z]/i.test(text) ? text : `${text}MiB`;
}

/** One of the two plans: a preset or another tool, its usual settings as sliders, and all of it as the command line takes it. */
export function PlanControls({ side, ...props }: ControlsProps & { side: Side }) {
  const { state, change, lists, mistakeAt } = props;
  const text = sidesOf(state)[side];
  const name = SIDE_NAMES[side];
  const take = (next: string) => change({ plan: withSide(state, side, next).plan });
  const { head } = planWords(text);
  const ofFile = isFile(text);
  const preset = lists.presets.find((one) => one.text === head);
  const choose = (chosen: string) => {
    const taken = lists.presets.find((one) => one.text === chosen)?.settings ?? [];
    take(taken.reduce((next, key) => withSetting(next, key, settingOf(text, key)), chosen));
  };
  return (
    <fieldset class={`plan side-${name.toLowerCase()}`}>
      <legend>
        Plan <span class="badge">{name}</span>
      </legend>
      <Choice
        id={`preset-${name}`}
        label={`Preset or tool of plan ${name}`}
        value={ofFile ? text : head}
        options={lists.presets.map(({ text: value }) => value)}
        mistake={mistakeAt(`plan${side}`)}
        onValue={(chosen) => choose(chosen!)}
      />
      <p class="facts">{ofFile ? 'a plan file' : preset?.what}</p>
      {!ofFile && <PlanSettings {...{ text, name, take }} settings={preset?.settings ?? []} />}
    </fieldset>
  );
}

interface PlanSettingsProps {
  text: string;
  name: string;
  /** Those that the preset has a use for. */
  settings: readonly PresetSetting[];
  take(text: string): void;
}

function PlanSettings({ text, name, settings, take }: PlanSettingsProps) {
  const set = (key: PresetSetting, value: string) =>
    take(withSetting(text, key, value === '' ? undefined : value));
  const slider = (key: PresetSetting) => {
    const value = settingOf(text, key);
    if (value === undefined && !settings.includes(key)) return null;
    return (
      <Slider
        {...(key === 'resident' ? RESIDENT : CHUNK)}
        id={`${key}-${name}`}
        text={(key === 'chunk' ? value?.replace(/MiB$/, '') : value) ?? ''}
        usual="preset's"
        onText={(given) => set(key, key === 'chunk' ? inMiB(given) : given)}
        onReset={value === undefined ? undefined : () => set(key, '')}
      />
    );
  };
  return (
    <>
      {slider('resident')}
      {slider('chunk')}
      <Field id={`text-${name}`} label={`Plan ${name} as text`}>
        <input
          id={`text-${name}`}
          class="code"
          type="text"
          autocomplete="off"
          spellcheck={false}
          value={text}
          onChange={({ currentTarget }) => take(planText(planWords(currentTarget.value)))}
        />
      </Field>
    </>
  );
}

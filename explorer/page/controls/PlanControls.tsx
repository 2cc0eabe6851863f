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

/** One of the two plans: a preset or another tool, its usual settings as sliders, and all of it as the command line takes it. */
export function PlanControls({ side, ...props }: ControlsProps & { side: Side }) {
  const { state, change, lists, mistakeAt } = props;
  const text = sidesOf(state)[side];
  const name = SIDE_NAMES[side];
  const take = (next: string) => change({ plan: withSide(state, side, next).plan });
  const { head } = planWords(text);
  const ofFile = isFile(text);
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
        onValue={(preset) => take(preset ?? 'none')}
      />
      <p class="facts">{ofFile ? 'a plan file' : lists.presets.find((one) => one.text === head)?.what}</p>
      {!ofFile && <PlanSettings {...{ text, name, take }} />}
    </fieldset>
  );
}

function PlanSettings({ text, name, take }: { text: string; name: string; take(text: string): void }) {
  const resident = settingOf(text, 'resident');
  const chunk = settingOf(text, 'chunk');
  const set = (key: string, value: string) => take(withSetting(text, key, value === '' ? undefined : value));
  const unset = (key: string) => () => take(withSetting(text, key, undefined));
  return (
    <>
      <Slider
        {...{ id: `resident-${name}`, label: 'Resident', min: 0, max: 1, step: 0.01, at: 0 }}
        {...{ text: resident ?? '', usual: "preset's" }}
        onText={(given) => set('resident', given)}
        onReset={resident === undefined ? undefined : unset('resident')}
      />
      <Slider
        {...{ id: `chunk-${name}`, label: 'Chunk', unit: 'MiB', min: 0, max: CHUNKS_MIB.length - 1, step: 1 }}
        {...{ text: chunk?.replace(/MiB$/, '') ?? '', usual: "preset's", at: CHUNK_SCALE.placeOf(16) }}
        scale={CHUNK_SCALE}
        onText={(given) => set('chunk', given.trim() === '' || /[a-z]/i.test(given) ? given : `${given}MiB`)}
        onReset={chunk === undefined ? undefined : unset('chunk')}
      />
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

import type { ExplorerState, StateField } from '../../state.ts';
import { SIDES, sidesOf } from '../model/sides.ts';

/** Where a mistake's line is shown: beside the control of a field, of a plan, or above them all. */
export type MistakePlace = StateField | 'plan0' | 'plan1' | 'general';

/** Flags of a line's beginning that are known by another control. */
const BESIDE: Readonly<Record<string, MistakePlace>> = { ring: 'sp', pp: 'sp' };

/** Fields with a control to stand beside. */
const WITH_CONTROL: readonly MistakePlace[] = [
  ...['model', 'profile', 'dtype', 'size', 'batch', 'sp', 'tp', 'cfg', 'computeDtype', 'attention', 'eager'],
  ...['machine', 'gpus', 'pcie', 'topology', 'transport', 'gpuMemory'],
] as MistakePlace[];

/**
 * The control that a line is about: messages begin with the flag they are about or its name, or with the file.
 *
 * @example mistakePlace('--size 10x10: ...', state) // 'size'
 */
export function mistakePlace(line: string, state: ExplorerState): MistakePlace {
  const [, flag] = /^(?:--)?([a-z-]+)[ :=]/.exec(line) ?? [];
  if (flag === undefined) return placeOfFile(line, state);
  if (flag === 'plan') return placeOfPlan(line, state) ?? 'general';
  if (flag === 'machine') return placeOfSetting(line) ?? 'machine';
  const field = flag.replace(/-([a-z])/g, (_, letter: string) => letter.toUpperCase());
  const place = BESIDE[field] ?? (field as MistakePlace);
  return WITH_CONTROL.includes(place) ? place : placeOfFile(line, state);
}

/** A card's line may be about one of its settings: `--machine rtx-4090: gpus 99: ...`. */
function placeOfSetting(line: string): MistakePlace | undefined {
  const [, setting] = /^--machine \S+: ([a-z]+) /.exec(line) ?? [];
  return WITH_CONTROL.find((place) => place === setting);
}

/** A plan's line quotes all of its text, or its preset alone. */
function placeOfPlan(line: string, state: ExplorerState): MistakePlace | undefined {
  const said = line.slice('--plan '.length).replaceAll('"', '');
  const sides = sidesOf(state);
  const beginsWith = (text: string) => text !== '' && said.startsWith(text);
  const side =
    SIDES.find((one) => beginsWith(sides[one])) ??
    SIDES.find((one) => beginsWith(sides[one].split(',')[0]!)) ??
    undefined;
  return side === undefined ? undefined : `plan${side}`;
}

function placeOfFile(line: string, state: ExplorerState): MistakePlace {
  const fields = ['machine', 'profile', 'model'] as const;
  const field = fields.find((one) => state[one] !== undefined && line.startsWith(`${state[one]}:`));
  if (field !== undefined) return field === 'profile' ? 'model' : field;
  const side = SIDES.find((one) => line.startsWith(`${sidesOf(state)[one]}:`));
  return side === undefined ? 'general' : `plan${side}`;
}

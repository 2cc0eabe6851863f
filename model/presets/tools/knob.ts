import { nearNames } from '../../input/nearNames.ts';
import { UserError } from '../../input/userError.ts';

/** How the value of a setting is written and what it may be. */
export type KnobKind =
  | { of: 'switch' }
  | { of: 'count'; least: number; most?: number }
  /** A count, or a fraction below 1 of what is counted. */
  | { of: 'share' }
  | { of: 'GiB' }
  | { of: 'choice'; choices: readonly string[] };

/** A setting of a tool, as the tool has it. */
export interface Knob {
  /** As the tool spells it, without the dashes of a flag. */
  name: string;
  /** A shorter way to write it, which plans are shown with. */
  short?: string;
  kind: KnobKind;
  /** The tool's own default, as it is written. */
  usual: string;
  meaning: string;
}

type ValueOf<Kind> = Kind extends { of: 'switch' }
  ? boolean
  : Kind extends { of: 'choice'; choices: readonly (infer Choice)[] }
    ? Choice
    : Kind extends { of: 'share' }
      ? string
      : number;

/** Values of all settings of a tool, by the names that its description has for them. */
export type SettingsOf<Knobs extends Record<string, Knob>> = {
  [Key in keyof Knobs]: ValueOf<Knobs[Key]['kind']>;
};

/** What a setting expects, for help texts and refusals. */
export function expected(kind: KnobKind): string {
  switch (kind.of) {
    case 'switch':
      return 'true or false';
    case 'count':
      return kind.most === undefined
        ? `a whole number of at least ${kind.least}`
        : `a whole number from ${kind.least} to ${kind.most}`;
    case 'share':
      return 'a count of blocks, or a fraction below 1';
    case 'GiB':
      return 'a number of GiB of at least 0';
    case 'choice':
      return `one of ${kind.choices.join(', ')}`;
  }
}

/** The value that a text stands for; undefined for one that the setting does not take. */
export function readValue(kind: KnobKind, text: string): boolean | number | string | undefined {
  if (kind.of === 'switch') return { true: true, false: false }[text.toLowerCase()];
  if (kind.of === 'choice') return kind.choices.find((choice) => choice === text);
  if (!/^\d+(\.\d+)?$/.test(text)) return undefined;
  const value = Number(text);
  if (kind.of === 'GiB') return value;
  if (kind.of === 'share') return value < 1 || Number.isInteger(value) ? String(value) : undefined;
  return Number.isInteger(value) && value >= kind.least && value <= (kind.most ?? 10_000) ? value : undefined;
}

/** Whether a user's spelling means a setting: dashes of a flag, and `-` for `_`, make no difference. */
export function means({ name, short }: Knob, spelling: string): boolean {
  const plain = (text: string) => text.replace(/^--/, '').replaceAll('-', '_').toLowerCase();
  return plain(name) === plain(spelling) || (short !== undefined && plain(short) === plain(spelling));
}

/** The name by which plans show a setting. */
export function shownName({ name, short }: Knob): string {
  return short ?? name;
}

/** @throws UserError for a setting that a tool does not have, with the nearest that it has. */
export function refuseUnknown(where: string, spelling: string, knobs: readonly Knob[]): never {
  const names = knobs.flatMap(({ name, short }) => (short === undefined ? [name] : [short, name]));
  throw new UserError(
    `${where}: ${spelling}: is no setting of it; nearest: ${nearNames(spelling, names).join(' ')}`,
  );
}

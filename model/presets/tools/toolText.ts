import { shown, UserError } from '../../input/userError.ts';
import { expected, type Knob, means, readValue, refuseUnknown, type SettingsOf, shownName } from './knob.ts';

/** Settings of a tool as a user wrote them. */
export interface ToolText {
  /** The tool's name as it was written. */
  name: string;
  settings: readonly { spelling: string; value: string }[];
  /** Of the plan's collectives; undefined for the command's or the machine's own. */
  transport: string | undefined;
}

/**
 * Takes `tool,setting=value,switch,...` apart; a setting without a value is a switch that is on.
 *
 * @throws UserError for what is not of that form.
 */
export function splitToolText(text: string): ToolText {
  const [name = '', ...parts] = text.split(',').map((part) => part.trim());
  const settings = parts.map((part) => {
    const [spelling = '', value, ...more] = part.split('=');
    if (spelling === '' || value === '' || more.length > 0)
      throw new UserError(`--plan ${text}: ${shown(part)}: expected setting=value, or the name of a switch`);
    return { spelling, value: value ?? 'true' };
  });
  const isTransport = ({ spelling }: { spelling: string }) => spelling === 'transport';
  return {
    name,
    settings: settings.filter((setting) => !isTransport(setting)),
    transport: settings.find(isTransport)?.value,
  };
}

/** Values of all of a tool's settings, and which of them were given. */
export interface ReadSettings<Knobs extends Record<string, Knob>> {
  settings: SettingsOf<Knobs>;
  given: ReadonlySet<keyof Knobs>;
}

/**
 * The values of a tool's settings, its defaults where none is given.
 *
 * @param where what messages begin with.
 * @throws UserError for a name that the tool does not have, with the nearest; for a value out of range; for one that is given twice.
 */
export function readSettings<Knobs extends Record<string, Knob>>(
  where: string,
  knobs: Knobs,
  written: ToolText['settings'],
): ReadSettings<Knobs> {
  const values = new Map(
    Object.entries(knobs).map(([key, { kind, usual }]) => [key, readValue(kind, usual)!]),
  );
  const given = new Set<keyof Knobs>();
  for (const { spelling, value } of written) {
    const entry = Object.entries(knobs).find(([, knob]) => means(knob, spelling));
    if (entry === undefined) return refuseUnknown(where, spelling, Object.values(knobs));
    const [key, knob] = entry;
    if (given.has(key)) throw new UserError(`${where}: ${spelling}: is given twice; leave one out`);
    const read = readValue(knob.kind, value);
    if (read === undefined)
      throw new UserError(`${where}: ${spelling}: expected ${expected(knob.kind)}, got ${shown(value)}`);
    given.add(key);
    values.set(key, read);
  }
  return { settings: Object.fromEntries(values) as SettingsOf<Knobs>, given };
}

/** Settings as a user would write them: those that differ from the tool's defaults, or are to be said anyway. */
export function settingsText<Knobs extends Record<string, Knob>>(
  name: string,
  knobs: Knobs,
  settings: Partial<SettingsOf<Knobs>>,
): string {
  const parts = Object.entries(knobs).flatMap(([key, knob]) => {
    const value = settings[key];
    if (value === undefined || String(value) === knob.usual) return [];
    return [value === true ? shownName(knob) : `${shownName(knob)}=${value}`];
  });
  return [name, ...parts].join(',');
}

import type { PlanQuestion } from '../library/plan/question.ts';
import { ATTENTION_KERNELS, COMPUTE_DTYPES } from '../model/dit/kinds.ts';
import { nearNames } from '../model/input/nearNames.ts';
import { shown, UserError } from '../model/input/userError.ts';
import type { RequestQuestion, ScenarioQuestion } from '../model/scenario/question.ts';
import { EXCHANGE_STYLES, GUIDANCE_MODES } from '../model/workload/workload.ts';

/** What the explorer shows: a question with its plans side by side, and what a search may take. */
export interface ExplorerState
  extends ScenarioQuestion,
    RequestQuestion,
    Pick<PlanQuestion, 'gpuMemory' | 'hostMemory'> {}

export type StateField = keyof ExplorerState;

/** Commands that have flags for fields of the state. */
export type StateCommand = 'predict' | 'simulate' | 'plan';

type Value = 'text' | 'whole' | 'switch' | 'texts' | readonly string[];

interface Field {
  is: Value;
  /** Commands that have the flag; all unless given. */
  of?: readonly StateCommand[];
}

const OF_PLANS = ['predict', 'simulate'] as const;
const text: Field = { is: 'text' };
const whole: Field = { is: 'whole' };

/** Every field, in the order of links and command lines: it has the flag's name in both. */
const FIELDS: Readonly<Record<StateField, Field>> = {
  model: text,
  entry: text,
  dtype: text,
  profile: text,
  size: text,
  batch: whole,
  sp: whole,
  ring: whole,
  tp: whole,
  pp: whole,
  cfg: { is: GUIDANCE_MODES },
  exchange: { is: EXCHANGE_STYLES },
  textRows: whole,
  expertsOnGpu: whole,
  referenceImage: { is: 'texts' },
  blocks: whole,
  computeDtype: { is: COMPUTE_DTYPES },
  attention: { is: ATTENTION_KERNELS },
  eager: { is: 'switch' },
  machine: text,
  gpus: text,
  pcie: text,
  topology: text,
  transport: text,
  set: { is: 'texts' },
  measured: text,
  measuredSize: text,
  measuredCollectives: text,
  plan: { is: 'texts', of: OF_PLANS },
  resident: { is: 'text', of: OF_PLANS },
  prefetch: { is: 'text', of: OF_PLANS },
  chunk: { is: 'text', of: OF_PLANS },
  slots: { is: 'text', of: OF_PLANS },
  steps: { is: 'whole', of: OF_PLANS },
  before: { is: 'text', of: OF_PLANS },
  after: { is: 'text', of: OF_PLANS },
  switch: { is: 'text', of: OF_PLANS },
  gpuMemory: { is: 'text', of: ['plan'] },
  hostMemory: { is: 'text', of: ['plan'] },
};

const NAMES = new Map(
  (Object.keys(FIELDS) as StateField[]).map((field) => [
    field.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`),
    field,
  ]),
);

/** Fields with their values as texts, in the order of `FIELDS`; a switch has the text `on`. */
function entriesOf(state: ExplorerState): { name: string; field: StateField; value: string }[] {
  return [...NAMES].flatMap(([name, field]) => {
    const value = state[field];
    if (value === undefined || value === false) return [];
    const texts = Array.isArray(value) ? value : [value === true ? 'on' : String(value)];
    return texts.map((one: string) => ({ name, field, value: one }));
  });
}

/**
 * The link of a state: an address that ends in what the state says. It stands behind `#`, which browsers send to nobody.
 *
 * @param base where the explorer is, without its own state; relative unless given.
 * @example urlOf({ model: 'flux.1-dev', machine: 'h200-x2' }) // '#model=flux.1-dev&machine=h200-x2'
 */
export function urlOf(state: ExplorerState, base = ''): string {
  const parameters = new URLSearchParams(
    entriesOf(state).map(({ name, value }): [string, string] => [name, value]),
  );
  // What separates settings needs no escape behind `#`, and a link is also read.
  const said = parameters.toString().replace(/%(2C|3A|3D|2F)/g, decodeURIComponent);
  return said === '' ? base : `${base}#${said}`;
}

/**
 * The state of a link; what it leaves out stays open, as on the command line.
 *
 * @param url a whole address, or from its `#` on.
 * @throws UserError for a name that is no field's, for one that is given twice and for a value that is none of the field's.
 */
export function stateOf(url: string): ExplorerState {
  const at = url.indexOf('#');
  const state: Record<string, unknown> = {};
  for (const [name, value] of new URLSearchParams(at < 0 ? '' : url.slice(at + 1))) {
    const field = NAMES.get(name);
    if (field === undefined) {
      const near = nearNames(name, [...NAMES.keys()]).join(', ');
      throw new UserError(`${shown(name)} is no field of a link; the nearest are ${near}`);
    }
    const { is } = FIELDS[field];
    if (is === 'texts') state[field] = [...((state[field] as string[] | undefined) ?? []), value];
    else if (state[field] !== undefined) throw new UserError(`${name} is given twice; leave one out`);
    else state[field] = checkedValue(name, is, value);
  }
  return state as ExplorerState;
}

function checkedValue(name: string, is: Exclude<Value, 'texts'>, value: string): string | number | true {
  const expected = (what: string): never => {
    throw new UserError(`${name}: expected ${what}, got ${shown(value)}`);
  };
  if (is === 'text') return value;
  if (is === 'switch') return value === 'on' || expected('on, or leave it out');
  if (is !== 'whole') return is.includes(value) ? value : expected(`one of ${is.join(', ')}`);
  const count = Number(value);
  return /^\d+$/.test(value) && Number.isSafeInteger(count) && count >= 1
    ? count
    : expected('a whole number of at least 1');
}

/** The words of a command's flags that say what a state says; fields that the command has no flag for are left out. */
export function wordsOf(state: ExplorerState, command: StateCommand): string[] {
  return entriesOf(state)
    .filter(({ field }) => FIELDS[field].of?.includes(command) ?? true)
    .flatMap(({ name, field, value }) =>
      FIELDS[field].is === 'switch' ? [`--${name}`] : [`--${name}`, value],
    );
}

/**
 * The command line that says what a state says, as a POSIX shell takes it.
 *
 * @example commandOf({ model: 'flux.1-dev', set: ['gpu.copyEngine.h2d=30 GB/s'] }) // "chunkflow predict --model flux.1-dev --set 'gpu.copyEngine.h2d=30 GB/s'"
 */
export function commandOf(state: ExplorerState, command: StateCommand = 'predict'): string {
  return ['chunkflow', command, ...wordsOf(state, command).map(inShell)].join(' ');
}

/** The fields of a state among those of anything that has more, such as a command's flags. */
export function stateAmong(given: ExplorerState): ExplorerState {
  const fields = [...NAMES.values()].filter((field) => given[field] !== undefined);
  return Object.fromEntries(fields.map((field) => [field, given[field]])) as ExplorerState;
}

/**
 * A state of which every value is one that a link can have.
 *
 * @throws UserError as `stateOf`.
 */
export function checkedState<State extends ExplorerState>(state: State): State {
  stateOf(urlOf(state));
  return state;
}

/** A word that a POSIX shell takes as it is, or one in quotes. */
function inShell(word: string): string {
  return /^[\w.,:=/@%+-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
}

import { files } from '../../input/files.ts';
import { parseJson } from '../../input/jsonFile.ts';
import { shown, UserError } from '../../input/userError.ts';

const MAX_BYTES = 2 ** 20;
export const REMEDY = "give the transformer's config.json";

/** A configuration's values by key. */
export class Config {
  readonly #values: Readonly<Record<string, unknown>>;
  readonly className: string | undefined;
  /** Class of a model of transformers, which are encoders here. */
  readonly architecture: string | undefined;

  constructor(file: string) {
    const { value } = parseJson(file, textOf(file), REMEDY);
    if (typeof value !== 'object' || value === null || Array.isArray(value))
      throw new UserError(`is ${shown(value)}, expected an object of settings; ${REMEDY}`, { file });
    this.#values = value as Record<string, unknown>;
    const text = (given: unknown) => (typeof given === 'string' ? given : undefined);
    this.className = text(this.#values._class_name);
    const { architectures } = this.#values;
    this.architecture = Array.isArray(architectures) ? text(architectures[0]) : undefined;
  }

  flag(key: string): boolean | undefined {
    const value = this.#values[key];
    return typeof value === 'boolean' ? value : undefined;
  }

  /** The first of some keys that is a whole number; lists, such as one number a stage, are none. */
  number(keys: readonly string[]): number | undefined {
    return keys
      .map((key) => this.#values[key])
      .find((value): value is number => Number.isInteger(value) && (value as number) >= 0);
  }
}

function textOf(file: string): string {
  const wrong = (message: string) => new UserError(message, { file });
  if (!files.exists(file)) throw wrong(`cannot be read (ENOENT); ${REMEDY}`);
  const status = files.status(file);
  if (!status.isFile) throw wrong(`is no file; ${REMEDY}`);
  if (status.bytes > MAX_BYTES)
    throw wrong(`has ${status.bytes} bytes, expected at most ${MAX_BYTES}; ${REMEDY}`);
  return files.text(file);
}

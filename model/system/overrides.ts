import { COMPUTE_DTYPES } from '../dit/kinds.ts';
import { shown, UserError } from '../input/userError.ts';
import type { YamlFile } from '../input/yamlFile.ts';

/** Source of a number that was replaced. */
export const SET_BY_HAND = 'set by hand';

/**
 * A machine file with some of its numbers replaced: `key=value`, the key as the file's own path
 * (`gpu.copyEngine.h2d=30.5 GB/s`). A replaced number's provenance says that it was set by hand.
 *
 * @throws UserError where the key names nothing, with the keys that stand there.
 */
export function withOverrides(source: YamlFile, overrides: readonly string[]): YamlFile {
  if (overrides.length === 0) return source;
  // A file may share a node through an alias; an override means the one that it names.
  const value: unknown = JSON.parse(JSON.stringify(source.value));
  const set = new Map<string, string>();
  for (const override of overrides) {
    const equals = override.indexOf('=');
    if (equals < 1)
      throw new UserError(
        `--set ${shown(override)}: expected key=value such as gpu.copyEngine.h2d="30.5 GB/s"`,
      );
    const key = override.slice(0, equals).trim().replace(/\.is$/, '');
    if (/\.(from|source)$/.test(key)) {
      throw new UserError(`--set ${key}: where a number came from cannot be set; set the number itself`);
    }
    replace(value, key, override.slice(equals + 1).trim());
    set.set(key, override);
  }
  return {
    ...source,
    value,
    place: (path) => {
      const override = set.get(path.filter((part) => part !== 'is').join('.'));
      return override === undefined ? source.place(path) : { file: `--set ${override}` };
    },
  };
}

/** Numbers that a file may leave out and that can be set all the same; whose unit they have, the format knows. */
const OPTIONAL_NUMBERS = /^host\.(eagerLaunch|pageableOut)$/;

/** Numbers that may be given by dtype, in place of one that is bf16's. */
const BY_DTYPE = /^(gpu\.peak|gpu\.efficiency\.gemm)\.(\w+)$/;

/** Makes room for a number that the file may have and does not: an optional one, or that of another dtype than bf16. */
function addOptional(root: unknown, key: string): void {
  const placeholder = { is: '', from: 'default' };
  const [, whole, dtype] = BY_DTYPE.exec(key) ?? [];
  const parts = (whole ?? key).split('.');
  const last = parts.pop()!;
  const parent = parts.reduce<unknown>(
    (node, part) => (node as Record<string, unknown> | undefined)?.[part],
    root,
  ) as Record<string, unknown> | undefined;
  if (parent === undefined) return;
  if (OPTIONAL_NUMBERS.test(key)) parent[last] ??= placeholder;
  if (dtype === undefined || !COMPUTE_DTYPES.some((known) => known === dtype)) return;
  const entry = parent[last];
  if (typeof entry !== 'object' || entry === null) return;
  const is = last === 'gemm' ? 0 : '';
  const entries: Record<string, unknown> = 'is' in entry ? { bf16: entry } : { ...entry };
  parent[last] = { ...entries, [dtype]: entries[dtype] ?? { ...placeholder, is } };
}

function replace(root: unknown, key: string, text: string): void {
  addOptional(root, key);
  const parts = key.split('.');
  let node = root as Record<string, unknown>;
  parts.forEach((part, index) => {
    if (typeof node !== 'object' || node === null || !Object.hasOwn(node, part)) {
      const here = typeof node === 'object' && node !== null ? Object.keys(node).join(', ') : 'nothing';
      throw new UserError(`--set ${key}: there is no ${shown(part)} here; expected one of ${here}`);
    }
    if (index < parts.length - 1) node = node[part] as Record<string, unknown>;
  });
  const last = parts.at(-1)!;
  const old = node[last];
  if (typeof old === 'object' && old !== null && 'is' in old) {
    node[last] = {
      is: typeof old.is === 'number' ? numberOrText(text) : text,
      from: 'default',
      source: SET_BY_HAND,
    };
  } else if (typeof old === 'object') {
    throw new UserError(`--set ${key}: is no number; it holds ${Object.keys(old ?? {}).join(', ')}`);
  } else {
    node[last] = typeof old === 'number' ? numberOrText(text) : text;
  }
}

/** Text that is no number stays text, so that the complaint about it can show it. */
function numberOrText(text: string): number | string {
  return text.trim() === '' || Number.isNaN(Number(text)) ? text : Number(text);
}

import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseDocument } from 'yaml';
import { packageRoot } from '../../model/input/packageFiles.ts';

/** Outputs of diffusers' own blocks, as scripts/diffusers-reference.py writes them. */
export interface Reference {
  family: string;
  /** Models of the catalogue whose blocks these are. */
  models: readonly string[];
  madeBy: Record<string, string>;
  size: string;
  textRows: number;
  /** Values for the catalogue's dimensions that make the model tiny. */
  dimensions: Record<string, number>;
  /** Blocks of each kind, by the catalogue's name. */
  counts: Record<string, number>;
  /** Residual streams behind the last block: float32 in base64, and the relative error of diffusers in bfloat16. */
  outputs: Record<string, { rows: number; width: number; ownBf16Error: number; float32: string }>;
}

const FOLDER = join(packageRoot, 'test', 'codegen', 'references');

export function references(): Reference[] {
  return readdirSync(FOLDER)
    .filter((file) => file.endsWith('.json'))
    .sort()
    .map((file) => JSON.parse(readFileSync(join(FOLDER, file), 'utf8')));
}

/** Writes the catalogue's own description of a model with the reference's dimensions and counts; returns the file. */
export function tinyModelFile(
  { family, dimensions, counts, textRows }: Reference,
  id: string,
  folder: string,
): string {
  const text = readFileSync(join(packageRoot, 'model', 'catalogue', `${id}.yaml`), 'utf8');
  const document = parseDocument(text);
  for (const [name, value] of Object.entries(dimensions)) {
    if (document.hasIn(['dimensions', name])) document.setIn(['dimensions', name], value);
  }
  const blocks = document.toJS().blocks as { name: string }[];
  for (const [index, { name }] of blocks.entries()) {
    if (counts[name] === undefined) throw new Error(`the reference ${family} has no count of ${name} blocks`);
    document.setIn(['blocks', index, 'count'], counts[name]);
  }
  document.setIn(['text', 'rows'], textRows);
  // Its axes are those of a whole head; tables are given, and those of whole models have a test of their own.
  document.deleteIn(['rope']);
  document.setIn(['id'], `tiny-${id}`);
  mkdirSync(folder, { recursive: true });
  const file = join(folder, `tiny-${id}.yaml`);
  writeFileSync(file, document.toString());
  return file;
}

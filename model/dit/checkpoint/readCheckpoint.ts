import { closeSync, existsSync, openSync, readdirSync, readSync, statSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { UserError } from '../../input/userError.ts';
import type { Dit } from '../dit.ts';
import { isConfigFile, readConfig } from './config.ts';
import { type CheckpointOptions, fromCheckpoint } from './fromCheckpoint.ts';
import { readGguf } from './gguf.ts';
import { hasAllShards, readHuggingFaceIndex } from './huggingFaceIndex.ts';
import { readSafetensors } from './safetensors.ts';

/** First bytes of files that torch.save writes: zip archives, and pickles. */
const PICKLES = [Buffer.from('PK\x03\x04', 'latin1'), Buffer.from([0x80, 0x02])];
const PICKLE_NAMES = /\.(ckpt|pt|pth|bin)$/i;
/** Looked for in a folder, in this order. */
const IN_FOLDER = [/\.index\.json$/i, /\.safetensors$/i, /\.gguf$/i, /^config\.json$/i];

/**
 * The model of a checkpoint: a `.safetensors` or `.gguf` file, the `.index.json` of several files, a transformer's `config.json`, or
 * a folder of one of these. Nothing for any other name.
 *
 * An index whose files are not there is read by the `config.json` beside it.
 *
 * @throws UserError for a wrong file, one that torch.save has written, and a folder without any of these.
 */
export function readCheckpoint(name: string, options: CheckpointOptions): Dit | undefined {
  const isFolder = existsSync(name) && statSync(name).isDirectory();
  const file = isFolder ? fileOfFolder(name) : name;
  if (/\.safetensors$/i.test(file)) {
    refusePickle(file);
    refuseShard(file);
    return fromCheckpoint(file, readSafetensors(file), options);
  }
  if (/\.gguf$/i.test(file)) return fromCheckpoint(file, readGguf(file), options);
  if (/\.index\.json$/i.test(file)) {
    const config = join(dirname(file), 'config.json');
    if (!hasAllShards(file) && existsSync(config)) return readConfig(config, options);
    return fromCheckpoint(file, readHuggingFaceIndex(file), options);
  }
  if (isConfigFile(file)) return readConfig(file, options);
  if (PICKLE_NAMES.test(file) && existsSync(file)) throw pickled(file);
  return undefined;
}

function fileOfFolder(folder: string): string {
  const names = readdirSync(folder).sort();
  for (const pattern of IN_FOLDER) {
    const found = names.filter((name) => pattern.test(name));
    if (found.length === 1) return join(folder, found[0]!);
    if (found.length > 1)
      throw new UserError(
        `holds ${found.length} checkpoints (${found.slice(0, 3).join(', ')}); give one of them`,
        { file: folder },
      );
  }
  const inner = names.find((name) => name === 'transformer');
  throw new UserError(
    inner === undefined
      ? 'holds no .safetensors, .gguf, .index.json or config.json; give the folder of the transformer'
      : `is the folder of a pipeline; give ${join(folder, inner)}`,
    { file: folder },
  );
}

/** One of several files holds a part of a network, which would be taken for a smaller one. */
function refuseShard(file: string): void {
  const [, start, of] = /^(.*)-\d{5}-of-(\d{5})\.safetensors$/i.exec(basename(file)) ?? [];
  if (start === undefined || Number(of) < 2) return;
  throw new UserError(
    `is one of ${Number(of)} files of a checkpoint; give ${start}.safetensors.index.json beside them`,
    { file },
  );
}

function refusePickle(file: string): void {
  if (!existsSync(file) || !statSync(file).isFile()) return;
  const start = Buffer.alloc(4);
  const descriptor = openSync(file, 'r');
  try {
    readSync(descriptor, start, 0, start.length, 0);
  } finally {
    closeSync(descriptor);
  }
  if (PICKLES.some((magic) => start.subarray(0, magic.length).equals(magic))) throw pickled(file);
}

function pickled(file: string): UserError {
  return new UserError(
    `${basename(file)} is written by torch.save, whose shapes only Python can read; convert it to safetensors`,
    { file },
  );
}

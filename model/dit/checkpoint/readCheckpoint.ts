import { latin1Of } from '../../input/bytes.ts';
import { files } from '../../input/files.ts';
import { UserError } from '../../input/userError.ts';
import type { Dit } from '../dit.ts';
import { isConfigFile, readConfig } from './config.ts';
import { type CheckpointOptions, fromCheckpoint } from './fromCheckpoint.ts';
import { readGguf } from './gguf.ts';
import { hasAllShards, readHuggingFaceIndex } from './huggingFaceIndex.ts';
import { readSafetensors } from './safetensors.ts';

/** First bytes of files that torch.save writes: zip archives, and pickles. */
const PICKLES = ['PK\x03\x04', '\x80\x02'];
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
  const isFolder = files.exists(name) && files.status(name).isFolder;
  const file = isFolder ? fileOfFolder(name) : name;
  if (/\.safetensors$/i.test(file)) {
    refusePickle(file);
    refuseShard(file);
    return fromCheckpoint(file, readSafetensors(file), options);
  }
  if (/\.gguf$/i.test(file)) return fromCheckpoint(file, readGguf(file), options);
  if (/\.index\.json$/i.test(file)) {
    const config = files.join(files.folderOf(file), 'config.json');
    if (!hasAllShards(file) && files.exists(config)) return readConfig(config, options);
    return fromCheckpoint(file, readHuggingFaceIndex(file), options);
  }
  if (isConfigFile(file)) return readConfig(file, options);
  if (PICKLE_NAMES.test(file) && files.exists(file)) throw pickled(file);
  return undefined;
}

function fileOfFolder(folder: string): string {
  const names = files.names(folder).sort();
  for (const pattern of IN_FOLDER) {
    const found = names.filter((name) => pattern.test(name));
    if (found.length === 1) return files.join(folder, found[0]!);
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
      : `is the folder of a pipeline; give ${files.join(folder, inner)}`,
    { file: folder },
  );
}

/** One of several files holds a part of a network, which would be taken for a smaller one. */
function refuseShard(file: string): void {
  const [, start, of] = /^(.*)-\d{5}-of-(\d{5})\.safetensors$/i.exec(files.nameOf(file)) ?? [];
  if (start === undefined || Number(of) < 2) return;
  throw new UserError(
    `is one of ${Number(of)} files of a checkpoint; give ${start}.safetensors.index.json beside them`,
    { file },
  );
}

function refusePickle(file: string): void {
  if (!files.exists(file) || !files.status(file).isFile) return;
  const start = latin1Of(files.part(file, 0, 4));
  if (PICKLES.some((magic) => start.startsWith(magic))) throw pickled(file);
}

function pickled(file: string): UserError {
  return new UserError(
    `${files.nameOf(file)} is written by torch.save, whose shapes only Python can read; convert it to safetensors`,
    { file },
  );
}

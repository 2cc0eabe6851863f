import { z } from 'zod';
import { files } from '../../input/files.ts';
import { parseJson } from '../../input/jsonFile.ts';
import { shown, UserError } from '../../input/userError.ts';
import { readSafetensors, type StoredTensor } from './safetensors.ts';

const MAX_BYTES = 100 * 1024 * 1024;

const format = z.object({ weight_map: z.record(z.string(), z.string()) });

/**
 * The tensors of a checkpoint in several safetensors files, by its index: `weight_map` says which shard, in the
 * folder of the index, holds each tensor.
 *
 * @throws UserError that names the index and the shard if one is missing, stands in another folder, or lacks a
 * tensor that the index promises; and every error of readSafetensors.
 */
export function readHuggingFaceIndex(file: string): StoredTensor[] {
  const wrong = (message: string) => new UserError(message, { file });
  const { weight_map } = readIndex(file);
  const shards = new Map<string, Map<string, StoredTensor>>();
  for (const shard of new Set(Object.values(weight_map))) {
    const isOutside = shard !== files.nameOf(shard) || shard.includes('\\') || shard === '..';
    if (isOutside || shard === '' || shard === '.') {
      throw wrong(`shard ${shown(shard)}: expected a file name in the folder of the index`);
    }
    const path = files.join(files.folderOf(file), shard);
    if (!files.exists(path)) {
      throw wrong(
        `shard ${shown(shard)} is missing; download it into ${files.folderOf(file)}, or put the transformer's config.json there`,
      );
    }
    shards.set(shard, new Map(readSafetensors(path).map((tensor) => [tensor.name, tensor])));
  }
  return Object.entries(weight_map).map(([name, shard]) => {
    const tensor = shards.get(shard)!.get(name);
    if (tensor !== undefined) return tensor;
    throw wrong(
      `tensor ${shown(name)} is not in ${shown(shard)}; index and shards are of different downloads, get both again`,
    );
  });
}

/** Whether all files that an index names lie beside it. */
export function hasAllShards(file: string): boolean {
  const { weight_map } = readIndex(file);
  return [...new Set(Object.values(weight_map))].every((shard) =>
    files.exists(files.join(files.folderOf(file), shard)),
  );
}

function readIndex(file: string): z.output<typeof format> {
  const remedy = 'give the *.index.json that lies beside the shards';
  const { value } = parseJson(file, textOf(file, remedy), remedy);
  const parsed = format.safeParse(value);
  if (parsed.success) return parsed.data;
  throw new UserError(
    'expected an object with weight_map, from tensor name to shard, as *.index.json has it',
    {
      file,
    },
  );
}

function textOf(file: string, remedy: string): string {
  const wrong = (message: string) => new UserError(message, { file });
  try {
    const { bytes } = files.status(file);
    if (bytes > MAX_BYTES) throw wrong(`has ${bytes} bytes, expected at most ${MAX_BYTES} for an index`);
    return files.text(file);
  } catch (error) {
    if (error instanceof UserError) throw error;
    throw wrong(`cannot be read (${(error as NodeJS.ErrnoException).code}); ${remedy}`);
  }
}

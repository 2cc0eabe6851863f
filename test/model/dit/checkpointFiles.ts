import {
  closeSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  rmSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { DitSource } from '../../../model/dit/derive.ts';
import { tensorsOfBlock } from '../../../model/dit/derive.ts';

/** A tensor to write: its shape, and BF16 unless it says otherwise. */
export interface Sketch {
  name: string;
  shape: readonly number[];
  dtype?: keyof typeof BYTES;
  /** What the data begin with; zeros unless given. */
  content?: string;
}

const BYTES = { BF16: 2, F16: 2, F32: 4, I32: 4, F8_E4M3: 1, F8_E5M2: 1, I8: 1, U8: 1 } as const;

export function bytesOfSketch({ shape, dtype = 'BF16' }: Sketch): number {
  return shape.reduce((product, side) => product * side, 1) * BYTES[dtype];
}

/** Runs `use` with a fresh folder and removes it afterwards. */
export function inFolder(use: (folder: string) => void): void {
  const folder = mkdtempSync(join(tmpdir(), 'chunkflow-'));
  try {
    use(folder);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** As inFolder, for what takes its time. */
export async function inFolderUntil<T>(use: (folder: string) => Promise<T>): Promise<T> {
  const folder = mkdtempSync(join(tmpdir(), 'chunkflow-'));
  try {
    return await use(folder);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** The header of a safetensors file as an object, and how long the data behind it are. */
export function headerOf(tensors: readonly Sketch[]): { header: Record<string, unknown>; dataBytes: number } {
  let offset = 0;
  const header: Record<string, unknown> = { __metadata__: { format: 'pt' } };
  for (const { name, shape, dtype = 'BF16' } of tensors) {
    const end = offset + bytesOfSketch({ name, shape, dtype });
    header[name] = { dtype, shape, data_offsets: [offset, end] };
    offset = end;
  }
  return { header, dataBytes: offset };
}

/** Writes a header as it is, however wrong, followed by zeros; a long file stays sparse on disk. */
export function writeRaw(file: string, header: string, dataBytes: number, length = header.length): void {
  const prefix = Buffer.alloc(8);
  prefix.writeBigUInt64LE(BigInt(length));
  writeFileSync(file, Buffer.concat([prefix, Buffer.from(header)]));
  truncateSync(file, 8 + header.length + dataBytes);
}

export function writeSafetensors(file: string, tensors: readonly Sketch[]): void {
  const { header, dataBytes } = headerOf(tensors);
  const text = JSON.stringify(header);
  writeRaw(file, text, dataBytes);
  const descriptor = openSync(file, 'r+');
  let offset = 8 + text.length;
  for (const tensor of tensors) {
    if (tensor.content !== undefined) writeSync(descriptor, tensor.content, offset);
    offset += bytesOfSketch(tensor);
  }
  closeSync(descriptor);
}

/** A checkpoint in two shards with its index; `omit` leaves one shard unwritten. */
export function writeShards(folder: string, tensors: readonly Sketch[], omit?: number): string {
  mkdirSync(folder, { recursive: true });
  const half = Math.ceil(tensors.length / 2);
  const weight_map: Record<string, string> = {};
  [tensors.slice(0, half), tensors.slice(half)].forEach((part, index) => {
    const shard = `model-0000${index + 1}-of-00002.safetensors`;
    for (const { name } of part) weight_map[name] = shard;
    if (index !== omit) writeSafetensors(join(folder, shard), part);
  });
  const file = join(folder, 'model.safetensors.index.json');
  writeFileSync(file, JSON.stringify({ metadata: {}, weight_map }));
  return file;
}

/** All tensors of a catalogue model, sorted by name as checkpoints have them, with `change` of its layer counts. */
export function sketchOf({ dit, outside }: DitSource, change = (count: number) => count): Sketch[] {
  const next = new Map<string, number>();
  const inside = dit.blocks.flatMap(({ container, count, segments }) => {
    const first = next.get(container) ?? 0;
    next.set(container, first + change(count));
    const tensors = tensorsOfBlock(segments);
    return Array.from({ length: change(count) }, (_, layer) =>
      tensors.map(({ name, shape }) => ({ name: `${container}.${first + layer}.${name}`, shape })),
    ).flat();
  });
  return [...inside, ...outside.map(({ name, shape }) => ({ name, shape }))].sort((a, b) =>
    a.name < b.name ? -1 : 1,
  );
}

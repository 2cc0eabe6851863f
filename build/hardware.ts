import { readFileSync, statfsSync } from 'node:fs';
import { withoutEscapes } from '../model/input/terminalText.ts';
import { UserError } from '../model/input/userError.ts';
import { readTopologyMatrix } from '../model/system/topologyMatrix.ts';
import { type Environment, outputOf } from './command.ts';

/** One GPU as nvidia-smi describes it. */
export interface Gpu {
  index: number;
  name: string;
  memoryBytes: number | null;
  driver: string;
  pciBus: string;
  pcieGeneration: number | null;
  pcieLanes: number | null;
}

/** How two GPUs are joined, in nvidia-smi's words (`NV18`, `PIX`, `PHB`, `NODE`, `SYS`, ...). */
export interface GpuLink {
  a: number;
  b: number;
  link: string;
}

/** The GPUs of this host; none where there is no driver. */
export function findGpus(env: Environment = process.env): Gpu[] {
  const fields = 'index,name,memory.total,driver_version,pci.bus_id,pcie.link.gen.max,pcie.link.width.max';
  const text = outputOf('nvidia-smi', [`--query-gpu=${fields}`, '--format=csv,noheader,nounits'], env);
  return readGpus(text ?? '');
}

/** Lines such as `0, NVIDIA H200, 143771, 580.95.05, 00000000:18:00.0, 5, 16`. */
export function readGpus(text: string): Gpu[] {
  const lines = text.split('\n').filter((line) => /^\d+,/.test(line));
  return lines.map((line) => {
    const [index, name, memoryMiB, driver, pciBus, generation, lanes] = line
      .split(',')
      .map((cell) => cell.trim());
    const memory = numberOrNull(memoryMiB);
    return {
      index: Number(index),
      name: name ?? '',
      memoryBytes: memory === null ? null : memory * 2 ** 20,
      driver: driver ?? '',
      pciBus: pciBus ?? '',
      pcieGeneration: numberOrNull(generation),
      pcieLanes: numberOrNull(lanes),
    };
  });
}

/** How the host's GPUs are joined to each other, or why nvidia-smi's matrix does not tell. */
export interface GpuLinks {
  links: GpuLink[];
  unread: string | null;
}

/** How the host's GPUs are joined to each other; none where there is no driver. */
export function findGpuLinks(env: Environment = process.env): GpuLinks {
  const text = outputOf('nvidia-smi', ['topo', '-m'], env);
  if (text === null) return { links: [], unread: null };
  try {
    return { links: readGpuLinks(text), unread: null };
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    return { links: [], unread: error.message };
  }
}

/** The upper triangle of nvidia-smi's matrix. @throws UserError with the line of what does not fit. */
export function readGpuLinks(text: string): GpuLink[] {
  const lines = withoutEscapes(text).split('\n');
  const { gpus, rows } = readTopologyMatrix({ file: 'nvidia-smi topo -m', lines });
  const numbers = gpus.map((name) => Number(name.slice('GPU'.length)));
  return rows.flatMap(({ cells }, first) =>
    numbers.flatMap((b, second) =>
      second > first ? [{ a: numbers[first]!, b, link: cells[second]!.text }] : [],
    ),
  );
}

/** What this host lets a process pin and share, bytes; null where it does not say. */
export interface HostMemory {
  totalBytes: number | null;
  availableBytes: number | null;
  /** `ulimit -l`. */
  lockLimitBytes: number | 'unlimited' | null;
  sharedMemoryBytes: number | null;
}

/** Linux's own account of its memory; all null on other systems. */
export function findHostMemory(): HostMemory {
  const memory = textOf('/proc/meminfo');
  const kilobytes = (name: string) => {
    const value = numberOrNull(new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(memory)?.[1]);
    return value === null ? null : value * 1024;
  };
  const limit = /^Max locked memory\s+(\S+)/m.exec(textOf('/proc/self/limits'))?.[1];
  return {
    totalBytes: kilobytes('MemTotal'),
    availableBytes: kilobytes('MemAvailable'),
    lockLimitBytes: limit === 'unlimited' ? limit : numberOrNull(limit),
    sharedMemoryBytes: sizeOfSharedMemory(),
  };
}

function sizeOfSharedMemory(): number | null {
  try {
    const { bsize, blocks } = statfsSync('/dev/shm');
    return bsize * blocks;
  } catch {
    return null;
  }
}

function textOf(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}

function numberOrNull(text: string | undefined): number | null {
  return text !== undefined && /^\d+(\.\d+)?$/.test(text) ? Number(text) : null;
}

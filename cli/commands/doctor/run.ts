import { canBuildAnything, type Diagnosis, diagnose, type Possibility } from '../../../build/doctor.ts';
import type { Part } from '../../../build/toolchain.ts';
import { jsonText, type Output } from '../../output.ts';
import type { Layout } from '../../text/layout.ts';
import { type Column, formatTable } from '../../text/table.ts';

const PART_COLUMNS: readonly Column<Part>[] = [
  { header: 'part', value: ({ name }) => name },
  { header: 'for', value: ({ neededFor }) => neededFor },
  { header: 'version', value: ({ found }) => found?.version ?? null },
  { header: 'where, or how to get it', value: ({ found, remedy }) => found?.path ?? `missing: ${remedy}` },
];

const POSSIBILITY_COLUMNS = (what: string): readonly Column<Possibility>[] => [
  { header: what, value: ({ name }) => name },
  { header: 'possible', value: ({ possible }) => (possible ? 'yes' : 'no') },
  { header: 'because', value: ({ why }) => why },
];

/** Says what this machine has for building and measuring. Returns the exit code: 1 when nothing can be built. */
export function run(flags: { json?: boolean }, output: Output): number {
  const diagnosis = diagnose();
  output.result(flags.json ? jsonText(diagnosis) : readable(diagnosis, output.layout));
  return canBuildAnything(diagnosis) ? 0 : 1;
}

function readable(diagnosis: Diagnosis, layout: Layout): string {
  return [
    formatTable(PART_COLUMNS, diagnosis.parts, layout),
    '\n',
    ...gpuLines(diagnosis),
    ...memoryLines(diagnosis),
    '\n',
    formatTable(POSSIBILITY_COLUMNS('backend'), diagnosis.backends, layout),
    '\n',
    formatTable(POSSIBILITY_COLUMNS('transport'), diagnosis.transports, layout),
  ].join('');
}

function gpuLines({ gpus, links, linksUnread }: Diagnosis): string[] {
  if (gpus.length === 0) return ['no GPU (nvidia-smi names none)\n'];
  return [
    ...gpus.map(({ index, name, memoryBytes, driver, pciBus, pcieGeneration, pcieLanes }) => {
      const link = pcieGeneration === null ? 'PCIe unknown' : `PCIe ${pcieGeneration}.0 x${pcieLanes ?? '?'}`;
      return `GPU ${index}: ${name}, ${size(memoryBytes)}, driver ${driver}, ${link}, ${pciBus}\n`;
    }),
    ...links.map(({ a, b, link }) => `GPU ${a} to GPU ${b}: ${link}\n`),
    ...(linksUnread === null ? [] : [`how GPUs are joined is unknown: ${linksUnread}\n`]),
  ];
}

function memoryLines({ memory }: Diagnosis): string[] {
  return [
    `host memory: ${size(memory.availableBytes)} free of ${size(memory.totalBytes)}\n`,
    `memory that a process may lock (ulimit -l): ${size(memory.lockLimitBytes)}\n`,
    `shared memory (/dev/shm): ${size(memory.sharedMemoryBytes)}\n`,
  ];
}

function size(bytes: number | 'unlimited' | null): string {
  if (bytes === null) return 'unknown';
  if (bytes === 'unlimited') return bytes;
  return bytes < 2 ** 30 ? `${(bytes / 2 ** 20).toFixed(1)} MiB` : `${(bytes / 2 ** 30).toFixed(1)} GiB`;
}

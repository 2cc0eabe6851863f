import type { CollectiveKind } from '../../../model/dit/kinds.ts';
import { sentBytesOf } from '../../../studies/imports/ncclTestsRun.ts';

const PROGRAMS: Readonly<Record<CollectiveKind, string>> = {
  'all-to-all': 'alltoall',
  'all-gather': 'all_gather',
  'all-reduce': 'all_reduce',
};

/** What a program of nccl-tests would print, of times by the bytes that a rank sends. */
export function ncclTestsOutput({
  collective,
  ranks,
  sizes,
  secondsOf,
  device = 'NVIDIA H100 80GB HBM3',
}: {
  collective: CollectiveKind;
  ranks: number;
  sizes: readonly number[];
  secondsOf: (sentBytes: number) => number;
  device?: string;
}): string {
  const half = (size: number) => {
    const sent = sentBytesOf(collective, size, ranks);
    const seconds = secondsOf(sent);
    const [algorithm, bus] = [size / seconds / 1e9, sent / seconds / 1e9];
    return `${(seconds * 1e6).toFixed(2)} ${algorithm.toFixed(2)} ${bus.toFixed(2)} 0`;
  };
  const perf = `${PROGRAMS[collective]}_perf`;
  return `${[
    `# Collective test starting: ${perf}`,
    `# nThread 1 nGpus ${ranks} minBytes ${sizes[0]} maxBytes ${sizes.at(-1)} step: 2(factor)`,
    ...Array.from(
      { length: ranks },
      (_, rank) => `#  Rank ${rank} Group 0 Pid 1 on box device ${rank} [0000:0${rank}:00] ${device}`,
    ),
    '#       size  count  type  redop  root  time  algbw  busbw  #wrong  time  algbw  busbw  #wrong',
    ...sizes.map((size) => `  ${size} ${size / 4} float sum -1 ${half(size)} ${half(size)}`),
    '# Out of bounds values : 0 OK',
    `# Collective test concluded: ${perf}`,
  ].join('\n')}\n`;
}

/** What nvbandwidth would print, of GB/s of each GPU by test. */
export function nvbandwidthOutput(
  tests: Readonly<Record<string, readonly number[]>>,
  device = 'NVIDIA H100 80GB HBM3',
): string {
  const count = Math.max(...Object.values(tests).map((rates) => rates.length));
  const devices = Array.from({ length: count }, (_, gpu) => `Device ${gpu}: ${device} (00000000:0${gpu}:00)`);
  const parts = Object.entries(tests).flatMap(([name, rates]) => [
    `Running ${name}.`,
    'memcpy CE CPU(row) -> GPU(column) bandwidth (GB/s)',
    `  ${rates.map((_, gpu) => gpu).join('  ')}`,
    ` 0  ${rates.map((rate) => rate.toFixed(2)).join('  ')}`,
    '',
  ]);
  return `${['nvbandwidth Version: v0.8', ...devices, '', ...parts].join('\n')}\n`;
}

/** The matrix of `nvidia-smi topo -m` of GPUs on one NUMA node, from its cells. */
export function matrixOutput(cells: readonly string[]): string {
  const header = `\t${cells.map((_, gpu) => `GPU${gpu}`).join('\t')}\tCPU Affinity\tNUMA Affinity\tGPU NUMA ID`;
  const rows = cells.map((row, gpu) => `GPU${gpu}\t${row.split(' ').join('\t')}\t0-31\t0\t\tN/A`);
  return `${[header, ...rows].join('\n')}\n`;
}

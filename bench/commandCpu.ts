import { spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { median } from 'simple-statistics';
import { packageRoot } from '../model/input/packageFiles.ts';

const COMMAND = join(packageRoot, 'bin', 'chunkflow.mjs');
/** The model and the machine of the first two. */
const SCENARIO = ['--model', 'wan2.1-t2v-14b', '--machine', 'h100-sxm-x2'];
export const COMMAND_CASE = 'Wan2.1-14B at its reference size, h100-sxm-x2';

/** Loaded into each process: at its end it writes its CPU time to a file descriptor of its own. */
const REPORT = `
  import { writeSync } from 'node:fs';
  process.on('exit', () => {
    const { user, system } = process.cpuUsage();
    writeSync(3, String(user + system));
  });
`;

/** A command whose CPU time is a figure, and what it should take. */
export interface TimedCommand {
  key: string;
  what: string;
  args: readonly string[];
  mostS: number;
  /** Runs of which the median is taken. */
  calls: number;
}

const WHOLE_STAGED = [
  'simulate',
  '--model',
  'wan2.1-t2v-14b',
  '--transport',
  'staged-copy',
  '--plan',
  'yield',
];
const datasets = (folder: string) => {
  const path = join(packageRoot, 'experiments', folder);
  return readdirSync(path)
    .filter((name) => name.endsWith('.jsonl'))
    .sort()
    .map((name) => join(path, name));
};

export const TIMED_COMMANDS: readonly TimedCommand[] = [
  { key: 'predictCpuS', what: 'chunkflow predict', args: ['predict', ...SCENARIO], mostS: 0.4, calls: 5 },
  { key: 'planCpuS', what: 'chunkflow plan', args: ['plan', ...SCENARIO], mostS: 1.5, calls: 5 },
  {
    ...{ key: 'stagedCpuS', what: 'chunkflow simulate --transport staged-copy, two GPUs, all blocks' },
    ...{ args: [...WHOLE_STAGED, '--machine', 'h100-sxm-x2'], mostS: 1, calls: 5 },
  },
  {
    ...{ key: 'stagedOnEightCpuS', what: 'the same on eight GPUs' },
    ...{ args: [...WHOLE_STAGED, '--machine', 'h100-sxm-x8'], mostS: 1.5, calls: 5 },
  },
  {
    ...{ key: 'fitCpuS', what: "chunkflow fit of the H200's calibration", mostS: 30, calls: 1 },
    args: ['fit', join(packageRoot, 'experiments', 'h200-calibration', 'h200-calibration.yaml')],
  },
  {
    ...{ key: 'validateCpuS', what: 'chunkflow validate of 552 steps', mostS: 20, calls: 1 },
    args: ['validate', ...datasets('h200-steps'), '--machine', 'h200-x1-fitted'],
  },
];

/**
 * Median CPU time of the built command in a fresh process, user and system, seconds. Unlike wall time it counts what Node's
 * compiler and garbage collector do on other cores, and hardly counts what else the machine is doing.
 */
export function commandCpuS({ args, calls }: TimedCommand): number {
  // Node reads these at its start, whatever it runs: tens of milliseconds that differ between machines.
  const { NODE_EXTRA_CA_CERTS: _, ...env } = process.env;
  const loader = `data:text/javascript,${encodeURIComponent(REPORT)}`;
  const seconds = Array.from({ length: calls }, () => {
    const { status, stderr, output } = spawnSync(process.execPath, ['--import', loader, COMMAND, ...args], {
      encoding: 'utf8',
      stdio: ['ignore', 'ignore', 'pipe', 'pipe'],
      env,
    });
    if (status !== 0) throw new Error(`chunkflow ${args.join(' ')} failed: ${stderr}`);
    return Number(output[3]) / 1e6;
  });
  return median(seconds);
}

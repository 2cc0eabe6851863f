import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { median } from 'simple-statistics';
import { packageRoot } from '../model/input/packageFiles.ts';

const COMMAND = join(packageRoot, 'bin', 'chunkflow.mjs');
/** The model and the machine of both figures. */
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

/** CPU seconds of `chunkflow predict` with its usual plans, cold. */
export function predictCpuS(): number {
  return commandCpuS(['predict', ...SCENARIO]);
}

/** CPU seconds of `chunkflow plan` on all GPU memory, cold. */
export function planCpuS(): number {
  return commandCpuS(['plan', ...SCENARIO]);
}

/**
 * Median CPU time of the built command in a fresh process, user and system, seconds. Unlike wall time it counts what Node's
 * compiler and garbage collector do on other cores, and hardly counts what else the machine is doing.
 */
function commandCpuS(args: readonly string[], calls = 5): number {
  const loader = `data:text/javascript,${encodeURIComponent(REPORT)}`;
  const seconds = Array.from({ length: calls }, () => {
    const { status, stderr, output } = spawnSync(process.execPath, ['--import', loader, COMMAND, ...args], {
      encoding: 'utf8',
      stdio: ['ignore', 'ignore', 'pipe', 'pipe'],
    });
    if (status !== 0) throw new Error(`chunkflow ${args.join(' ')} failed: ${stderr}`);
    return Number(output[3]) / 1e6;
  });
  return median(seconds);
}

import { existsSync, readFileSync } from 'node:fs';

/** Clock ticks per second in /proc, on every Linux that Node runs on. */
const TICKS_PER_S = 100;

/**
 * User and system time of this process and of its ended descendants, in seconds. Node knows of this process alone; Linux also counts
 * the ended children that were waited for, and elsewhere they are left out.
 */
export function cpuSeconds(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1e6 + endedChildrenSeconds();
}

function endedChildrenSeconds(): number {
  const stat = '/proc/self/stat';
  if (!existsSync(stat)) return 0;
  // The second field is the command's name in parentheses, which may hold blanks; cutime and cstime are the 16th and the 17th.
  const fields = readFileSync(stat, 'utf8').split(') ').at(-1)!.split(' ');
  return (Number(fields[13]) + Number(fields[14])) / TICKS_PER_S;
}

const COSTLIEST = 20;

/** What the files cost: wall time says little where other work shares the cores. */
export function printCpu(costs: readonly { file: string; cpuS: number }[]): void {
  const costliest = costs.toSorted((a, b) => b.cpuS - a.cpuS).slice(0, COSTLIEST);
  if (costs.length > 1) {
    console.log(`CPU time, the costliest ${costliest.length} of ${costs.length} files:`);
    for (const { file, cpuS } of costliest) console.log(`${cpuS.toFixed(1).padStart(8)} s  ${file}`);
  }
  const totalS = costs.reduce((sum, { cpuS }) => sum + cpuS, 0);
  console.log(`CPU time of all files: ${totalS.toFixed(0)} s (${(totalS / 60).toFixed(1)} min)`);
}

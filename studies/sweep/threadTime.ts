import { readFileSync } from 'node:fs';

type ThreadUsage = () => { user: number; system: number };

/**
 * CPU seconds of the calling thread so far: of Node itself from 23.9 on, of Linux's scheduler before that, and elsewhere the clock's,
 * which counts what other programs take, too. What the compiler and the collector do in threads of their own is not in it.
 */
export function threadSeconds(): number {
  const { threadCpuUsage } = process as { threadCpuUsage?: ThreadUsage };
  if (threadCpuUsage !== undefined) {
    const { user, system } = threadCpuUsage();
    return (user + system) / 1e6;
  }
  return schedulerSeconds() ?? performance.now() / 1000;
}

function schedulerSeconds(): number | null {
  try {
    // Nanoseconds on a CPU, nanoseconds of waiting for one, time slices.
    return Number(readFileSync('/proc/thread-self/schedstat', 'utf8').split(' ')[0]) / 1e9;
  } catch {
    return null;
  }
}

import { closeSync, existsSync, fsyncSync, ftruncateSync, openSync, readFileSync, statSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';

const POLL_MS = 200;

/**
 * Makes a results file ready to be appended to. A run that a killed start has left behind is waited for, and a last line that
 * was cut off is removed: nothing else ever is.
 */
export async function readyToAppend(file: string, onNote: (text: string) => void): Promise<void> {
  if (!existsSync(file)) return;
  await untilNobodyWrites(file, onNote);
  const cutBytes = cutTornLine(file);
  if (cutBytes > 0)
    onNote(`${file}: its last line was cut off in the middle; its ${cutBytes} bytes were removed`);
}

async function untilNobodyWrites(file: string, onNote: (text: string) => void): Promise<void> {
  for (let before: string | null = null, writer = writerOf(file); writer !== null; writer = writerOf(file)) {
    if (writer !== before) onNote(`${file}: waiting for process ${writer}, which still writes to it`);
    before = writer;
    await sleep(POLL_MS);
  }
}

/** The process that holds the runtime's lock on a file; null without one, and where the system does not list locks. */
function writerOf(file: string): string | null {
  const { dev, ino } = statSync(file, { bigint: true });
  const hex = (value: bigint) => value.toString(16).padStart(2, '0');
  // As the C library's major() and minor() take a device's number apart.
  const major = ((dev >> 8n) & 0xfffn) | ((dev >> 32n) & 0xfffff000n);
  const minor = (dev & 0xffn) | ((dev >> 12n) & 0xffffff00n);
  const id = `${hex(major)}:${hex(minor)}:${ino}`;
  // 1: FLOCK  ADVISORY  WRITE 4808 fe:00:9979236 0 EOF
  const lock = listedLocks().find((fields) => fields[1] === 'FLOCK' && fields[5] === id);
  return lock?.[4] ?? null;
}

function listedLocks(): string[][] {
  try {
    const lines = readFileSync('/proc/locks', 'utf8').split('\n');
    return lines.map((line) => line.split(/\s+/));
  } catch {
    return [];
  }
}

/** Cuts what stands behind the last end of line; returns how many bytes that were. */
function cutTornLine(file: string): number {
  const content = readFileSync(file);
  const whole = content.lastIndexOf(0x0a) + 1;
  if (whole === content.length) return 0;
  const descriptor = openSync(file, 'r+');
  try {
    ftruncateSync(descriptor, whole);
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
  return content.length - whole;
}

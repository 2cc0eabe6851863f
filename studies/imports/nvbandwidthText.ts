import type { NvbandwidthCell, NvbandwidthOutput, NvbandwidthTest } from './nvbandwidthTest.ts';
import type { ImportedText } from './text/importedText.ts';

const PASSED = 'Passed';

/** The line that begins a test, or says that it does not run. */
const RUNNING = /^\s*(Running|Waiving) ([a-z0-9_]+)\.?\s*$/;
/** What the tool says of a test that gave no matrix (NVIDIA/nvbandwidth, output.cpp). */
const STATUS = /^\s*(Waived|Error|Failed|Not found)\b/i;
const DEVICE = /^\s*Device \d+: (.*?)(?: \([0-9a-f:.]+\))?\s*$/;
const COLUMNS = /^\s*\d+(\s+\d+)*\s*$/;
const ROW = /^\s*\d+(\s+(\d*\.\d+(e[+-]?\d+)?|N\/A|-?nan|-?inf))+\s*$/i;

/** Whether a text has tests as nvbandwidth prints them without -j. */
export function isNvbandwidthText({ text }: ImportedText): boolean {
  return /^[ \t]*(Running|Waiving) [a-z0-9_]+_(ce|sm)\.?[ \t]*$/m.test(text);
}

/**
 * Tests from the text that nvbandwidth prints: a line that names the test, a line that describes its matrix, the numbers of the
 * columns, the rows. What stands between them is none of it.
 */
export function nvbandwidthOfText({ file, lines }: ImportedText): NvbandwidthOutput {
  const tests: NvbandwidthTest[] = [];
  const devices: string[] = [];
  const notes: string[] = [];
  let columns: number | null = null;
  for (const [index, line] of lines.entries()) {
    const place = { file, line: index + 1 };
    const test = tests.at(-1);
    const begins = RUNNING.exec(line);
    const status = STATUS.exec(line)?.[1];
    const device = DEVICE.exec(line)?.[1];
    if (begins !== null) {
      const [, verb, name = ''] = begins;
      const isRun = verb === 'Running';
      tests.push({
        ...{ name, status: isRun ? PASSED : 'Waived', rows: null },
        ...{ place, statusPlace: place, matrixPlace: place },
      });
      columns = null;
    } else if (device !== undefined) devices.push(device);
    else if (test === undefined) continue;
    else if (status !== undefined && test.rows === null) {
      test.status = status;
      test.statusPlace = place;
    } else if (COLUMNS.test(line)) {
      columns = wordsOf(line).length;
      test.matrixPlace = place;
    } else if (ROW.test(line)) {
      const [, ...values] = wordsOf(line);
      if (columns !== null && columns === values.length)
        test.rows = [...(test.rows ?? []), values.map((value): NvbandwidthCell => ({ value, place }))];
      else
        notes.push(
          `${file}:${place.line}: ${values.length} rates below ${columns ?? 'no'} numbers of GPUs: the line is cut short; left out`,
        );
    }
  }
  return { tests, devices, notes };
}

function wordsOf(line: string): string[] {
  return line.trim().split(/\s+/);
}

import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { Place } from '../../model/input/userError.ts';
import type { StepRun, StepSource } from '../../studies/dataset/stepRecords.ts';
import { countText } from '../../studies/numberText.ts';
import type { Part } from '../report.ts';
import { tablePart } from './table.ts';

/** Steps that are noted as they pass: with what and when they were measured. */
export class NotedSteps implements StepSource {
  readonly #steps: StepSource;
  readonly #noted = new Map<string, Set<string>>();
  readonly #onStep: () => void;

  /** @param onStep called before each step is handed on. */
  constructor(steps: StepSource, onStep: () => void) {
    this.#steps = steps;
    this.#onStep = onStep;
  }

  get place(): Place | undefined {
    return this.#steps.place;
  }

  *[Symbol.iterator](): Generator<StepRun> {
    for (const run of this.#steps) {
      this.#onStep();
      for (const [term, is] of noticesOf(run)) this.#note(term, is);
      yield run;
    }
  }

  /** Each term with all that was noted of it. */
  facts(): [term: string, is: string][] {
    return [...this.#noted].map(([term, values]) => [term, spanOf(term, [...values].sort())]);
  }

  #note(term: string, is: string): void {
    const values = this.#noted.get(term) ?? new Set();
    this.#noted.set(term, values.add(is));
  }
}

const MEASURED_AT = 'measured';

function noticesOf({ device, libraries, runtime, place, transport, mode, startedAt, experiment }: StepRun) {
  return [
    ['device', device.name],
    ['driver', device.driver],
    ['CUDA', device.cuda],
    ['libraries', libraries],
    ['runtime library', runtime === '' ? 'not recorded' : runtime],
    ['place', place],
    ['transports', transport],
    ['launch', mode],
    ['experiments', experiment],
    [MEASURED_AT, startedAt],
  ] as const;
}

/** Of times the first and the last. */
function spanOf(term: string, values: readonly string[]): string {
  if (term !== MEASURED_AT || values.length < 2) return values.join(', ');
  return `${values[0]} to ${values.at(-1)}`;
}

/** Files that a report was made of, by their content: who has the same ones gets the same report. */
export function filesTable(files: readonly string[], what: string): Part {
  const rows = files.map((file) => {
    const content = readFileSync(file);
    return { file, bytes: content.length, sha256: createHash('sha256').update(content).digest('hex') };
  });
  return tablePart(
    'files',
    `${what}: ${countText(files.length, 'file')}`,
    [
      { header: 'file', value: ({ file }) => file },
      { header: 'bytes', value: ({ bytes }) => bytes },
      { header: 'SHA-256', value: ({ sha256 }) => sha256 },
    ],
    rows,
  );
}

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readStepFolder } from '../../studies/published/steps/readSteps.ts';
import type { StepRecord } from '../../studies/published/steps/stepFormat.ts';

const RECORD = {
  id: 'a',
  read: 'table 1',
  card: 'rtx-4090',
  cardAsWritten: 'RTX 4090',
  gpus: 1,
  model: 'FLUX.1-dev',
  catalogueModel: 'flux.1-dev',
  width: 1024,
  height: 1024,
  frames: 1,
  batch: 1,
  steps: 28,
  passes: 1,
  guidance: 'none',
  storage: 'bf16',
  compute: 'bf16',
  attention: 'sdpa',
  compiled: false,
  layout: {},
  offload: { kind: 'none', setting: 'none' },
  measured: { stepS: 0.5 },
};

/** A file of one record that shares all but its id; JSON is YAML. */
export function stepFileText(
  changes: Record<string, unknown>,
  more: readonly Record<string, unknown>[] = [],
): string {
  const { id, ...shared } = { ...RECORD, ...changes };
  const source = { url: 'https://example.org/page', version: 'today', tool: 'diffusers' };
  return JSON.stringify([{ ...source, shared, records: [{ id }, ...more] }], null, 1);
}

/** The records that readStepFolder makes of a text, which is the only file of its folder. */
export function readStepText(text: string): StepRecord[] {
  const folder = mkdtempSync(join(tmpdir(), 'published-steps-'));
  try {
    writeFileSync(join(folder, 'steps.yaml'), text);
    return readStepFolder(folder);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { caseParameters } from '../model/calibration/cases.ts';
import { parseJson } from '../model/input/jsonFile.ts';
import { issueText } from '../model/input/schemaIssue.ts';
import { shown, UserError } from '../model/input/userError.ts';
import { CATEGORIES } from '../model/program/timeline.ts';
import { PEERS } from '../model/system/system.ts';
import { COMMIT } from './sourceCommit.ts';

const bytes = z.number().int().min(0);
const claim = z.strictObject({
  outsideBytes: bytes,
  residentBytes: bytes,
  slotBytes: bytes,
  activationBytes: bytes,
  collectiveBufferBytes: bytes,
  reserveBytes: bytes,
  gpuPeakBytes: bytes,
  hostPinnedBytes: bytes,
});

const plan = z.strictObject({
  name: z.string(),
  transport: z.string(),
  file: z.string(),
  claim,
  predictedStepS: z.number().positive().describe('closed form'),
  simulatedStepS: z.number().positive(),
  statements: z
    .record(
      z.string(),
      z.array(
        z.strictObject({
          track: z.string(),
          name: z.string(),
          category: z.enum(CATEGORIES),
          bytes: z.number().min(0),
        }),
      ),
    )
    .describe('by routine: what each shown statement is'),
  positions: z
    .array(z.strictObject({ routine: z.string(), ops: z.array(z.number().int().min(0)) }))
    .describe('by position: its routine, and the operation of the StepProgram behind each shown statement'),
});

const tensor = z.strictObject({
  name: z.string(),
  shape: z.tuple([z.number().int(), z.number().int()]).describe('rows of all ranks, width'),
  dtype: z.enum(['BF16', 'F32']).describe('as the program holds it; a file may have BF16, F16 or F32'),
  meaning: z.string(),
});

/** What was generated, from what, by what; stands beside the sources as manifest.json. */
export const manifestFormat = z.strictObject({
  schema: z.literal('chunkflow/generated@1'),
  id: z.string(),
  target: z.string(),
  title: z.string(),
  tool: z.string(),
  commit: z
    .string()
    .regex(COMMIT)
    .optional()
    .describe('of the source that generated it, -dirty where files had changed; where it is known'),
  fingerprint: z.string(),
  inputs: z
    .strictObject({
      model: z.string(),
      size: z.string(),
      layout: z.string(),
      blocks: z.number().int(),
      tokens: z.number(),
      textRows: z.number(),
      passes: z.number().int(),
      plans: z.array(z.string()),
      machine: z.string(),
    })
    .nullable()
    .describe('null for a calibration program, which computes no model'),
  system: z.strictObject({ id: z.string(), peer: z.enum(PEERS) }),
  ranks: z.number().int().min(1),
  groupSize: z.number().int().min(1),
  mirrored: z.boolean(),
  plans: z.array(plan),
  cases: z
    .array(z.strictObject({ id: z.string(), parameters: caseParameters }))
    .default([])
    .describe('micro-benchmarks of a calibration program'),
  tensors: z
    .strictObject({ inputs: z.array(tensor), outputs: z.array(tensor) })
    .default({ inputs: [], outputs: [] })
    .describe('what --inputs takes and --save-outputs gives'),
  files: z.array(z.strictObject({ name: z.string(), sha256: z.string() })),
});

export type Manifest = z.output<typeof manifestFormat>;
export type ManifestPlan = Manifest['plans'][number];

/**
 * The manifest of a generated program's folder.
 *
 * @throws UserError where there is none, or it is not one of this version.
 */
export function readManifest(folder: string): Manifest {
  const file = join(folder, 'manifest.json');
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch {
    throw new UserError(
      `${shown(folder)}: is no generated program (no manifest.json); make one with \`chunkflow generate\``,
    );
  }
  const source = parseJson(file, text, 'generate it anew');
  const result = manifestFormat.safeParse(source.value, { reportInput: true });
  if (result.success) return result.data;
  const issue = result.error.issues[0]!;
  throw new UserError(
    `${issue.path.join('.') || 'the file'}: ${issueText(issue)}; generate it anew with this version`,
    source.place(issue.path),
  );
}

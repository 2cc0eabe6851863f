import { readFileSync } from 'node:fs';
import { z } from 'zod';
import { parseJson } from '../../model/input/jsonFile.ts';
import { issueText } from '../../model/input/schemaIssue.ts';
import { type Place, shown, UserError } from '../../model/input/userError.ts';
import { CATEGORIES, PHASES } from '../../model/program/timeline.ts';
import { stepRunFormat } from './stepRecords.ts';

const seconds = z.number().min(0);

/** When everything of one measured step ran, with what it was a step of: one JSON object. */
export const timelineFormat = z.strictObject({
  schema: z.literal('chunkflow/timeline@1'),
  experiment: z.string(),
  ...stepRunFormat.pick({
    ...{ cell: true, plan: true, planFile: true, place: true },
    ...{ device: true, runtime: true, startedAt: true },
  }).shape,
  timeline: z.strictObject({
    source: z.string(),
    stepTimeS: z.number().positive(),
    intervals: z.array(
      z.strictObject({
        rank: z.int().min(0),
        track: z.string(),
        name: z.string(),
        category: z.enum(CATEGORIES),
        phase: z.enum(PHASES).optional(),
        startS: seconds,
        endS: seconds,
        op: z.int(),
        position: z.int(),
        bytes: z.number().min(0),
      }),
    ),
  }),
});

export type TimelineRecord = z.output<typeof timelineFormat>;

/** A record with where it and its intervals stand in their file. */
export interface ReadTimeline {
  record: TimelineRecord;
  place: (interval?: number) => Place;
}

/** @throws UserError with the place for a file that cannot be read, or is no such record. */
export function readTimeline(file: string): TimelineRecord {
  return readTimelineWithPlaces(file).record;
}

/** @throws UserError as `readTimeline`. */
export function readTimelineWithPlaces(file: string): ReadTimeline {
  const source = parseJson(file, textOf(file), 'collect it anew with `chunkflow experiment timeline`');
  const result = timelineFormat.safeParse(source.value, { reportInput: true });
  if (result.success) {
    const place = (interval?: number) =>
      (interval === undefined ? undefined : source.place(['timeline', 'intervals', interval])) ?? { file };
    return { record: result.data, place };
  }
  const schema = (source.value as { schema?: unknown } | null)?.schema;
  if (schema !== 'chunkflow/timeline@1')
    throw new UserError(
      `schema: expected chunkflow/timeline@1, got ${shown(schema)}; collect it anew`,
      source.place(['schema']),
    );
  const issue = result.error.issues[0]!;
  throw new UserError(
    `${issue.path.join('.')}: ${issueText(issue)}; collect it anew`,
    source.place(issue.path),
  );
}

function textOf(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    throw new UserError(`cannot be read (${(error as NodeJS.ErrnoException).code}); give a timeline`, {
      file,
    });
  }
}

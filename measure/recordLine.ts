import { issueText } from '../model/input/schemaIssue.ts';
import { type Place, shown, UserError } from '../model/input/userError.ts';
import { type MeasurementRecord, type RecordName, recordFormats } from './records.ts';

/** A line of a results file whose form is not checked yet. */
export interface RecordLine {
  name: RecordName;
  value: unknown;
}

/** @throws UserError for a line that is not JSON, or says that it is a record of another kind. */
export function recordLine(text: string, place: Place): RecordLine {
  const value = parse(text, place);
  const name = (value as { record?: unknown } | null)?.record;
  if (typeof name === 'string' && Object.hasOwn(recordFormats, name))
    return { name: name as RecordName, value };
  const known = Object.keys(recordFormats).join(', ');
  throw new UserError(`record: expected one of ${known}, got ${shown(name)}`, place);
}

/** @throws UserError for a record that has not the form of its kind. */
export function checkedRecord<Name extends RecordName>(
  name: Name,
  value: unknown,
  place: Place,
): MeasurementRecord<Name> {
  const result = recordFormats[name].safeParse(value);
  if (result.success) return result.data as MeasurementRecord<Name>;
  // With the inputs of issues, which would take twice the time for all records.
  const issue = recordFormats[name].safeParse(value, { reportInput: true }).error!.issues[0]!;
  const path = [name, ...issue.path].join('.');
  throw new UserError(`${path}: ${issueText(issue)}; measure it anew, or remove the line`, place);
}

function parse(text: string, place: Place): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new UserError(`is not JSON: ${(error as Error).message}`, place);
  }
}

import { fileLines } from '../model/input/fileLines.ts';
import { checkedRecord, recordLine } from './recordLine.ts';
import type { MeasurementRecord } from './records.ts';

/** A survey of pinned arenas, with the steps that the same run measured behind it. */
export interface SurveyedArena {
  file: string;
  line: number;
  arena: MeasurementRecord<'arena'>;
  summaries: MeasurementRecord<'summary'>[];
}

/**
 * The surveys of results files. Other records are passed over, so that a file of `arena` records alone will do.
 *
 * @throws UserError with file and line for a line that is no record, and for a damaged `arena` or `summary`.
 */
export function readArenas(files: readonly string[]): SurveyedArena[] {
  return files.flatMap((file) => {
    const arenas: SurveyedArena[] = [];
    let current: SurveyedArena | undefined;
    for (const { text, number: line, isWhole } of fileLines(file, 'give a results file')) {
      if (!isWhole || text === '') continue;
      const { name, value } = recordLine(text, { file, line });
      if (name === 'run') current = undefined;
      else if (name === 'arena') {
        current = { file, line, arena: checkedRecord('arena', value, { file, line }), summaries: [] };
        arenas.push(current);
      } else if (name === 'summary') current?.summaries.push(checkedRecord('summary', value, { file, line }));
    }
    return arenas;
  });
}

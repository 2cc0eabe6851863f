import { collectTimeline } from '../../../../studies/grid/collectSteps.ts';
import { readExperiment } from '../../../../studies/grid/experimentFile.ts';
import { writeWholeFile } from '../../../files/wholeFile.ts';
import type { Output } from '../../../output.ts';
import type { TimelineFlags } from './command.ts';

/** Writes the timeline of one measured step. */
export function run(file: string, flags: TimelineFlags, output: Output): void {
  const record = collectTimeline(readExperiment(file), flags.results, flags.cell, flags.plan);
  writeWholeFile(flags.out, `${JSON.stringify(record)}\n`);
  output.result(`${flags.out}: ${record.timeline.intervals.length} intervals\n`);
}

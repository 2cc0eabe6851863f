import { type SegmentTotal, segmentTotals } from '../../../model/program/timelineTotals.ts';
import { traceEvents } from '../../../sim/trace.ts';
import { readTimelineWithPlaces } from '../../../studies/dataset/timelineRecord.ts';
import { type StepTimelines, stepTimelines } from '../../../studies/grid/stepTimelines.ts';
import { writeWholeFile } from '../../files/wholeFile.ts';
import type { Output } from '../../output.ts';
import { type Column, formatTable } from '../../text/table.ts';
import type { TraceFlags } from './command.ts';

/** Time of one kind of operation in both steps; null where one of them has none of it. */
interface Row {
  kind: string;
  name: string;
  count: number | null;
  simulatedS: number | null;
  measuredS: number | null;
}

const milliseconds = (seconds: number | null) => (seconds === null ? null : seconds * 1e3);

const COLUMNS: readonly Column<Row>[] = [
  { header: 'kind', value: ({ kind }) => kind },
  { header: 'slices', value: ({ name }) => name },
  { header: 'count', value: ({ count }) => count },
  { header: 'simulated ms', value: ({ simulatedS }) => milliseconds(simulatedS), digits: 3 },
  { header: 'measured ms', value: ({ measuredS }) => milliseconds(measuredS), digits: 3 },
  {
    header: 'error %',
    value: ({ simulatedS, measuredS }) =>
      simulatedS === null || measuredS === null || measuredS === 0
        ? null
        : (simulatedS / measuredS - 1) * 100,
    digits: 1,
  },
];

const NOT_RECORDED =
  '-: programs record no flags and start-ups of staged collectives, and no launches of the host';

/** Writes one step as two processes of a trace, and shows where their times differ. */
export function run(file: string, { machine, out }: TraceFlags, output: Output): void {
  const { record, place } = readTimelineWithPlaces(file);
  const timelines = stepTimelines(record, place, machine);
  const { cell, plan, device, place: where } = record;
  const steps = [
    { name: `simulated: ${timelines.machine.id}, ${plan}`, timeline: timelines.simulated },
    { name: `measured: ${device.name}, ${where}, ${plan}`, timeline: timelines.measured },
  ];
  writeWholeFile(out, withLineEnds(traceEvents(steps)));
  output.result(`${cell.id}, ${plan}, ${timelines.blocks} blocks\n`);
  output.result(`${steps.map(({ name }) => `${name}\n`).join('')}\n`);
  const rows = rowsOf(timelines);
  output.result(formatTable(COLUMNS, rows, output.layout));
  if (rows.some(({ kind, measuredS }) => kind === 'host' && measuredS === null))
    output.result(`\n${NOT_RECORDED}\n`);
  output.diagnostic(`wrote ${out}; open it at https://ui.perfetto.dev\n`);
}

/** The step, then rank 0's kinds of operations as both have them. */
function rowsOf({ simulated, measured }: StepTimelines): Row[] {
  const key = ({ category, name }: SegmentTotal) => `${category} ${name}`;
  const ofMeasured = new Map(segmentTotals(measured).map((total) => [key(total), total]));
  const ofSimulated = new Map(segmentTotals(simulated).map((total) => [key(total), total]));
  const kinds = [...new Map([...ofSimulated, ...ofMeasured])].sort(([a], [b]) => (a < b ? -1 : 1));
  const step = { kind: 'step', name: 'step', count: 1 };
  return [
    { ...step, simulatedS: simulated.stepTimeS, measuredS: measured.stepTimeS },
    ...kinds.map(([name, { category, name: slices, count }]) => ({
      ...{ kind: category, name: slices, count },
      simulatedS: ofSimulated.get(name)?.seconds ?? null,
      measuredS: ofMeasured.get(name)?.seconds ?? null,
    })),
  ];
}

function* withLineEnds(lines: Iterable<string>): Generator<string> {
  for (const line of lines) yield `${line}\n`;
}

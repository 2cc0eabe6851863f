import { type FleetNumber, fitFleet } from '../../../studies/calibration/fitFleet.ts';
import { fittedMachineFile } from '../../../studies/calibration/machineFile.ts';
import { compareNodes } from '../../../studies/nodes/compareNodes.ts';
import { measuredNodes } from '../../../studies/nodes/nodeSources.ts';
import { writeWholeFile } from '../../files/wholeFile.ts';
import { jsonText, type Output } from '../../output.ts';
import { startProgress } from '../../text/progress.ts';
import { type Column, formatTable } from '../../text/table.ts';
import type { FitFlags } from './command.ts';

/** Fits one machine to the calibrations of several nodes, prints its numbers over nodes, and writes its file. */
export function fitNodes(files: readonly string[], flags: FitFlags, output: Output): void {
  const progress = startProgress(output, 'nodes', files.length);
  const fleet = fitFleet(files, (index) => {
    if (index > 0) progress.advance();
  });
  progress.advance();
  const ill = illNotes(files);
  const names = fleet.nodes.map(({ name }) => name);
  if (flags.json)
    output.result(
      jsonText({
        nodes: fleet.nodes.map(({ name, file, fitted }) => ({ name, file, stages: fitted.stages })),
        ...{ numbers: fleet.numbers, notes: [...fleet.notes, ...ill] },
      }),
    );
  else {
    output.result(`${names.length} nodes: ${names.join(', ')}\n\n`);
    output.result(formatTable(COLUMNS, fleet.numbers, output.layout));
  }
  for (const note of [...fleet.notes, ...ill]) output.diagnostic(`note: ${note}\n`);
  if (flags.out === undefined) return;
  const text = fittedMachineFile({ ...fleet, stages: [] }, flags.id ?? `${fleet.system.id}-fleet`);
  writeWholeFile(flags.out, text);
  output.diagnostic(`wrote ${flags.out}; use it with --machine ${flags.out}\n`);
}

const COLUMNS: readonly Column<FleetNumber>[] = [
  { header: 'number', value: ({ key }) => key },
  { header: 'median', value: ({ median }) => median, digits: 3 },
  { header: 'low', value: ({ low }) => low, digits: 3 },
  { header: 'high', value: ({ high }) => high, digits: 3 },
  { header: 'unit', value: ({ unit }) => unit },
  { header: 'least on', value: ({ least }) => least.node },
  { header: 'most on', value: ({ most }) => most.node },
  { header: 'fitted on', value: ({ fittedOn }) => fittedOn },
];

/** An ill node widens the intervals of a fleet, and its plans are chosen for it too. */
function illNotes(files: readonly string[]): string[] {
  const { findings } = compareNodes(measuredNodes(files).nodes);
  const ill = findings.filter(({ standing }) => standing === 'ill');
  return [...new Set(ill.map(({ node }) => node))].map(
    (node) =>
      `${node} is ill (${ill
        .filter((finding) => finding.node === node)
        .map(({ quantity }) => quantity)
        .join('; ')}); leave it out, or the fleet's intervals hold it: see \`chunkflow nodes\``,
  );
}

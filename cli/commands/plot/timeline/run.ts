import { atPlace, UserError } from '../../../../model/input/userError.ts';
import { planElsewhere } from '../../../../model/plan/planElsewhere.ts';
import { loadSystem } from '../../../../model/system/load.ts';
import { simulate } from '../../../../sim/simulate.ts';
import { readTimeline } from '../../../../studies/dataset/timelineRecord.ts';
import { cellScenario } from '../../../../studies/grid/cellScenario.ts';
import { cellOfRecord } from '../../../../studies/grid/recordedCell.ts';
import { timelineChart } from '../../../../studies/plots/timelineChart.ts';
import { refuseOtherCharts, writeChart } from '../../../files/chartFile.ts';
import type { Output } from '../../../output.ts';
import type { PlotTimelineFlags } from './command.ts';

/** Draws one block of a measured step below the same block as it is simulated. */
export async function run(
  file: string,
  { machine, block, out }: PlotTimelineFlags,
  output: Output,
): Promise<void> {
  refuseOtherCharts(out, '--out');
  const record = readTimeline(file);
  const { cell, plan, device, place, timeline } = record;
  const { workload, system, plans } = atPlace({ file }, () => cellScenario(cellOfRecord(record)));
  const count = workload.blocks.length * workload.passes;
  if (block >= count)
    throw new UserError(`--block ${block}: a step of ${cell.id} has blocks 0 to ${count - 1}`);
  const by = machine === undefined ? system : loadSystem(machine);
  const planned = planElsewhere(plans[0]!, workload, system);
  const simulated = simulate(workload, by, planned, { breakEven: false, timeline: true }).timeline!;
  const title = `${cell.id}, ${plan}: block ${block}`;
  const spec = timelineChart(
    [
      { name: `simulated, ${by.id}`, timeline: simulated },
      { name: `measured, ${device.name}, ${place}`, timeline: { ...timeline, links: [], arrivals: [] } },
    ],
    block,
    title,
  );
  await writeChart(spec, title, out, '--out');
  output.result(`${out}\n`);
}

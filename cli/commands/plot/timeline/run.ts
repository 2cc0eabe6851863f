import { atPlace, UserError } from '../../../../model/input/userError.ts';
import { planElsewhere } from '../../../../model/plan/planElsewhere.ts';
import { loadSystem } from '../../../../model/system/load.ts';
import { simulate } from '../../../../sim/simulate.ts';
import { depthText, programDepth } from '../../../../studies/dataset/programDepth.ts';
import { readTimeline } from '../../../../studies/dataset/timelineRecord.ts';
import { cellScenario } from '../../../../studies/grid/cellScenario.ts';
import { cellOfRecord } from '../../../../studies/grid/recordedCell.ts';
import { timelineChart } from '../../../../studies/plots/timelineChart.ts';
import { plotChart, refuseOtherCharts } from '../../../files/chartFile.ts';
import type { Output } from '../../../output.ts';
import type { PlotTimelineFlags } from './command.ts';

/** Draws one block of a measured step below the same block as it is simulated. */
export async function run(file: string, flags: PlotTimelineFlags, output: Output): Promise<void> {
  const { machine, block } = flags;
  refuseOtherCharts(flags);
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
  const chart = timelineChart(
    [
      { name: `simulated, ${by.id}`, timeline: simulated },
      { name: `measured, ${device.name}, ${place}`, timeline: { ...timeline, links: [], arrivals: [] } },
    ],
    block,
    title,
    [`a program of ${depthText(programDepth(cell))}; rank 0`],
  );
  await plotChart(chart, flags, output);
}

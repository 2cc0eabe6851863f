import { join } from 'node:path';
import { breakEven, stepAtTokens } from '../../../model/analytic/breakEven.ts';
import { predictedStepS } from '../../../model/analytic/stepReport.ts';
import { packageRoot } from '../../../model/input/packageFiles.ts';
import { memoryNeed } from '../../../model/physics/memory.ts';
import { FILES } from '../../../model/scenario/files.ts';
import { scenarioOf } from '../../../model/scenario/scenario.ts';
import { loadSystem } from '../../../model/system/load.ts';
import type { BoundWorkload } from '../../../model/workload/workload.ts';
import { swings } from '../../../search/explain/sensitivity/swings.ts';
import { simulate } from '../../../sim/simulate.ts';
import { readCalibration } from '../../../studies/calibration/calibrationFile.ts';
import { fitMachine } from '../../../studies/calibration/fitMachine.ts';
import { readingsOf } from '../../../studies/calibration/readings.ts';
import { readSteps } from '../../../studies/dataset/stepRecords.ts';
import { readTimeline } from '../../../studies/dataset/timelineRecord.ts';
import { readExperiment } from '../../../studies/grid/experimentFile.ts';
import { compareSteps } from '../../../studies/heldOut/compareSteps.ts';
import { compareNodes } from '../../../studies/nodes/compareNodes.ts';
import { measuredNodes } from '../../../studies/nodes/nodeSources.ts';
import { blockChart } from '../../../studies/plots/blockChart.ts';
import type { Chart } from '../../../studies/plots/chart.ts';
import { contentionChart } from '../../../studies/plots/contentionChart.ts';
import { errorsChart } from '../../../studies/plots/errorsChart.ts';
import { measuredFront } from '../../../studies/plots/measuredFront.ts';
import { memoryChart } from '../../../studies/plots/memoryChart.ts';
import { nodesChart } from '../../../studies/plots/nodesChart.ts';
import { predictedVsMeasured } from '../../../studies/plots/predictedVsMeasured.ts';
import { publishedStepsChart } from '../../../studies/plots/publishedSteps.ts';
import { residualsOfFit } from '../../../studies/plots/residualsChart.ts';
import { rooflineChart } from '../../../studies/plots/rooflineChart.ts';
import { sensitivityChart } from '../../../studies/plots/sensitivityChart.ts';
import { sweepChart } from '../../../studies/plots/sweepChart.ts';
import { timelineChart } from '../../../studies/plots/timelineChart.ts';
import { tokensChart } from '../../../studies/plots/tokensChart.ts';
import { closedFormPredictor } from '../../../studies/published/steps/closedFormPredictor.ts';
import { compareRecords } from '../../../studies/published/steps/compareRecords.ts';
import { readStepFolder } from '../../../studies/published/steps/readSteps.ts';
import { cellFront } from '../../../studies/regret/cellFront.ts';

/** A chart of every kind, from committed data, and a text of its that a user may have chosen. */
export interface ChartOfKind {
  kind: string;
  chart: Chart;
  named: string;
}

const data = (...path: string[]) => join(packageRoot, 'experiments', ...path);

export function chartKinds(): ChartOfKind[] {
  return [...ofMeasurements(), ...ofScenario()];
}

function ofMeasurements(): ChartOfKind[] {
  const system = loadSystem('h200-x1-fitted');
  const steps = compareSteps(
    readSteps([data('h200-steps', 'one-rank.jsonl'), data('h200-steps', 'mirrored.jsonl')]).filter(
      ({ cell }) => cell.id.startsWith('flux.1-dev-512x512'),
    ),
    system,
  );
  const record = readTimeline(data('h200-steps', 'timeline-yield.json'));
  const measured = { ...record.timeline, links: [], arrivals: [] };
  const again = readTimeline(data('h200-steps', 'timeline-layerwise.json'));
  const timelines = [
    { name: record.plan, timeline: measured },
    { name: again.plan, timeline: { ...again.timeline, links: [], arrivals: [] } },
  ];
  const calibration = readingsOf(readCalibration(data('pair', 'host-b', 'calibration.yaml'))).cases;
  const contended = calibration.filter(
    ({ parameters }) =>
      parameters.kind === 'together' && ['shm', 'staged-copy'].includes(parameters.transport),
  );
  const quick = readCalibration(data('pair', 'host-d', 'calibration.yaml'));
  const { front } = cellFront(
    readExperiment(data('pair', 'pair-choices.yaml')),
    readSteps([data('pair', 'host-b', 'pair-steps.jsonl'), data('pair', 'host-b', 'pair-choices.jsonl')]),
    { cell: 'flux.1-dev-1536x1536-b4-sp2', mode: 'eager', machine: null },
  );
  const { compared } = compareRecords(readStepFolder().slice(0, 24), closedFormPredictor);
  return [
    { kind: 'predicted-vs-measured', chart: predictedVsMeasured(steps, 'FLUX.1-dev'), named: 'layerwise' },
    { kind: 'errors', chart: errorsChart(steps, 'FLUX.1-dev'), named: 'mirrored' },
    { kind: 'timeline', chart: timelineChart(timelines, 1, 'a block'), named: record.plan },
    {
      kind: 'contention',
      chart: contentionChart(contended, loadSystem('h200-x2-fitted'), 'a pair', ['measured']),
      named: 'shm',
    },
    {
      kind: 'residuals',
      chart: residualsOfFit(fitMachine(quick), quick),
      named: 'staged-copy, few pieces',
    },
    {
      kind: 'front',
      chart: measuredFront(front, { title: 'a cell', subtitle: ['FLUX'] }),
      named: 'staged-copy',
    },
    {
      kind: 'nodes',
      chart: nodesChart(
        compareNodes(measuredNodes([data('pair', 'host-d'), data('pair', 'host-e')]).nodes),
        [],
      ),
      named: 'steps, real, shm',
    },
    { kind: 'published-steps', chart: publishedStepsChart(compared, 'published'), named: 'desktop' },
  ];
}

function ofScenario(): ChartOfKind[] {
  const scenario = scenarioOf(
    { model: 'wan2.1-t2v-14b', size: '832x480x49', machine: 'h200-x2-fitted', transport: 'shm' },
    FILES,
  );
  const { system, plans } = scenario;
  const workload = scenario.workload as BoundWorkload;
  const [none, layerwise] = plans;
  const yielding = plans.find(({ name }) => name.startsWith('yield'))!;
  const notes = ['Wan2.1-T2V-14B, all 40 blocks'];
  const timeline = simulate(workload, system, yielding, { breakEven: false, timeline: true }).timeline!;
  const curve = (plan: typeof yielding) => {
    const at = (tokens: number) => ({ tokens, ...stepAtTokens(workload, system, plan, tokens) });
    const { tokens } = breakEven(workload, system, plan);
    return {
      ...{ plan: plan.name, transport: plan.transport },
      points: [5000, 10_000, 20_000, 40_000, 80_000].map(at),
      breakEven: tokens === null ? null : at(tokens),
    };
  };
  const needs = plans.map((plan) => ({
    ...{ plan: plan.name, transport: plan.transport, need: memoryNeed(workload, system, plan) },
  }));
  const moved = [layerwise!, yielding].map((plan) => ({
    plan: plan.name,
    stepS: predictedStepS(workload, system, plan),
    swings: swings(workload, system, plan, 0.1),
  }));
  return [
    {
      kind: 'block',
      chart: blockChart(
        [{ plan: yielding.name, timeline }],
        1,
        { links: ['gpu0'], memory: 'memory' },
        'a block',
        notes,
      ),
      named: yielding.name,
    },
    {
      kind: 'tokens',
      chart: tokensChart([none!, layerwise!, yielding].map(curve), workload.tokens, 'tokens', notes),
      named: yielding.name,
    },
    {
      kind: 'memory',
      chart: memoryChart(needs, { gpuBytes: 40 * 2 ** 30, hostShareBytes: 2 ** 36 }, 'memory', notes),
      named: yielding.name,
    },
    { kind: 'sweep', chart: sweptPlans(notes), named: 'yield,resident=0.5' },
    { kind: 'sensitivity', chart: sensitivityChart(moved, 10, 'tornado', notes), named: yielding.name },
    {
      kind: 'roofline',
      chart: rooflineChart(workload, system.gpu, 'roofline', notes),
      named: 'self-attention',
    },
  ];
}

/** Two plans at five rates of the link on two cards, some places with two rows. */
function sweptPlans(notes: readonly string[]): Chart {
  const points = ['rtx-4090', 'h200'].flatMap((facet, card) =>
    ['none', 'yield,resident=0.5'].flatMap((by, plan) =>
      [5e9, 10e9, 20e9, 40e9].flatMap((x, index) =>
        [1, 1.1].slice(0, 1 + (index % 2)).map((factor) => ({
          ...{ x, by, facet },
          y: (factor * (1 + (plan * 2e10) / x)) / (1 + card),
        })),
      ),
    ),
  );
  const axes = { x: 'h2dBytesPerS', y: 'stepS', by: 'plan', facet: 'machine', logX: true, logY: false };
  return sweepChart(points, axes, 'a sweep', notes);
}

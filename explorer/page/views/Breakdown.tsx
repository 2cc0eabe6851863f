import { scaleLinear } from 'd3-scale';
import type { PlanReport } from '../../../documents/planReport.ts';
import type { Prediction } from '../../../documents/prediction.ts';
import { interval, milliseconds, percent, tableMs } from '../text/units.ts';
import { Axis, Grid } from './Axis.tsx';
import { Figure, Key, Table } from './Figure.tsx';
import { Part } from './Part.tsx';
import { PlanLabel, rowName } from './PlanLabel.tsx';
import { STEP_PARTS, stepParts } from './stepParts.ts';

/** Steps of both plans and of no offload as stacked bars on one axis, with the interval that each may be in. */
export function Breakdown({ prediction, isStale }: { prediction: Prediction; isStale: boolean }) {
  const { plans } = prediction;
  const none = plans.at(-1)!;
  const longest = Math.max(...plans.map(({ doubt, stepTimeS }) => Math.max(stepTimeS, doubt.stepS[1])));
  const scale = scaleLinear([0, 1e3 * longest * 1.02], [0, 100]);
  const ticks = scale.ticks(6);
  return (
    <Figure
      id="step"
      title="Step"
      note="of one rank, 95 % interval"
      isStale={isStale}
      says={plans.map(sentence).join('; ')}
      legend={STEP_PARTS.map(({ kind, name }) => (
        <Key key={kind} kind={kind}>
          {name}
        </Key>
      ))}
      table={<StepTable plans={plans} />}
    >
      <div class="bars">
        {plans.map((report, index) => (
          <Row key={rowName(index)} {...{ report, index, none, scale, ticks }} />
        ))}
        <div class="bar-axis">
          <Axis {...{ scale, ticks, unit: 'ms' }} format={(value) => value.toLocaleString('en-US')} />
        </div>
      </div>
    </Figure>
  );
}

interface RowProps {
  report: PlanReport;
  index: number;
  /** The row that the others are held against. */
  none: PlanReport;
  scale: ReturnType<typeof scaleLinear<number>>;
  ticks: readonly number[];
}

function Row({ report, index, none, scale, ticks }: RowProps) {
  const parts = stepParts(report);
  const { stepTimeS, doubt } = report;
  const [low, high] = doubt.stepS.map((seconds) => scale(1e3 * seconds)) as [number, number];
  let fromS = 0;
  return (
    <div class="bar-row">
      <PlanLabel index={index} plan={report.plan} transport={report.transport} />
      <div class="bar">
        <Grid {...{ scale, ticks }} />
        {STEP_PARTS.map(({ kind }) => {
          const left = scale(1e3 * fromS);
          fromS += parts[kind];
          const width = scale(1e3 * parts[kind]);
          return (
            <Part key={kind} kind={kind} from={left} width={width}>
              {tableMs(parts[kind])}
            </Part>
          );
        })}
        <span class="doubt" style={{ left: `${low}%`, width: `${high - low}%` }} />
      </div>
      <div class="bar-value">
        <strong>{milliseconds(stepTimeS)}</strong>
        <span class="versus">{report === none ? '' : signed(stepTimeS / none.stepTimeS - 1)}</span>
      </div>
    </div>
  );
}

function signed(share: number): string {
  if (Math.abs(share) < 0.0005) return '± 0 %';
  return `${share > 0 ? '+' : '−'}${percent(Math.abs(share))}`;
}

function sentence(report: PlanReport, index: number): string {
  const parts = stepParts(report);
  const said = STEP_PARTS.filter(({ kind }) => parts[kind] > 0).map(
    ({ kind, name }) => `${tableMs(parts[kind])} ms ${name}`,
  );
  return `${rowName(index)}, ${report.plan}: ${milliseconds(report.stepTimeS)}, ${interval(report.doubt.stepS)}, of ${said.join(', ')}`;
}

function StepTable({ plans }: { plans: readonly PlanReport[] }) {
  const row = (name: string, cell: (report: PlanReport) => string) => [name, ...plans.map(cell)];
  return (
    <Table
      caption="A step of each plan, milliseconds"
      head={['', ...plans.map(({ plan }, index) => `${rowName(index)}: ${plan}`)]}
      rows={[
        row('step, ms', ({ stepTimeS }) => tableMs(stepTimeS)),
        row('95 % interval', ({ doubt }) => interval(doubt.stepS)),
        row('of no offload on its transport', ({ versusNone }) =>
          versusNone === null ? '' : versusNone.toFixed(3),
        ),
        ...STEP_PARTS.map(({ kind, name }) =>
          row(`${name}, ms`, (report) => tableMs(stepParts(report)[kind])),
        ),
        row('prefetch alone, ms', ({ prefetchS }) => tableMs(prefetchS)),
        row('windows, ms', ({ windowS }) => tableMs(windowS)),
        row('bound by', ({ boundBy }) => boundBy),
        row('transport', ({ transport }) => transport),
        row('clock', ({ clock }) => percent(clock)),
        row('power, W', ({ powerW }) => (powerW === null ? '' : powerW.toFixed(0))),
      ]}
    />
  );
}

import { scaleLinear } from 'd3-scale';
import type { QuickPrediction } from '../../protocol.ts';
import { SIDES } from '../model/sides.ts';
import { gibibytes, gibibytesNumber } from '../text/units.ts';
import { fitsIn } from '../text/verdictSentence.ts';
import { Axis, Grid } from './Axis.tsx';
import { Figure, Key, Table } from './Figure.tsx';
import { MEMORY_PARTS } from './memoryParts.ts';
import { Part } from './Part.tsx';
import { PlanLabel, rowName } from './PlanLabel.tsx';

const GiB = 2 ** 30;

export interface MemoryProps {
  prediction: QuickPrediction;
  /** Null for all that a GPU has. */
  capBytes: number | null;
  isStale: boolean;
}

/** What each plan holds on the GPU, against what the card has and what it may take. */
export function Memory({ prediction, capBytes, isStale }: MemoryProps) {
  const { plans, machine } = prediction;
  const { gpuMemoryBytes } = machine;
  const most = Math.max(gpuMemoryBytes, ...plans.map(({ gpuPeakBytes }) => gpuPeakBytes)) / GiB;
  const scale = scaleLinear([0, most * 1.02], [0, 100]);
  const ticks = scale.ticks(4);
  const limits = [
    { kind: 'capacity', bytes: gpuMemoryBytes },
    ...(capBytes === null ? [] : [{ kind: 'cap', bytes: capBytes }]),
  ];
  const limit = capBytes ?? gpuMemoryBytes;
  return (
    <Figure
      id="memory"
      title="GPU memory"
      note={`of ${gibibytes(gpuMemoryBytes)}${capBytes === null ? '' : `, at most ${gibibytes(capBytes)}`}`}
      isStale={isStale}
      says={plans
        .map(
          (report, index) =>
            `${rowName(index)}: ${gibibytes(report.gpuPeakBytes)} of ${gibibytes(limit)}, ${fitsIn(report, limit) ? 'fits' : 'does not fit'}`,
        )
        .join('; ')}
      legend={MEMORY_PARTS.map(({ kind, name }) => (
        <Key key={kind} kind={`memory-${kind}`}>
          {name}
        </Key>
      ))}
      table={<MemoryTable prediction={prediction} />}
    >
      <div class="bars">
        {plans.map((report, index) => {
          const need = prediction.memory[index]!;
          const fits = fitsIn(report, limit);
          let from = 0;
          return (
            <div class="bar-row" key={rowName(index)}>
              <PlanLabel index={index} plan={report.plan} />
              <div class="bar thin">
                <Grid {...{ scale, ticks }} />
                {MEMORY_PARTS.map(({ kind, bytes }) => {
                  const left = scale(from / GiB);
                  from += need[bytes];
                  return (
                    <Part key={kind} kind={`memory-${kind}`} from={left} width={scale(need[bytes] / GiB)} />
                  );
                })}
                {limits.map(({ kind, bytes }) => (
                  <span key={kind} class={`limit ${kind}`} style={{ left: `${scale(bytes / GiB)}%` }} />
                ))}
              </div>
              <div class="bar-value">
                <strong>{gibibytes(report.gpuPeakBytes)}</strong>
                <span class={fits ? 'versus' : 'versus misfit'}>{fits ? 'fits' : 'too much'}</span>
              </div>
            </div>
          );
        })}
        <div class="bar-axis">
          <Axis {...{ scale, ticks, unit: 'GiB' }} format={String} />
        </div>
        <HostRows prediction={prediction} />
      </div>
    </Figure>
  );
}

/** What each rank pins of its share of host memory. */
function HostRows({ prediction }: { prediction: QuickPrediction }) {
  const shareBytes = hostShareBytes(prediction);
  const pinned = prediction.plans.map(({ hostPinnedBytes }) => hostPinnedBytes);
  const scale = scaleLinear([0, 1.02 * Math.max(shareBytes, ...pinned)], [0, 100]);
  return (
    <>
      <p class="bars-head">Pinned in host memory, of {gibibytes(shareBytes)} a rank</p>
      {SIDES.map((side) => (
        <div class="bar-row" key={side}>
          <PlanLabel index={side} plan={prediction.plans[side]!.plan} />
          <div class="bar thin">
            <Part kind="memory-host" from={0} width={scale(pinned[side]!)} />
            <span class="limit capacity" style={{ left: `${scale(shareBytes)}%` }} />
          </div>
          <div class="bar-value">
            <strong>{gibibytes(pinned[side]!)}</strong>
            <span class={pinned[side]! > shareBytes ? 'versus misfit' : 'versus'}>
              {pinned[side]! > shareBytes ? 'too much' : 'fits'}
            </span>
          </div>
        </div>
      ))}
    </>
  );
}

/** As `hostShareBytes` of the model has it. */
function hostShareBytes({ machine, workload }: QuickPrediction): number {
  return machine.hostMemoryBytes / (machine.peer === 'mirrored' ? 1 : workload.ranks);
}

function MemoryTable({ prediction }: { prediction: QuickPrediction }) {
  const { plans, memory } = prediction;
  return (
    <Table
      caption="Memory of each plan, GiB"
      head={['GiB', ...plans.map(({ plan }, index) => `${rowName(index)}: ${plan}`)]}
      rows={[
        ['GPU, peak', ...plans.map(({ gpuPeakBytes }) => gibibytesNumber(gpuPeakBytes))],
        ...MEMORY_PARTS.map(({ name, bytes }) => [
          name,
          ...memory.map((need) => gibibytesNumber(need[bytes])),
        ]),
        ['pinned in host memory, each rank', ...plans.map((one) => gibibytesNumber(one.hostPinnedBytes))],
      ]}
    />
  );
}

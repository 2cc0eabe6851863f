import { scaleLinear } from 'd3-scale';
import { area, curveStepAfter } from 'd3-shape';
import type { BlockTimeline, TimelineInterval } from '../../protocol.ts';
import { SIDE_NAMES, SIDES } from '../model/sides.ts';
import type { Timelines } from '../model/useAnswers.ts';
import { gigabytesPerS, milliseconds } from '../text/units.ts';
import { Axis, Grid } from './Axis.tsx';
import { Figure, Key, Table } from './Figure.tsx';
import { Part } from './Part.tsx';

const KINDS = [
  { kind: 'compute', name: 'compute' },
  { kind: 'collective', name: 'collectives' },
  { kind: 'h2d', name: 'copies to the GPU' },
  { kind: 'd2h', name: 'copies from the GPU' },
  { kind: 'wait', name: 'waits' },
  { kind: 'host', name: 'host' },
] as const satisfies readonly { kind: TimelineInterval['kind']; name: string }[];

/** Height of the link's curve in its own units; the style sheet says how high it is on the page. */
const LINK_HEIGHT = 100;

/** One block of each plan as it was simulated, on one time axis, with what the link carries below. */
export function Timeline({ timelines, isStale }: { timelines: Timelines | null; isStale: boolean }) {
  const longestS = Math.max(...(timelines ?? []).map(({ durationS }) => durationS), 1e-9);
  const scale = scaleLinear([0, 1e3 * longestS], [0, 100]);
  const ticks = scale.ticks(6);
  const fastest = Math.max(...(timelines ?? []).flatMap(ratesOf), 1);
  const kinds = KINDS.filter(({ kind }) => timelines?.some((one) => hasKind(one, kind)));
  return (
    <Figure
      id="timeline"
      title="One block"
      note={timelines === null ? '' : `block ${timelines[0].block} of a simulated steady step`}
      isStale={isStale}
      says={
        timelines === null ? 'being simulated' : SIDES.map((side) => sentence(timelines, side)).join('; ')
      }
      legend={kinds.map(({ kind, name }) => (
        <Key key={kind} kind={kind}>
          {name}
        </Key>
      ))}
      table={timelines === null ? null : <TimelineTable timelines={timelines} />}
    >
      {timelines !== null &&
        SIDES.map((side) => (
          <OneTimeline key={side} {...{ side, scale, ticks, fastest }} timeline={timelines[side]} />
        ))}
      {timelines !== null && (
        <div class="lane-axis">
          <Axis {...{ scale, ticks, unit: 'ms' }} format={(value) => value.toLocaleString('en-US')} />
        </div>
      )}
    </Figure>
  );
}

interface OneTimelineProps {
  side: 0 | 1;
  timeline: BlockTimeline;
  scale: ReturnType<typeof scaleLinear<number>>;
  ticks: readonly number[];
  /** Of both plans, bytes/s. */
  fastest: number;
}

function OneTimeline({ side, timeline, scale, ticks, fastest }: OneTimelineProps) {
  const name = SIDE_NAMES[side];
  const { plan, durationS, lanes } = timeline;
  return (
    <div class="lanes">
      <div class="lanes-head">
        <span class={`badge side-${name.toLowerCase()}`}>{name}</span>
        <bdi class="plan-name">{plan}</bdi>
        <span class="quiet">{milliseconds(durationS)}</span>
      </div>
      {lanes.map((lane) => (
        <>
          <div class="lane-name">{lane.name}</div>
          <div class="lane">
            <Grid {...{ scale, ticks }} />
            {lane.intervals.map(({ name: what, kind, beginS, endS }, index) => (
              <Part
                key={index}
                kind={kind}
                from={scale(1e3 * beginS)}
                width={scale(1e3 * (endS - beginS))}
                title={`${what}: ${milliseconds(endS - beginS)}`}
              >
                {what}
              </Part>
            ))}
          </div>
        </>
      ))}
      <div class="lane-name link-name">
        link
        <span>to {gigabytesPerS(fastest)}</span>
      </div>
      <Link {...{ timeline, scale, fastest }} />
    </div>
  );
}

/** What the link carries in each direction, one curve upwards and one downwards. */
function Link({ timeline, scale, fastest }: Pick<OneTimelineProps, 'timeline' | 'scale' | 'fastest'>) {
  const { link, durationS } = timeline;
  const hasD2h = link.some(({ d2hBytesPerS }) => d2hBytesPerS > 0);
  const zero = hasD2h ? LINK_HEIGHT / 2 : LINK_HEIGHT;
  const height = scaleLinear([0, fastest], [0, zero]);
  const last = link.at(-1);
  const points = last === undefined ? [] : [...link, { ...last, atS: durationS }];
  const curve = (y: (point: (typeof points)[number]) => number) =>
    area<(typeof points)[number]>()
      .x(({ atS }) => scale(1e3 * atS))
      .y0(zero)
      .y1(y)
      .curve(curveStepAfter)(points) ?? '';
  return (
    <div class="link">
      <svg viewBox={`0 0 100 ${LINK_HEIGHT}`} preserveAspectRatio="none" aria-hidden="true">
        <path class="h2d" d={curve(({ h2dBytesPerS }) => zero - height(h2dBytesPerS))} />
        {hasD2h && <path class="d2h" d={curve(({ d2hBytesPerS }) => zero + height(d2hBytesPerS))} />}
        <line x1="0" x2="100" y1={zero} y2={zero} />
      </svg>
    </div>
  );
}

function ratesOf({ link }: BlockTimeline): number[] {
  return link.flatMap(({ h2dBytesPerS, d2hBytesPerS }) => [h2dBytesPerS, d2hBytesPerS]);
}

function hasKind({ lanes }: BlockTimeline, kind: TimelineInterval['kind']): boolean {
  return lanes.some(({ intervals }) => intervals.some((one) => one.kind === kind));
}

/** Seconds of a block in which something of a kind goes on, counted lane by lane. */
function busyS({ lanes }: BlockTimeline, kind: TimelineInterval['kind']): number {
  const intervals = lanes.flatMap((lane) => lane.intervals.filter((one) => one.kind === kind));
  return intervals.reduce((sum, { beginS, endS }) => sum + endS - beginS, 0);
}

function sentence(timelines: Timelines, side: 0 | 1): string {
  const timeline = timelines[side];
  const said = KINDS.filter(({ kind }) => hasKind(timeline, kind)).map(
    ({ kind, name }) => `${milliseconds(busyS(timeline, kind))} ${name}`,
  );
  return `${SIDE_NAMES[side]}, ${timeline.plan}: ${milliseconds(timeline.durationS)}; ${said.join(', ')}`;
}

function TimelineTable({ timelines }: { timelines: Timelines }) {
  return (
    <Table
      caption="Sums of one block by what goes on"
      head={['', ...SIDES.map((side) => `${SIDE_NAMES[side]}: ${timelines[side].plan}`)]}
      rows={[
        ['block', ...timelines.map(({ durationS }) => milliseconds(durationS))],
        ...KINDS.map(({ kind, name }) => [name, ...timelines.map((one) => milliseconds(busyS(one, kind)))]),
        ['fastest on the link', ...timelines.map((one) => gigabytesPerS(Math.max(0, ...ratesOf(one))))],
      ]}
    />
  );
}

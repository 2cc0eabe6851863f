import { type ScaleLogarithmic, scaleLog } from 'd3-scale';
import type { Prediction } from '../../../documents/prediction.ts';
import { SIDE_NAMES, SIDES } from '../model/sides.ts';
import { amount } from '../text/units.ts';
import { Axis, Grid } from './Axis.tsx';
import { Figure, Table } from './Figure.tsx';

/** Marks below a scale; more run into each other on a phone. */
const MOST_MARKS = 5;
const SIZES = ['tokens', 'frames', 'batch'] as const;

/** Sizes from which on each plan's weights are hidden, with the present size: left of the mark streaming costs time. */
export function BreakEven({ prediction, isStale }: { prediction: Prediction | null; isStale: boolean }) {
  const now = prediction && nowOf(prediction);
  const points = SIZES.map((size) => ({
    size,
    now: now?.[size] ?? null,
    from: SIDES.map((side) => fromOf(prediction?.plans[side], size)),
  }));
  const drawn = points.filter(
    (point) => point.now !== null && (isAnswered(point) || point.size === 'tokens'),
  );
  return (
    <Figure
      id="break-even"
      title="Break-even"
      note="sizes from which the weights are hidden"
      isStale={isStale}
      says={prediction === null ? 'being computed' : points.map(sentence).join('; ')}
      legend={[
        <li key="now">
          <span class="swatch now" />
          present size
        </li>,
        <li key="hidden">
          <span class="swatch hidden-range" />
          hidden
        </li>,
        <li key="not">
          <span class="swatch shown-range" />
          costs time
        </li>,
      ]}
      table={
        <Table
          caption="Sizes from which the weights are hidden"
          head={['', 'now', ...SIDES.map((side) => `${SIDE_NAMES[side]} hidden from`)]}
          rows={points.map((point) => [point.size, shown(point.now), ...point.from.map(shown)])}
        />
      }
    >
      {drawn.length === 0 ? (
        <p class="waiting">{prediction === null ? '' : 'A profile is of one size: there are none.'}</p>
      ) : (
        drawn.map((point) => <Strip key={point.size} {...point} now={point.now!} />)
      )}
    </Figure>
  );
}

type Size = (typeof SIZES)[number];

interface Point {
  size: Size;
  now: number | null;
  /** For each plan; zero where it streams nothing, null where it is hidden at no size. */
  from: readonly (number | null)[];
}

function fromOf(report: Prediction['plans'][number] | undefined, size: Size): number | null {
  if (report === undefined) return null;
  return report.prefetchS === 0 ? 0 : report.breakEven[size];
}

/** Whether a size has an answer for any of the plans. */
function isAnswered({ from }: Point): boolean {
  return from.some((value) => value !== null && value > 0);
}

function Strip({ size: name, now, from }: Point & { now: number }) {
  const known = from.filter((value): value is number => value !== null && value > 0);
  const least = Math.min(now, ...known) / 3;
  const most = Math.max(now, ...known) * 3;
  const scale = scaleLog([least, most], [0, 100]).clamp(true);
  const ticks = marksOf(scale);
  return (
    <div class="strip">
      <div class="strip-name">{name}</div>
      <div class="strip-lines">
        <Grid {...{ scale, ticks }} />
        <span class="now" style={{ left: `${scale(now)}%` }}>
          <span class="now-label">{amount(now)}</span>
        </span>
        {SIDES.map((side) => (
          <Range key={side} {...{ side, scale }} from={from[side] ?? null} />
        ))}
        <Axis {...{ scale, ticks, unit: '' }} format={amount} />
      </div>
    </div>
  );
}

interface RangeProps {
  side: 0 | 1;
  from: number | null;
  scale: ScaleLogarithmic<number, number>;
}

function Range({ side, from, scale }: RangeProps) {
  const name = SIDE_NAMES[side];
  const at = from === null ? 100 : from === 0 ? 0 : scale(from);
  return (
    <div class={`range side-${name.toLowerCase()}`}>
      <span class="badge">{name}</span>
      <span class="shown-range" style={{ width: `${at}%` }} />
      {from !== null && (
        <span class={from === 0 ? 'hidden-range all' : 'hidden-range'} style={{ left: `${at}%` }} />
      )}
      <span class={`from ${from === 0 ? 'all' : at > 60 ? 'left' : 'right'}`} style={{ left: `${at}%` }}>
        {shown(from)}
      </span>
    </div>
  );
}

/** Marks that a narrow scale has room for: 1, 2 and 5 of each decade, or as many of these as there may be. */
function marksOf(scale: ScaleLogarithmic<number, number>): number[] {
  const leading = (value: number) => Math.round(value / 10 ** Math.floor(Math.log10(value) + 1e-9));
  const having = (digits: readonly number[]) =>
    scale.ticks(10).filter((value) => digits.includes(leading(value)));
  const choices = [having([1, 2, 5]), having([1, 5]), having([1])];
  return choices.find((marks) => marks.length <= MOST_MARKS) ?? choices.at(-1)!;
}

function nowOf({ workload }: Prediction) {
  if (workload.from === 'profile') return { tokens: null, frames: null, batch: null };
  const { tokens, frames, batch } = workload;
  return { tokens, frames, batch };
}

function shown(value: number | null): string {
  if (value === null) return 'no size';
  return value === 0 ? 'nothing to hide' : amount(value);
}

function sentence({ size: name, now, from }: Point): string {
  const sides = SIDES.map((side) => `${SIDE_NAMES[side]} hidden from ${shown(from[side] ?? null)}`);
  return `${name}, now ${shown(now)}: ${sides.join(', ')}`;
}

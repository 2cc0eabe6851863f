import { type Chart, name, number, type Row } from './chart.ts';
import { seriesColours, seriesDashes } from './series.ts';
import { role } from './theme.ts';

/** A plan's step at sizes around the one that was asked for. */
export interface TokensCurve {
  plan: string;
  transport: string;
  points: readonly { tokens: number; stepS: number; noneS: number }[];
  /** Tokens from which the plan costs less than 1 %; null where no size does. */
  breakEven: { tokens: number; stepS: number; noneS: number } | null;
}

/**
 * Step time against tokens a sample, a line for each plan, and below it each step as a multiple of no offload. A full point marks a
 * plan's break-even; the dashed line is the size that was asked for.
 */
export function tokensChart(
  curves: readonly TokensCurve[],
  tokens: number,
  title: string,
  subtitle: readonly string[],
): Chart {
  const rows = curves.flatMap(curveRows);
  const plans = curves.map(({ plan }) => plan);
  const all = rows.map((row) => row.tokens);
  const axis: Axis = { domain: [Math.min(...all), Math.max(...all)], plans };
  return {
    title,
    subtitle: [...subtitle, breakEvenText(curves)],
    columns: 1,
    groups: [
      {
        views: [
          { height: { ofWidth: 0.5, most: 280 }, layer: layers(axis, 'stepS', 'step time (s)', true) },
          {
            height: { ofWidth: 0.4, most: 170 },
            layer: layers(axis, 'ratio', 'times no offload', false),
          },
        ],
      },
    ],
    rows,
    guides: { size: [{ tokens, label: `${tokens.toLocaleString('en-US')} tokens` }] },
    legend: plans,
  };
}

function breakEvenText(curves: readonly TokensCurve[]): string {
  const from = curves.flatMap(({ plan, breakEven }) =>
    breakEven === null
      ? []
      : [`${plan} from ${Math.round(breakEven.tokens).toLocaleString('en-US')} tokens on`],
  );
  return from.length === 0
    ? 'no plan is as fast as no offload at any size'
    : `within 1 % of no offload (points): ${from.join(', ')}`;
}

interface Axis {
  domain: [number, number];
  plans: readonly string[];
}

function curveRows({ plan, transport, points, breakEven }: TokensCurve) {
  const row = ({ tokens, stepS, noneS }: TokensCurve['points'][number], isBreakEven: boolean) => ({
    ...{ plan, transport, tokens, stepS, noneS, ratio: stepS / noneS },
    breakEven: isBreakEven,
  });
  return [...points.map((point) => row(point, false)), ...(breakEven === null ? [] : [row(breakEven, true)])];
}

function layers({ domain, plans }: Axis, field: string, title: string, isAbove: boolean): Row[] {
  const x = (named: boolean) =>
    number('tokens', named ? 'tokens a sample' : null, {
      scale: { type: 'log', domain, nice: false },
      axis: { format: '~s', labels: !isAbove },
    });
  const y = number(field, title, {
    scale: isAbove ? { type: 'log', nice: false } : { zero: false },
    axis: isAbove ? { format: ',~r' } : { format: '~r', tickCount: 5 },
  });
  const legend = { symbolType: 'stroke', symbolSize: 300, symbolStrokeWidth: 2 };
  const color = name('plan', 'plan', { scale: seriesColours(plans), legend });
  // Lines that lie on each other are seen through the gaps of the upper ones.
  const strokeDash = name('plan', 'plan', {
    scale: { domain: [...plans], range: seriesDashes(plans) },
    legend,
  });
  const of = (isBreakEven: boolean) => ({
    data: { name: 'rows' },
    transform: [{ filter: { field: 'breakEven', equal: isBreakEven } }],
  });
  const tooltip = [
    ...[name('plan', 'plan'), name('transport', 'transport')],
    number('tokens', 'tokens', { format: ',.0f' }),
    number('stepS', 'step (s)', { format: ',.3f' }),
    number('noneS', 'no offload (s)', { format: ',.3f' }),
    number('ratio', 'times no offload', { format: '.3f' }),
  ];
  const label = {
    data: { name: 'size' },
    mark: { type: 'text', align: 'left', baseline: 'top', dx: 4, color: role('soft') },
    encoding: { x: x(false), y: { value: 2 }, text: name('label', null) },
  };
  return [
    {
      data: { name: 'size' },
      mark: { type: 'rule', strokeDash: [5, 3], color: role('soft') },
      encoding: { x: x(!isAbove) },
    },
    {
      ...of(false),
      mark: { type: 'line', strokeWidth: 1.6 },
      encoding: { x: x(!isAbove), y, color, strokeDash, order: number('tokens', null) },
    },
    {
      ...of(true),
      mark: { type: 'point', filled: true, size: 60, opacity: 1, stroke: role('paper'), strokeWidth: 1 },
      encoding: { x: x(!isAbove), y, color, tooltip },
    },
    // Lines are thin: what a reader points at is the sizes that were computed.
    {
      ...of(false),
      mark: { type: 'point', size: 60, opacity: 0 },
      encoding: { x: x(!isAbove), y, color, tooltip },
    },
    ...(isAbove ? [label] : []),
  ] as unknown as Row[];
}

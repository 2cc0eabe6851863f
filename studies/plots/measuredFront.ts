import { max, min } from 'simple-statistics';
import { GiB } from '../../model/input/byteUnits.ts';
import { NO_TRANSPORT } from '../../model/system/transport.ts';
import type { Chart } from './chart.ts';
import {
  axesOf,
  type DrawnPlan,
  FRONT_HEIGHT,
  greyBars,
  greyPoints,
  groupPoints,
  joined,
  type Level,
  levelLines,
  levelRows,
  nameRows,
  names,
  planRows,
  roundBars,
} from './frontLayers.ts';

/** One measured plan. */
export interface MeasuredDot {
  plan: string;
  transport: string;
  gpuBytes: number;
  stepS: number;
  /** Median step of each round. */
  visitS: readonly number[];
}

/** A plan that was chosen, with what was predicted of it. */
export interface ChosenDot extends MeasuredDot {
  /** What it was chosen from, such as one transport: choices of one are joined. */
  from: string;
  /** Null where nothing comparable is predicted. */
  predictedS: number | null;
}

export interface MeasuredFront {
  choices: readonly ChosenDot[];
  others: readonly MeasuredDot[];
}

const OTHERS = 'other plans';
/** Policies that everybody knows are named beside their points. */
const NAMED = ['layerwise', 'layerwise-drain'];

/**
 * Choices among everything that one cell measured: full points with bars over the rounds, joined by what they were chosen from, on
 * hollow points where they were predicted; other plans in grey; `none` of each transport as a dashed line.
 *
 * @throws Error where nothing was measured.
 */
export function measuredFront(
  { choices, others }: MeasuredFront,
  { title, subtitle }: { title: string; subtitle: readonly string[] },
): Chart {
  if (choices.length + others.length === 0) throw new Error('a cell without plans cannot be drawn');
  const chosen = choices.map((dot) => measuredPlan(dot, 'measured', dot.from));
  const predicted = choices.flatMap(predictedPlan);
  const rest = others.map((dot) => measuredPlan(dot, 'other', OTHERS));
  const levels = others.flatMap(levelOf);
  const groups = [...new Set(chosen.map(({ group }) => group))].sort();
  const axes = axesOf([...chosen, ...predicted, ...rest], levels, groups);
  return {
    title,
    subtitle,
    columns: 1,
    groups: [
      {
        views: [
          {
            height: FRONT_HEIGHT,
            layer: [
              ...levelLines('levels', axes),
              greyBars(axes),
              greyPoints(axes, OTHERS),
              ...names('names', axes),
              joined('measured', axes),
              groupPoints('predicted', axes, 'choices, predicted', 'error (%)'),
              ...roundBars(axes),
              groupPoints('measured', axes, 'choices, measured', ''),
            ],
            resolve: { scale: { color: 'independent', shape: 'independent' } },
          },
        ],
      },
    ],
    rows: planRows([...predicted, ...chosen, ...rest]),
    guides: { levels: levelRows(levels, axes), names: nameRows(others.flatMap(nameOf), axes) },
    legend: [...groups, OTHERS],
  };
}

function measuredPlan(
  { plan, transport, gpuBytes, stepS, visitS }: MeasuredDot,
  kind: 'measured' | 'other',
  group: string,
): DrawnPlan {
  return {
    ...{ kind, plan, transport, group, gib: gpuBytes / GiB, ms: stepS * 1e3, percent: null },
    ...{ lowMs: min(visitS) * 1e3, highMs: max(visitS) * 1e3 },
  };
}

function predictedPlan({ plan, transport, from, gpuBytes, stepS, predictedS }: ChosenDot): DrawnPlan[] {
  if (predictedS === null) return [];
  const percent = 100 * (predictedS / stepS - 1);
  const at = { gib: gpuBytes / GiB, ms: predictedS * 1e3, percent };
  return [{ kind: 'predicted', plan, transport, group: from, ...at, lowMs: null, highMs: null }];
}

/** No offload needs no point: whatever the memory, its step is what a plan is held against. */
function levelOf(dot: MeasuredDot): Level[] {
  return isPlain(dot, 'none') ? [{ label: withTransport('none', dot), ms: dot.stepS * 1e3 }] : [];
}

function nameOf(dot: MeasuredDot) {
  const preset = NAMED.find((name) => isPlain(dot, name));
  if (preset === undefined) return [];
  return [{ label: withTransport(preset, dot), gib: dot.gpuBytes / GiB, ms: dot.stepS * 1e3 }];
}

/** A preset without any setting but its transport. */
function isPlain({ plan, transport }: MeasuredDot, preset: string): boolean {
  return plan === preset || plan === `${preset},transport=${transport}`;
}

/** One rank has no transport, which is called `none`. */
function withTransport(name: string, { transport }: MeasuredDot): string {
  return transport === NO_TRANSPORT ? name : `${name}, ${transport}`;
}

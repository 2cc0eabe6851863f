import { max, min } from 'simple-statistics';
import { makerOf } from '../../model/plan/recipe.ts';
import { depthRange, depthText } from '../dataset/programDepth.ts';
import { type ComparedStep, recipeOfRun, type StepPrediction, whereOf } from '../heldOut/compareSteps.ts';
import { type Chart, name, number, type Row, type View } from './chart.ts';
import { bySeries } from './series.ts';
import { role } from './theme.ts';

/** Predictions within this share of the measurement lie in the grey band. */
const BAND = 0.05;

/**
 * Simulated step times over measured ones: a panel for each place and transport, plans by colour and shape, the line on which
 * both are equal, and a band of 5 % around it; below each the errors by themselves, with the noise of each measurement as a
 * bar. Times are on logarithmic axes, so that the band is as wide everywhere.
 */
export function predictedVsMeasured(steps: readonly ComparedStep[], title: string): Chart {
  return predictedVsMeasuredRows(steps.map(stepRow), title, [depthsText(steps)]);
}

/** The same of any steps that were measured and predicted. */
export function predictedVsMeasuredRows(
  rows: readonly StepRow[],
  title: string,
  subtitle: readonly string[],
): Chart {
  const all = rows.flatMap(({ measuredMs, simulatedMs }) => [measuredMs, simulatedMs]);
  const axes: Axes = {
    domainMs: [min(all) / 1.1, max(all) * 1.1],
    largestPercent: Math.ceil(
      Math.max(120 * BAND, max(rows.map(({ errorPercent }) => Math.abs(errorPercent)))),
    ),
    plans: [...new Set(rows.map(({ preset }) => preset))].sort(),
  };
  const panels = [...new Set(rows.map(({ where }) => where))].sort();
  return {
    title,
    subtitle,
    columns: 2,
    groups: panels.map((where) => ({
      heading: panelTitle(
        where,
        rows.filter((row) => row.where === where),
      ),
      views: [scatter(where, axes), errors(where, axes)],
    })),
    rows,
    guides: { edges: axes.domainMs.map(edgeRow) },
    legend: axes.plans,
    resolve: { scale: { color: 'shared', shape: 'shared' } },
  };
}

interface Axes {
  domainMs: [number, number];
  largestPercent: number;
  plans: readonly string[];
}

function depthsText(steps: readonly ComparedStep[]): string {
  return `programs of ${depthRange(steps.map(({ depth }) => depth))}`;
}

/** A measured and predicted step as charts' data has it. */
export interface StepRow extends Row {
  /** Place and transport. */
  where: string;
  /** Empty where the records do not say it. */
  node: string;
  model: string;
  size: string;
  depth: string;
  plan: string;
  preset: string;
  measuredMs: number;
  simulatedMs: number;
  closedFormMs: number;
  errorPercent: number;
  noisePercent: number;
  lowPercent: number;
  highPercent: number;
}

export function stepRow({ run, node, depth, ...prediction }: ComparedStep): StepRow {
  return {
    where: whereOf(run),
    node,
    model: run.cell.model,
    size: run.cell.size,
    depth: depthText(depth),
    plan: run.plan,
    preset: makerOf(recipeOfRun(run)),
    measuredMs: run.stepS * 1e3,
    ...predictedFields(prediction),
  };
}

/** What was predicted of a step, in the units of charts' data. */
export function predictedFields({ simulatedS, closedFormS, simulatedError, noise }: StepPrediction) {
  const errorPercent = simulatedError * 100;
  const noisePercent = (noise ?? 0) * 100;
  return {
    simulatedMs: simulatedS * 1e3,
    closedFormMs: closedFormS * 1e3,
    ...{ errorPercent, noisePercent },
    lowPercent: errorPercent - noisePercent,
    highPercent: errorPercent + noisePercent,
  };
}

/** What a tooltip says of a compared step. */
export const STEP_TOOLTIP = [
  ...[name('model', 'model'), name('depth', 'depth'), name('size', 'size'), name('plan', 'plan')],
  name('where', 'measured on'),
  number('measuredMs', 'measured step (ms)', { format: ',.2f' }),
  number('simulatedMs', 'simulated step (ms)', { format: ',.2f' }),
  number('closedFormMs', 'closed form (ms)', { format: ',.2f' }),
  number('errorPercent', 'error of the simulation (%)', { format: '+.1f' }),
  number('noisePercent', 'noise of the measurement (%)', { format: '.1f' }),
];

/** The ends of the line of equals and of the band around it. */
function edgeRow(ms: number) {
  return {
    ms,
    lowMs: ms * (1 - BAND),
    highMs: ms * (1 + BAND),
    lowPercent: -100 * BAND,
    highPercent: 100 * BAND,
    noPercent: 0,
  };
}

/** The axis that both parts of a panel share; only the lower one names it. */
function measured(field: string, { domainMs }: Axes, named: boolean) {
  const scale = { type: 'log', domain: domainMs, nice: false };
  return number(field, named ? 'measured step (ms)' : null, { scale, axis: { labels: named, format: '~s' } });
}

function band(x: object, low: object, high: string) {
  return {
    data: { name: 'edges' },
    mark: { type: 'area', color: role('band') },
    encoding: { x, y: low, y2: { field: high } },
  };
}

function line(x: object, y: object) {
  return {
    data: { name: 'edges' },
    mark: { type: 'line', color: role('line'), strokeWidth: 1 },
    encoding: { x, y },
  };
}

function points(where: string, axes: Axes, place: object) {
  return {
    ...ofPanel(where),
    mark: { type: 'point', size: 24, strokeWidth: 1.2, opacity: 1 },
    encoding: { ...place, ...bySeries('preset', 'plan', axes.plans), tooltip: STEP_TOOLTIP },
  };
}

function ofPanel(where: string) {
  return { data: { name: 'rows' }, transform: [{ filter: { field: 'where', equal: where } }] };
}

function scatter(where: string, axes: Axes): View {
  const scale = { type: 'log', domain: axes.domainMs, nice: false };
  const simulated = (field: string) =>
    number(field, 'simulated step (ms)', { scale, axis: { format: '~s' } });
  const x = measured('ms', axes, false);
  return {
    height: { ofWidth: 0.85, most: 260 },
    layer: [
      band(x, simulated('lowMs'), 'highMs'),
      line(x, simulated('ms')),
      points(where, axes, { x: measured('measuredMs', axes, false), y: simulated('simulatedMs') }),
    ],
  };
}

function errors(where: string, axes: Axes): View {
  const { largestPercent } = axes;
  const scale = { domain: [-largestPercent, largestPercent], nice: false };
  const percent = (field: string) => number(field, 'error (%)', { scale });
  const x = measured('measuredMs', axes, true);
  const edge = measured('ms', axes, true);
  return {
    height: { ofWidth: 0.5, most: 150 },
    layer: [
      band(edge, percent('lowPercent'), 'highPercent'),
      line(edge, percent('noPercent')),
      {
        ...ofPanel(where),
        mark: { type: 'rule', strokeWidth: 0.8, clip: true },
        encoding: { x, y: percent('lowPercent'), y2: { field: 'highPercent' } },
      },
      points(where, axes, { x, y: percent('errorPercent') }),
    ],
  };
}

function panelTitle(where: string, own: readonly { errorPercent: number }[]): string {
  const sizes = own.map(({ errorPercent }) => Math.abs(errorPercent));
  const mape = sizes.reduce((sum, size) => sum + size, 0) / sizes.length;
  return `${where}: ${own.length} steps, MAPE ${mape.toFixed(1)} %, largest ${max(sizes).toFixed(1)} %`;
}

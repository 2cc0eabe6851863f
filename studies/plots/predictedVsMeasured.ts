import { max, min } from 'simple-statistics';
import type { TopLevelSpec } from 'vega-lite';
import { makerOf } from '../../model/plan/recipe.ts';
import { depthRange, depthText } from '../dataset/programDepth.ts';
import { type ComparedStep, recipeOfRun, whereOf } from '../heldOut/compareSteps.ts';

/** Predictions within this share of the measurement lie in the grey band. */
const BAND = 0.05;
/** Plans by colour: told apart by the colour-blind, and in grey print by shape. */
const COLOURS = ['#000000', '#e69f00', '#56b4e9', '#009e73', '#0072b2', '#d55e00', '#cc79a7', '#999999'];
const PANEL = 280;
const COLUMNS = 2;

/**
 * Simulated step times over measured ones: a panel for each place and transport, plans by colour and shape, the line on which
 * both are equal, and a band of 5 % around it; below each the errors by themselves, with the noise of each measurement as a
 * bar. Times are on logarithmic axes, so that the band is as wide everywhere.
 */
export function predictedVsMeasured(steps: readonly ComparedStep[], title: string): TopLevelSpec {
  const values = steps.map(pointOf);
  const all = values.flatMap(({ measuredMs, simulatedMs }) => [measuredMs, simulatedMs]);
  const axes: Axes = {
    domainMs: [min(all) / 1.1, max(all) * 1.1],
    largestPercent: Math.ceil(
      Math.max(120 * BAND, max(values.map(({ errorPercent }) => Math.abs(errorPercent)))),
    ),
    presets: [...new Set(values.map(({ preset }) => preset))].sort(),
  };
  const panels = [...new Set(values.map(({ where }) => where))].sort();
  return {
    $schema: 'https://vega.github.io/schema/vega-lite/v6.json',
    title: {
      text: title,
      subtitle: `programs of ${depthRange(steps.map(({ depth }) => depth))}`,
      offset: 12,
    },
    columns: COLUMNS,
    concat: panels.map((where) => {
      const own = values.filter((value) => value.where === where);
      const heading = { text: panelTitle(where, own), fontSize: 11, anchor: 'middle' as const };
      return { title: heading, vconcat: [scatter(own, axes), errors(own, axes)], spacing: 8 };
    }),
    resolve: { scale: { color: 'shared', shape: 'shared' } },
  };
}

interface Axes {
  domainMs: [number, number];
  largestPercent: number;
  presets: readonly string[];
}

type Value = ReturnType<typeof pointOf>;

function pointOf({ run, depth, simulatedS, closedFormS, simulatedError, noise }: ComparedStep) {
  const errorPercent = simulatedError * 100;
  const noisePercent = (noise ?? 0) * 100;
  return {
    where: whereOf(run),
    model: run.cell.model,
    size: run.cell.size,
    depth: depthText(depth),
    plan: run.plan,
    preset: makerOf(recipeOfRun(run)),
    measuredMs: run.stepS * 1e3,
    simulatedMs: simulatedS * 1e3,
    closedFormMs: closedFormS * 1e3,
    ...{ errorPercent, noisePercent },
    lowPercent: errorPercent - noisePercent,
    highPercent: errorPercent + noisePercent,
  };
}

/** The axis that both parts of a panel share; only the lower one names it. */
function measured(field: string, { domainMs }: Axes, named: boolean) {
  const scale = { type: 'log' as const, domain: domainMs, nice: false };
  return {
    ...{ field, type: 'quantitative' as const, scale, title: named ? 'measured step (ms)' : null },
    axis: { labels: named },
  };
}

function points(own: readonly Value[], axes: Axes, y: object) {
  const byPreset = { field: 'preset', type: 'nominal' as const, title: 'plan' };
  const number = (field: string, format: string) => ({ field, format, type: 'quantitative' as const });
  const text = (field: string) => ({ field, type: 'nominal' as const });
  return {
    data: { values: [...own] },
    mark: { type: 'point' as const, size: 24, strokeWidth: 1.2 },
    encoding: {
      ...y,
      color: { ...byPreset, scale: { domain: [...axes.presets], range: COLOURS } },
      shape: { ...byPreset, scale: { domain: [...axes.presets] } },
      tooltip: [
        ...[text('model'), text('depth'), text('size'), text('plan')],
        ...[number('measuredMs', '.2f'), number('simulatedMs', '.2f'), number('closedFormMs', '.2f')],
        ...[number('errorPercent', '+.1f'), number('noisePercent', '.1f')],
      ],
    },
  };
}

function scatter(own: readonly Value[], axes: Axes) {
  const band = axes.domainMs.map((ms) => ({ ms, low: ms * (1 - BAND), high: ms * (1 + BAND) }));
  const scale = { type: 'log' as const, domain: axes.domainMs, nice: false };
  const simulated = (field: string) => ({
    ...{ field, type: 'quantitative' as const, scale, title: 'simulated step (ms)' },
  });
  return {
    width: PANEL,
    height: PANEL,
    layer: [
      {
        data: { values: band },
        mark: { type: 'area' as const, color: '#dddddd' },
        encoding: { x: measured('ms', axes, false), y: simulated('low'), y2: { field: 'high' } },
      },
      {
        data: { values: band },
        mark: { type: 'line' as const, color: '#888888', strokeWidth: 1 },
        encoding: { x: measured('ms', axes, false), y: simulated('ms') },
      },
      points(own, axes, { x: measured('measuredMs', axes, false), y: simulated('simulatedMs') }),
    ],
  };
}

function errors(own: readonly Value[], axes: Axes) {
  const { largestPercent } = axes;
  const scale = { domain: [-largestPercent, largestPercent] as [number, number], nice: false };
  const percent = (field: string) => ({
    ...{ field, type: 'quantitative' as const, scale, title: 'error (%)' },
  });
  const edges = axes.domainMs.map((ms) => ({ ms, low: -100 * BAND, high: 100 * BAND, none: 0 }));
  return {
    width: PANEL,
    height: PANEL / 2,
    layer: [
      {
        data: { values: edges },
        mark: { type: 'area' as const, color: '#dddddd' },
        encoding: { x: measured('ms', axes, true), y: percent('low'), y2: { field: 'high' } },
      },
      {
        data: { values: edges },
        mark: { type: 'line' as const, color: '#888888', strokeWidth: 1 },
        encoding: { x: measured('ms', axes, true), y: percent('none') },
      },
      {
        data: { values: [...own] },
        mark: { type: 'rule' as const, color: '#777777', strokeWidth: 0.8, clip: true },
        encoding: {
          x: measured('measuredMs', axes, true),
          y: percent('lowPercent'),
          y2: { field: 'highPercent' },
        },
      },
      points(own, axes, { x: measured('measuredMs', axes, true), y: percent('errorPercent') }),
    ],
  };
}

function panelTitle(where: string, own: readonly { errorPercent: number }[]): string {
  const sizes = own.map(({ errorPercent }) => Math.abs(errorPercent));
  const mape = sizes.reduce((sum, size) => sum + size, 0) / sizes.length;
  return `${where}: ${own.length} steps, MAPE ${mape.toFixed(1)} %, largest ${max(sizes).toFixed(1)} %`;
}

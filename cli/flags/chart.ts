import { type Command, Option } from 'commander';
import { THEME_NAMES, type ThemeName, WIDTH_NAMES, type WidthName } from '../../studies/plots/lookNames.ts';
import { addPlanOptions, type ScenarioFlags } from './scenario.ts';
import { addWorkloadOptions } from './workload.ts';

/** The flags of a chart that is computed from a workload, a machine and plans. */
export interface ScenarioChartFlags extends ScenarioFlags, ChartFlags {}

/** The flags of a chart's file, as commander hands them over. */
export interface ChartFlags {
  out: string;
  theme?: ThemeName;
  width?: WidthName;
}

/** Adds the file that a chart is drawn to, and what it looks like there. */
export function addChartFile(command: Command): Command {
  return command
    .optionsGroup('Output:')
    .requiredOption(
      '--out <file>',
      '.svg, .png or .pdf; .html, which fills its window and has tooltips; .csv, its data; .vl.json, its Vega-Lite specification',
    )
    .addOption(
      new Option('--theme <name>', 'colours (default: light; .html follows the reader)').choices(THEME_NAMES),
    )
    .addOption(
      new Option(
        '--width <name>',
        'a screen, or one column or the page of a paper (default: screen)',
      ).choices(WIDTH_NAMES),
    );
}

/** Adds the flags that describe a workload, a machine and plans, and the chart's file. */
export function addScenarioChart(command: Command): Command {
  return addChartFile(addPlanOptions(addWorkloadOptions(command)));
}

/** Flags of charts that show measured steps. */
export interface StepChartFlags extends ChartFlags {
  machine?: string;
  profiles?: string;
}

/** Adds the measured steps of a chart, and what predicts them. */
export function addChartedSteps(command: Command): Command {
  return addChartFile(
    command
      .argument('<dataset...>', 'JSON Lines of `chunkflow experiment collect`')
      .option('--machine <name|file>', "predicts, such as a fitted one (default: each cell's own)")
      .option(
        '--profiles <folder>',
        'the datasets are steps of attached models, of experiments/attach: predict them from their profiles, which lie there',
      ),
  );
}

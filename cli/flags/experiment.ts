import { type Command, Option } from 'commander';
import { collect } from './values.ts';

/** Adds `--only`, which chooses programs of an experiment. */
export function addCellOptions(command: Command): Command {
  return command.option('--only <cell>', 'only this program; repeat for several', collect);
}

/** `--mode` of commands that take steps which were launched in one of these ways. */
export function launchModeOption(modes: readonly string[]): Option {
  return new Option('--mode <mode>', 'steps that were launched so').choices(modes).default('eager');
}

/** Adds the raw results that a dataset or a timeline is made of. */
export function addResults(command: Command): Command {
  return command.requiredOption('--results <folder|file...>', 'what `experiment run` or measure.sh wrote');
}

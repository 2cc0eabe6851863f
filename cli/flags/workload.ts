import { type Command, Option } from 'commander';
import {
  EXCHANGE_STYLES,
  type ExchangeStyle,
  GUIDANCE_MODES,
  type GuidanceMode,
} from '../../model/workload/workload.ts';
import { collect, wholeFromOne } from './values.ts';

/** The flags that say what is computed and where, as commander hands them over. */
export interface WorkloadFlags {
  model?: string;
  profile?: string;
  size?: string;
  batch?: number;
  sp?: number;
  ring?: number;
  tp?: number;
  pp?: number;
  cfg?: GuidanceMode;
  exchange?: ExchangeStyle;
  textRows?: number;
  expertsOnGpu?: number;
  blocks?: number;
  machine?: string;
  transport?: string;
  set?: string[];
}

/** @param transports what is taken where no transport is named. */
export function addWorkloadOptions(command: Command, transports = "the machine's"): Command {
  return command
    .optionsGroup('What is computed:')
    .option('--model <name|file>', 'diffusion transformer: see `chunkflow models`, or a file')
    .option('--profile <file>', 'in place of a model: what chunkflow_offload.profile measured of your own')
    .option('--size <WxH[xF]>', "pixels and frames (default: the model's reference size)")
    .option('--batch <n>', 'samples a step (default: 1)', wholeFromOne)
    .option(
      '--sp <n>',
      'Ulysses sequence-parallel degree (default: all GPUs, if the heads allow)',
      wholeFromOne,
    )
    .option('--ring <n>', 'ring attention degree, times SP (default: 1)', wholeFromOne)
    .option('--tp <n>', 'tensor-parallel degree (default: 1)', wholeFromOne)
    .addOption(new Option('--pp <n>', 'refused by name').argParser(wholeFromOne).hideHelp())
    .addOption(new Option('--cfg <mode>', "guidance (default: the model's own)").choices(GUIDANCE_MODES))
    .addOption(new Option('--exchange <style>', 'how Q, K and V change hands').choices(EXCHANGE_STYLES))
    .option('--text-rows <n>', 'text rows (default: what the model pads to)', wholeFromOne)
    .option('--experts-on-gpu <n>', 'experts that the GPU holds at a time (default: all)', wholeFromOne)
    .option('--blocks <n>', 'only so many blocks, kinds in proportion (default: all)', wholeFromOne)
    .optionsGroup('Where it runs:')
    .option('--machine <name|file>', 'see `chunkflow machines`, or a YAML file')
    .option('--transport <name>', `of the collectives (default: ${transports})`)
    .option(
      '--set <key=value>',
      'override a number of the machine, such as gpu.copyEngine.h2d="30 GB/s"',
      collect,
    );
}

/** Adds `--json` of a command that prints a document of `chunkflow schema`, as the last group. */
export function addDocumentOption(command: Command): Command {
  return command.optionsGroup('Output:').option('--json', 'one JSON object: see `chunkflow schema`');
}

import { type Command, InvalidArgumentError, Option } from 'commander';
import type { ExchangeStyle, GuidanceMode } from '../model/workload/workload.ts';

/** The flags that `predict` and `simulate` share, as commander hands them over. */
export interface ScenarioFlags {
  model?: string;
  size?: string;
  batch?: number;
  sp?: number;
  tp?: number;
  cfg?: GuidanceMode;
  exchange?: ExchangeStyle;
  textRows?: number;
  blocks?: number;
  machine?: string;
  transport?: string;
  plan?: string[];
  resident?: string;
  prefetch?: string;
  chunk?: string;
  slots?: string;
  set?: string[];
  json?: boolean;
}

const GUIDANCE: readonly GuidanceMode[] = ['none', 'sequential', 'batched', 'parallel'];
const EXCHANGES: readonly ExchangeStyle[] = ['packed', 'separate', 'separate-cross', 'kv-gather'];

/** Adds the flags that describe a workload, a machine and the plans to compare. */
export function addScenarioOptions(command: Command): Command {
  return command
    .optionsGroup('What is computed:')
    .option('--model <name|file>', 'diffusion transformer: see `chunkflow models`, or a file')
    .option('--size <WxH[xF]>', "pixels and frames (default: the model's reference size)")
    .option('--batch <n>', 'samples a step', wholeNumber, 1)
    .option(
      '--sp <n>',
      'Ulysses sequence-parallel degree (default: all GPUs, if the heads allow)',
      wholeNumber,
    )
    .option('--tp <n>', 'tensor-parallel degree', wholeNumber, 1)
    .addOption(new Option('--cfg <mode>', "guidance (default: the model's own)").choices(GUIDANCE))
    .addOption(new Option('--exchange <style>', 'how Q, K and V change hands').choices(EXCHANGES))
    .option('--text-rows <n>', 'text rows (default: what the model pads to)', wholeNumber)
    .option('--blocks <n>', 'only so many blocks, kinds in proportion (default: all)', wholeNumber)
    .optionsGroup('Where it runs:')
    .option('--machine <name|file>', 'see `chunkflow machines`, or a YAML file')
    .option('--transport <name>', "of the collectives (default: the machine's)")
    .option(
      '--set <key=value>',
      'override a number of the machine, such as gpu.copyEngine.h2d="30 GB/s"',
      collect,
    )
    .optionsGroup('How weights are streamed:')
    .option(
      '--plan <preset[,key=value...]>',
      'see `chunkflow plans`; repeat to compare (default: the usual ones)',
      collect,
    )
    .option('--resident <fraction>', 'share of each block that stays on the GPU, for plans that do not say')
    .option('--prefetch <n>', 'blocks fetched ahead, likewise')
    .option('--chunk <size>', 'largest copy, such as 16MiB, likewise')
    .option('--slots <n>', 'device buffers, likewise')
    .optionsGroup('Output:')
    .option('--json', 'one JSON object: see `chunkflow schema`');
}

function collect(value: string, previous: string[] = []): string[] {
  return [...previous, value];
}

function wholeNumber(text: string): number {
  const value = Number(text);
  if (/^\d+$/.test(text) && Number.isSafeInteger(value) && value >= 1) return value;
  throw new InvalidArgumentError('Expected a whole number of at least 1.');
}

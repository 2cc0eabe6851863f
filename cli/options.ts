import { type Command, InvalidArgumentError, Option } from 'commander';
import {
  EXCHANGE_STYLES,
  type ExchangeStyle,
  GUIDANCE_MODES,
  type GuidanceMode,
} from '../model/workload/workload.ts';
import { PEER_NAMES, type PeerName } from '../search/peers/peerNames.ts';

/** The flags that `predict` and `simulate` share, as commander hands them over. */
export interface ScenarioFlags {
  model?: string;
  profile?: string;
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

/** The flags of `plan`, which finds what the flags of a plan would say. */
export interface PlanFlags extends Omit<ScenarioFlags, 'plan' | 'resident' | 'prefetch' | 'chunk' | 'slots'> {
  gpuMemory?: string;
  hostMemory?: string;
  explain?: boolean;
  front?: number;
  chart?: string;
  uncertain?: string;
  nominal?: boolean;
  for?: PeerName;
  savePlan?: string;
}

export const FRONT_POINTS = { fewest: 2, usual: 20, most: 200 };

/** Adds the flags that describe a workload, a machine and the plans to compare. */
export function addScenarioOptions(command: Command): Command {
  return addOutputOptions(addPlanOptions(addWorkloadOptions(command)));
}

/** Adds the flags that describe a workload and a machine, and what `plan` is asked about them. */
export function addSearchOptions(command: Command): Command {
  const searched = addWorkloadOptions(command, 'the best of all')
    .optionsGroup('What a plan may take:')
    .option('--gpu-memory <size>', 'of each GPU, such as 16GiB (default: all of it)')
    .option('--host-memory <size>', "pinned by each rank, such as 64GiB (default: its share of the host's)")
    .optionsGroup('What else to answer:')
    .option('--explain', 'what the step depends on and where it stops being hidden; takes a few seconds')
    .addOption(
      new Option('--front [points]', 'the best plans from the least memory to all of it')
        .preset(String(FRONT_POINTS.usual))
        .argParser(frontPoints),
    )
    .option('--chart <file>', 'draw them: .svg, .png, or .html with tooltips')
    .option(
      '--uncertain <ranges>',
      "factors that the machine may differ by from its file, in place of the file's own intervals, such as link=0.9..1.05,compute=0.95..1.02",
    )
    .option('--nominal', 'the best plan where the machine is exactly as its file says')
    .addOption(
      new Option('--for <tool>', "the best of that tool's own settings, within the same memory").choices(
        PEER_NAMES,
      ),
    );
  return addOutputOptions(searched).option(
    '--save-plan <file>',
    'write the plan as JSON; as JSON Lines with the nominal plan and those of --front; --plan of other commands takes both',
  );
}

function addWorkloadOptions(command: Command, transports = "the machine's"): Command {
  return command
    .optionsGroup('What is computed:')
    .option('--model <name|file>', 'diffusion transformer: see `chunkflow models`, or a file')
    .option('--profile <file>', 'in place of a model: what chunkflow_offload.profile measured of your own')
    .option('--size <WxH[xF]>', "pixels and frames (default: the model's reference size)")
    .option('--batch <n>', 'samples a step (default: 1)', wholeNumber)
    .option(
      '--sp <n>',
      'Ulysses sequence-parallel degree (default: all GPUs, if the heads allow)',
      wholeNumber,
    )
    .option('--tp <n>', 'tensor-parallel degree (default: 1)', wholeNumber)
    .addOption(new Option('--cfg <mode>', "guidance (default: the model's own)").choices(GUIDANCE_MODES))
    .addOption(new Option('--exchange <style>', 'how Q, K and V change hands').choices(EXCHANGE_STYLES))
    .option('--text-rows <n>', 'text rows (default: what the model pads to)', wholeNumber)
    .option('--blocks <n>', 'only so many blocks, kinds in proportion (default: all)', wholeNumber)
    .optionsGroup('Where it runs:')
    .option('--machine <name|file>', 'see `chunkflow machines`, or a YAML file')
    .option('--transport <name>', `of the collectives (default: ${transports})`)
    .option(
      '--set <key=value>',
      'override a number of the machine, such as gpu.copyEngine.h2d="30 GB/s"',
      collect,
    );
}

function addPlanOptions(command: Command): Command {
  return command
    .optionsGroup('How weights are streamed:')
    .option(
      '--plan <preset[,key=value...]>',
      'see `chunkflow plans`; repeat to compare (default: the usual ones)',
      collect,
    )
    .option('--resident <fraction>', 'share of each block that stays on the GPU, for plans that do not say')
    .option('--prefetch <n>', 'blocks fetched ahead, likewise')
    .option('--chunk <size>', 'largest copy, such as 16MiB, likewise')
    .option('--slots <n>', 'device buffers, likewise');
}

function addOutputOptions(command: Command): Command {
  return command.optionsGroup('Output:').option('--json', 'one JSON object: see `chunkflow schema`');
}

/** Adds the flags of everything that compiles generated programs. */
export function addBuildOptions(command: Command): Command {
  return command
    .optionsGroup('How it is built:')
    .addOption(
      new Option(
        '--backend <name>',
        'cuda or host (default: cuda where it can be built and there is a GPU)',
      ).choices(['cuda', 'host']),
    )
    .option('--architectures <list>', 'GPU generations to compile for, such as 90,100 (default: 90)')
    .addOption(
      new Option('--sanitize <what>', 'check the program while it runs').choices(['thread', 'address']),
    )
    .option('--jobs <n>', 'compilers at once', wholeNumber);
}

/** Adds the flags of a measurement; a generated program reads those of the second group itself. */
export function addRunOptions(command: Command): Command {
  return command
    .optionsGroup('How it is run:')
    .option('--in-process', 'in this process, through the addon (default, if the addon can be built)')
    .option('--no-in-process', 'as a process of its own')
    .option('--from <folder>', 'show the results that measure.sh of a bundle wrote, instead of running')
    .option('--out <file>', 'append the records here (default: out/measurements/<program>-<time>.jsonl)')
    .option('--trace <file>', 'write the measured timelines for https://ui.perfetto.dev')
    .optionsGroup('What is measured:')
    .option('--plans <list>', 'numbers of plans, such as 0,3 (default: all)')
    .option('--rounds <n>', 'how often every plan has its turn', wholeNumber)
    .option('--steps <n>', 'recorded steps of a turn', wholeNumber)
    .option('--warm-up <seconds>', 'the most seconds of warm-up')
    .option('--graph', 'measure every plan as a graph too')
    .option('--timeline', 'record when each statement of a step ran')
    .option('--verify', 'check the streamed weights by checksums when they are used')
    .option('--compute <how>', "real, or synthetic: only take the kernels' time")
    .option(
      '--weights <file|folder>',
      "weights from a checkpoint: file, index, its folder or its pipeline's (default: random)",
    )
    .option('--check-weights', 'only check that --weights has every tensor in the right shape')
    .option(
      '--inputs <file>',
      'inputs by name from a safetensors file (default: random); the manifest lists them',
    )
    .option('--seed <n>', 'of random weights and inputs')
    .option('--ranks <how>', 'threads or processes')
    .option('--devices <list>', 'the device of each rank')
    .option('--time-limit <seconds>', 'how long to wait for a step or another rank')
    .option('--pinned-limit <bytes>', 'the most pinned host memory for weights')
    .option('--survey-arena', 'record how fast every part of the pinned weights is copied, on all ranks')
    .addOption(
      new Option(
        '--arena-layout <layout>',
        'order of blocks in pinned memory: the same on all ranks, reversed on odd ones, or by survey',
      ).choices(['same', 'reversed', 'surveyed']),
    )
    .option(
      '--output-steps <n>',
      'steps to the outputs that are compared and saved (default: 3; 1 with --inputs)',
      wholeNumber,
    )
    .option('--save-outputs <folder>', 'keep what every plan computes, a safetensors file each');
}

function collect(value: string, previous: string[] = []): string[] {
  return [...previous, value];
}

function wholeNumber(text: string): number {
  const value = Number(text);
  if (/^\d+$/.test(text) && Number.isSafeInteger(value) && value >= 1) return value;
  throw new InvalidArgumentError('Expected a whole number of at least 1.');
}

function frontPoints(text: string): number {
  const { fewest, most } = FRONT_POINTS;
  const value = Number(text);
  if (/^\d+$/.test(text) && value >= fewest && value <= most) return value;
  throw new InvalidArgumentError(`Expected a whole number from ${fewest} to ${most}.`);
}

import { type Command, Option } from 'commander';
import { ATTENTION_KERNELS, COMPUTE_DTYPES } from '../../model/dit/kinds.ts';
import type { WorkloadQuestion } from '../../model/scenario/question.ts';
import { TOPOLOGIES } from '../../model/system/cards/topologies.ts';
import { EXCHANGE_STYLES, GUIDANCE_MODES } from '../../model/workload/workload.ts';
import { collect, wholeFromOne } from './values.ts';

/** The flags that say what is computed and where, as commander hands them over. */
export type WorkloadFlags = WorkloadQuestion;

/** @param transports what is taken where no transport is named. */
export function addWorkloadOptions(command: Command, transports = "the machine's"): Command {
  return command
    .optionsGroup('What is computed:')
    .option('--model <name|file>', 'diffusion transformer: see `chunkflow models`, or a file')
    .option('--entry <name>', "the catalogue's model that a checkpoint is (default: recognised)")
    .option(
      '--dtype <type>',
      'of weights on the device and over the link: fp8, nf4, ... (default: as stored)',
    )
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
    .option(
      '--reference-image <WxH|none>',
      "an image beside the output's tokens, repeatable (default: the model's usual)",
      collect,
    )
    .option('--blocks <n>', 'only so many blocks, kinds in proportion (default: all)', wholeFromOne)
    .optionsGroup('How it is computed:')
    .addOption(
      new Option('--compute-dtype <dtype>', 'of matrix products (default: bf16)').choices(COMPUTE_DTYPES),
    )
    .addOption(
      new Option('--attention <kernel>', "attention kernel (default: the machine's usual one)").choices(
        ATTENTION_KERNELS,
      ),
    )
    .option('--eager', 'unfused kernels that the host launches one by one (default: compiled)')
    .optionsGroup('Where it runs:')
    .option(
      '--machine <name|file>',
      'see `chunkflow machines`: a machine, a card as in 2xrtx-4090, or a YAML file',
    )
    .option('--gpus <n>', 'of a card: 1 to 8 of them (default: 1)')
    .option('--pcie <GxN>', "of a card: PCIe generation and lanes, such as 4x8 (default: the card's)")
    .option('--topology <name>', `of a card: ${TOPOLOGIES.join(', ')} (default: separate)`)
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

import type { Command } from 'commander';

/** Adds the flags that bring a machine to a step that was measured on it. */
export function addMeasuredOptions(command: Command): Command {
  return command
    .optionsGroup('A step that you measured:')
    .option(
      '--measured <plan=time>',
      'scale compute and collectives so that this plan takes so long, such as none=4602ms',
    )
    .option('--measured-size <WxH[xF]>', 'pixels and frames of that step (default: --size)')
    .option(
      '--measured-collectives <time>',
      'of that step in collectives (default: in proportion to compute)',
    );
}

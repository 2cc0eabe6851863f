import type { Command } from 'commander';
import type { RequestQuestion } from '../../model/scenario/question.ts';
import { wholeFromOne } from './values.ts';

/** The flags that ask for a whole request, as commander hands them over. */
export type RequestFlags = RequestQuestion;

/** Adds the flags that ask for a request of several steps. */
export function addRequestOptions(command: Command): Command {
  return command
    .optionsGroup('A whole request:')
    .option('--steps <n>', 'denoising steps: also prints the time of the whole run', wholeFromOne)
    .option('--before <time>', 'before the first step, such as 1.2s of text encoders (default: 0)')
    .option('--after <time>', "after the last, such as the VAE's 3s (default: 0)")
    .option('--switch <time>', 'one switch between experts (default: copying in what stays on the GPU)');
}

import { processOutput } from './output.ts';
import { run } from './program.ts';

export { processOutput, run };

/** Runs the command line of this process and leaves its exit code. */
export async function start(): Promise<void> {
  // Whoever reads our output may stop early (`| head`); that is no error of ours.
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error;
    process.exit(0);
  });
  process.exitCode = await run(process.argv.slice(2), processOutput);
}

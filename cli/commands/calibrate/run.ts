import { join } from 'node:path';
import {
  bundleCalibration,
  CALIBRATION_FILE,
  calibrate as measure,
} from '../../../studies/calibration/calibrate.ts';
import { buildOptions } from '../../buildOptions.ts';
import { refuseJobFlags } from '../../jobOptions.ts';
import type { Output } from '../../output.ts';
import type { CalibrateFlags } from './command.ts';

/** Measures a machine, or packs what measures it. Returns the exit code. */
export async function run(flags: CalibrateFlags, output: Output): Promise<number> {
  const options = {
    ...{ machine: flags.machine, results: flags.results, rounds: flags.rounds },
    ...(flags.sp === undefined ? {} : { groupSize: flags.sp }),
    ...(flags.transport === undefined ? {} : { transport: flags.transport }),
    quick: flags.quick === true,
    onNote: (text: string) => output.diagnostic(`${text}\n`),
  };
  refuseJobFlags(flags);
  if (flags.slurm) return (await import('./underSlurm.ts')).runUnderSlurm(options, flags, output);
  const file = join(flags.results, CALIBRATION_FILE);
  if (flags.bundle !== undefined) {
    const { bundle: out, withHeaders = false } = flags;
    await bundleCalibration(options, { out, withHeaders });
    output.result(`${out}\n`);
    output.diagnostic(
      `run its measure.sh, put the results into ${flags.results}, then: chunkflow fit ${file}\n`,
    );
    return 0;
  }
  const failures = await measure(options, buildOptions(flags));
  for (const failure of failures) output.diagnostic(`error: ${failure}\n`);
  if (failures.length > 0) return 1;
  output.result(`${file}\n`);
  output.diagnostic(`next: chunkflow fit ${file} --out fitted.yaml\n`);
  return 0;
}

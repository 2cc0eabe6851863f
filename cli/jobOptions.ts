import { UserError } from '../model/input/userError.ts';
import { loadSystem } from '../model/system/load.ts';
import type { JobBuild } from '../studies/jobs/builds.ts';
import type { NodeChoice } from '../studies/jobs/places.ts';
import type { JobOptions } from '../studies/jobs/submit.ts';
import type { BuildFlags } from './flags/build.ts';
import type { JobFlags } from './flags/jobs.ts';
import { refuseWithoutSlurm, slurmOptions } from './flags/slurm.ts';
import type { Output } from './output.ts';
import { ownProgram } from './ownProgram.ts';

/** How the flags want measurements submitted. @param machine whose hosts say how many ranks a node has, where no flag does. */
export function jobOptions(flags: JobFlags & BuildFlags, machine: string, output: Output): JobOptions {
  const onNote = (text: string) => output.diagnostic(`${text}\n`);
  const slurm = slurmOptions(flags);
  if (flags.buildHere === true && slurm.container !== undefined)
    throw new UserError(
      '--build-here and --container: programs that run in an image are compiled in it, by a job; leave --build-here out',
    );
  return {
    slurm,
    build: jobBuild(flags, onNote),
    buildHere: flags.buildHere === true,
    ranksPerNode: flags.ranksPerNode ?? flags.gpusPerNode ?? loadSystem(machine).network?.gpusPerHost ?? null,
    command: (file) => [...ownProgram(), 'job', file],
    onNote,
  };
}

/** What this machine has says nothing of the nodes: the backend is that of what is asked of them. */
function jobBuild(
  { backend, sanitize, architectures, jobs, ...flags }: JobFlags & BuildFlags,
  onNote: JobOptions['onNote'],
): JobBuild {
  const asksForGpus =
    flags.gpusPerNode !== undefined || flags.sbatch?.some((flag) => /^--(gres|gpus)/.test(flag));
  if (backend === undefined && asksForGpus !== true)
    onNote('no GPUs are asked for (--gpus-per-node): programs are built for CPU cores (--backend host)');
  return {
    backend: backend ?? (asksForGpus === true ? 'cuda' : 'host'),
    ...(sanitize === undefined ? {} : { sanitize }),
    ...(architectures === undefined ? {} : { architectures: architectures.split(',') }),
    ...(jobs === undefined ? {} : { jobs }),
  };
}

/** Which nodes the flags want to measure. @throws UserError where they say it twice. */
export function nodeChoice({ eachNode, nodes }: JobFlags): NodeChoice {
  if (eachNode === true && nodes !== undefined)
    throw new UserError('--each-node and --nodes: expected one of them, got both');
  if (eachNode === true) return 'each';
  return nodes === undefined ? 'any' : { list: nodes };
}

/** @throws UserError where a flag that only a scheduler reads is given and `--slurm` is not. */
export function refuseJobFlags(flags: JobFlags): void {
  refuseWithoutSlurm(flags, {
    ...{ 'each-node': flags.eachNode, nodes: flags.nodes },
    ...{ 'ranks-per-node': flags.ranksPerNode, 'build-here': flags.buildHere },
  });
}

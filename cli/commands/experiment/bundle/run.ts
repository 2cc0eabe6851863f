import { UserError } from '../../../../model/input/userError.ts';
import { bundleExperiment, type KubernetesOptions } from '../../../../studies/grid/bundleExperiment.ts';
import { cellsOf, readExperiment } from '../../../../studies/grid/experimentFile.ts';
import type { Output } from '../../../output.ts';
import { chosenCells } from '../chosenCells.ts';
import type { ExperimentBundleFlags } from './command.ts';

/** Packs the programs of an experiment for a machine that has no chunkflow. */
export async function run(file: string, flags: ExperimentBundleFlags, output: Output): Promise<void> {
  const experiment = readExperiment(file);
  const cells = chosenCells(cellsOf(experiment), flags.only);
  const { out, withHeaders } = flags;
  const { files, notes, kubernetes } = await bundleExperiment(experiment, cells, {
    out,
    ...(withHeaders === undefined ? {} : { withHeaders }),
    ...kubernetesOptions(flags),
  });
  for (const note of notes) output.diagnostic(`${note}\n`);
  const written = `${out}: ${cells.length} programs, ${files.length} files; unpack it there and run ./measure.sh\n`;
  if (kubernetes === null) output.result(written);
  else {
    output.diagnostic(written);
    output.result(kubernetes);
  }
}

function kubernetesOptions(flags: ExperimentBundleFlags): { kubernetes?: KubernetesOptions } {
  const { kubernetes, image, claim, nodes, gpusPerNode } = flags;
  if (!kubernetes) {
    const [stray] = Object.entries({
      '--image': image,
      '--claim': claim,
      '--nodes': nodes,
      '--gpus-per-node': gpusPerNode,
    }).find(([, value]) => value !== undefined) ?? [null];
    if (stray !== null) throw new UserError(`${stray}: is of --kubernetes, which is not given; add it`);
    return {};
  }
  if (image === undefined) {
    throw new UserError('--kubernetes: no --image given; name one with a C++ compiler, cmake, CUDA and NCCL');
  }
  return {
    kubernetes: {
      image,
      claim: claim ?? 'chunkflow',
      ...(nodes === undefined ? {} : { nodes }),
      ...(gpusPerNode === undefined ? {} : { gpusPerNode }),
    },
  };
}

import { type PathName, within } from '../../model/system/matrixCell.ts';

/** Paths that agree with the NUMA nodes as far as they can, and what of both did not. */
export interface NumaPaths {
  paths: PathName[][];
  /** Without file and line. */
  contradictions: string[];
}

/**
 * Holds the paths of a matrix against its column of NUMA nodes. Virtual machines report SYS between all GPUs: those of one NUMA node
 * are taken to share it. A path that does not leave the NUMA node stands, whatever the column says: the GPUs share that part.
 */
export function withNumaNodes(
  gpus: readonly string[],
  paths: readonly (readonly PathName[])[],
  numa: readonly (string | null)[],
): NumaPaths {
  const apart: string[] = [];
  const together: string[] = [];
  const agreed = paths.map((row, a) =>
    row.map((path, b): PathName => {
      if (a === b || numa[a] === null || numa[b] === null) return path;
      const isNear = within(path, 'NODE');
      const isSame = numa[a] === numa[b];
      if (isNear === isSame) return path;
      if (a < b) (isSame ? apart : together).push(`${gpus[a]}-${gpus[b]}`);
      return isSame ? 'NODE' : path;
    }),
  );
  const nodes = new Set(numa).size;
  const contradictions: string[] = [];
  if (apart.length > 0)
    contradictions.push(
      `SYS between ${some(apart)}, but NUMA Affinity has them on one node, as virtual machines report; ` +
        `NUMA Affinity is taken: ${nodes} NUMA ${nodes === 1 ? 'node' : 'nodes'}`,
    );
  if (together.length > 0)
    contradictions.push(
      `${some(together)} share a NUMA node by their path, but NUMA Affinity differs; the path is taken, as the slower`,
    );
  return { paths: agreed, contradictions };
}

const MOST_SHOWN = 4;

function some(pairs: readonly string[]): string {
  const rest = pairs.length - MOST_SHOWN;
  return rest > 0 ? `${pairs.slice(0, MOST_SHOWN).join(', ')} and ${rest} more pairs` : pairs.join(', ');
}

import { UserError } from '../../input/userError.ts';
import { bytesOf, parametersOf, tensorsOfBlock } from '../derive.ts';
import type { Dit, DitBlockKind, DitSegment } from '../dit.ts';
import { rowsOfMatrix } from './guessSegments.ts';
import { type CatalogueMatch, type MatchedRun, runParameters } from './matchCatalogue.ts';
import { weigh } from './weigh.ts';
import type { Weight } from './weights.ts';

/** A model of the catalogue, its names included, with the counts and bytes of a checkpoint that has its blocks. */
export function matchedDit(file: string, match: CatalogueMatch, entry: string | undefined): Dit {
  const { dit, blocks, branches, outside, differences, others } = match;
  const kinds = [
    ...branches.map((branch) => ({
      ...kindOf(branch),
      ...{ name: `branch of ${branch.kind.name}`, container: branch.run.container },
    })),
    ...blocks.map(kindOf),
  ];
  const layers = kinds.reduce((sum, { count }) => sum + count, 0);
  if (layers === 0) throw new UserError('has no blocks', { file });
  return {
    ...dit,
    file,
    blocks: kinds,
    experts: 1,
    outsideParameters: parametersOf(outside),
    outsideBytes: bytesOf(outside),
    ...(branches.length === 0 ? {} : { unproved: 'no reference proves the branch beside its blocks' }),
    assumptions: [
      `Every block has the tensors of ${dit.name}${moreText(match)}, so its segments, token counts, text rows and guidance are used.`,
      ...(dit.experts > 1
        ? [`It is one of ${dit.experts} experts of equal shape; the memory of the others is not counted.`]
        : []),
      ...extraNote(match),
      ...(differences.length > 0
        ? [`It is like ${dit.name}, not that model itself: ${differences.join('; ')}.`]
        : []),
      ...branchNote(match),
      ...averageNote(blocks),
      ...(entry === undefined
        ? others.map(({ name, id }) => `${name} fits as well; --entry ${id} takes it.`)
        : []),
    ],
  };
}

function kindOf({ kind, run, extra }: MatchedRun): DitBlockKind {
  const weighed = weigh(kind.segments, run.layers);
  const added = run.layers[0]!.filter(({ name }) => extra.includes(name));
  const segments = added.length === 0 ? weighed : [...weighed, extraSegment(added)];
  return {
    ...kind,
    count: run.layers.length,
    segments,
    parameters: parametersOf(tensorsOfBlock(segments)),
  };
}

/** Matrices that the catalogue's block lacks: their work is counted, over the rows that their names speak of. */
function extraSegment(matrices: readonly Weight[]): DitSegment {
  return {
    ...{
      kind: 'gemm',
      name: 'further projections',
      op: 'other',
      input: 'normed',
      modulation: [],
      reduces: [],
    },
    products: matrices.flatMap(({ name, shape }) =>
      shape.length === 2 ? [{ rows: rowsOfMatrix(name), in: shape[1]!, out: shape[0]! }] : [],
    ),
    tensors: matrices.map(({ name, shape, parameters, bytes }) => ({ name, shape, parameters, bytes })),
  };
}

function moreText({ blocks }: CatalogueMatch): string {
  const more = Math.max(...blocks.map(({ extra }) => extra.length));
  return more === 0 ? '' : ` and up to ${more} matrices more`;
}

function extraNote({ blocks }: CatalogueMatch): string[] {
  if (blocks.every(({ extra }) => extra.length === 0)) return [];
  return [
    'No catalogue model has these blocks; the rows that their further matrices multiply are guessed from names.',
  ];
}

function branchNote({ branches, dit }: CatalogueMatch): string[] {
  if (branches.length === 0) return [];
  const count = branches.reduce((sum, { run }) => sum + run.layers.length, 0);
  const parameters = branches.reduce((sum, { run }) => sum + runParameters(run), 0);
  const lists = [...new Set(branches.map(({ run }) => run.container))].join(', ');
  return [
    `${count} further blocks in ${lists} (${(parameters / 1e9).toFixed(2)} G parameters) have the work of a block of ${dit.name} each; they are taken to run in every pass, before the others.`,
  ];
}

/** Mixed precisions, as some quantisers choose them layer by layer, are averaged over the blocks of a kind. */
function averageNote(blocks: readonly MatchedRun[]): string[] {
  const mixed = blocks.filter(({ run }) => new Set(run.layers.map(bytesOf)).size > 1);
  return mixed.map(({ kind, run }) => {
    const bytes = run.layers.map((layer) => bytesOf(layer));
    const [least, most] = [Math.min(...bytes), Math.max(...bytes)].map((each) => (each / 2 ** 20).toFixed(1));
    return `Blocks of kind ${kind.name} are stored in ${least} to ${most} MiB and taken to weigh their average.`;
  });
}

import { knownLayouts } from '../catalogue.ts';
import type { DitSource } from '../derive.ts';
import type { Dit, DitBlockKind } from '../dit.ts';
import { fusionGroups } from './blockMatrices.ts';
import { compareOutside, SAME_WIDTHS } from './compareOutside.ts';
import {
  type LayerList,
  type LayerRun,
  layerCount,
  matricesOf,
  type SortedWeights,
  sortIntoLayers,
  withFullNames,
} from './layerLists.ts';
import { tile } from './tiling.ts';
import type { Weight } from './weights.ts';

/** Layers of a checkpoint that are a catalogue model's blocks of one kind. */
export interface MatchedRun {
  kind: DitBlockKind;
  run: LayerRun;
  /** Names within a layer of matrices that the kind has none of. */
  extra: readonly string[];
}

/** A catalogue model that a checkpoint is, or is a relative of. */
export interface CatalogueMatch {
  dit: Dit;
  /** In the order of the model's kinds. */
  blocks: readonly MatchedRun[];
  /** Layers of further lists that are blocks of the model with more matrices: VACE, a ControlNet inside of the transformer. */
  branches: readonly MatchedRun[];
  outside: readonly Weight[];
  /** Kinds of the model's blocks whose list the checkpoint has not. */
  missing: readonly DitBlockKind[];
  /** What differs from the catalogue's model; empty where it is that model. */
  differences: readonly string[];
  /** How much of what stands outside the blocks is alike, and whether the counts are: the larger the nearer. */
  score: number;
  /** Further models that fit as well. */
  others: readonly Dit[];
}

/** Beside what `compareOutside` says: equal counts, and a list of blocks that is missing, as in one file of several. */
const SAME_COUNTS = 1;
const MISSING_LIST = -0.75;
/** Parameters of a block that the catalogue's block may lack, as a part of it. */
const MOST_EXTRA = 0.25;

/**
 * The catalogue model whose blocks a network has, by the shapes of matrices alone: fused or split, in any order and under any
 * names. FLUX.1 and HunyuanVideo share their blocks, so what stands outside of them and the counts decide between several;
 * models that fit equally well are in `others`.
 *
 * Where no model has these very blocks, one whose blocks have all but a few of their matrices is taken.
 *
 * @param only id of the one model to compare with.
 */
export function matchCatalogue(weights: readonly Weight[], only?: string): CatalogueMatch | undefined {
  const sorted = sortIntoLayers(weights);
  if (sorted.lists.length === 0) return undefined;
  const layouts = knownLayouts().filter(({ dit }) => only === undefined || dit.entry === only);
  for (const mayLeave of [false, true]) {
    const found = layouts
      .map((source) => compare(source, sorted, mayLeave))
      .filter((candidate) => candidate !== undefined);
    const nearest = (candidate: CatalogueMatch) => [-extraParameters(candidate), candidate.score] as const;
    const isBefore = (a: CatalogueMatch, b: CatalogueMatch) => {
      const [[extraA, scoreA], [extraB, scoreB]] = [nearest(a), nearest(b)];
      return extraA === extraB ? scoreA > scoreB : extraA > extraB;
    };
    const [first, ...rest] = found;
    if (first === undefined) continue;
    const best = rest.reduce(
      (winner, candidate) => (isBefore(candidate, winner) ? candidate : winner),
      first,
    );
    const others = found.filter((candidate) => candidate !== best && !isBefore(best, candidate));
    return { ...best, others: others.map(({ dit }) => dit) };
  }
  return undefined;
}

/**
 * The catalogue's model whose branch a network is, without that model: its layers are blocks of the model with a square projection
 * out of them each, and one into the first, as VACE's and some ControlNets' are. It has fewer of them, and most of what
 * stands outside the model's blocks is not there.
 */
export function branchOf(weights: readonly Weight[]): Dit | undefined {
  const { lists, outside } = sortIntoLayers(weights);
  const isBranch = (source: DitSource) => {
    const { dit } = source;
    const counts = new Set(dit.blocks.map(({ count }) => count));
    if (compareOutside(outside, source).alike > SAME_WIDTHS / 2) return false;
    return lists.some((list) => {
      const runs = branchRuns(list, dit.blocks) ?? [];
      const isProjected = ({ run, extra }: MatchedRun, index: number) =>
        extra.length >= 1 &&
        extra.length <= (index === 0 ? 2 : 1) &&
        run.layers[0]!.every(
          ({ name, shape }) => !extra.includes(name) || shape.every((side) => side === dit.hidden),
        );
      return runs.length > 0 && runs.every(isProjected) && !counts.has(layerCount(list));
    });
  };
  return knownLayouts().find(isBranch)?.dit;
}

/** Parameters of a run of layers. */
export function runParameters({ layers }: LayerRun): number {
  return layers.reduce((sum, layer) => sum + layer.reduce((own, { parameters }) => own + parameters, 0), 0);
}

function extraParameters({ blocks }: CatalogueMatch): number {
  return blocks.reduce(
    (sum, { run, extra }) =>
      sum +
      run.layers[0]!.reduce((own, { name, parameters }) => own + (extra.includes(name) ? parameters : 0), 0),
    0,
  );
}

function compare(
  source: DitSource,
  { lists, outside }: SortedWeights,
  mayLeave: boolean,
): CatalogueMatch | undefined {
  const { dit } = source;
  const containers = [...new Set(dit.blocks.map(({ container }) => container))];
  const options = containers.map((container) => {
    const kinds = dit.blocks.filter((kind) => kind.container === container);
    return lists.flatMap((list) => {
      const runs = matchRuns(list, kinds, mayLeave);
      return runs === undefined ? [] : [{ list, container, runs }];
    });
  });
  const chosen = assign(options);
  if (chosen.length === 0) return undefined;
  const spare = lists.filter((list) => !chosen.some((option) => option.list === list));
  const branched = spare.map((list) => ({ list, runs: branchRuns(list, dit.blocks) }));
  const branches = branched.flatMap(({ runs }) => runs ?? []);
  const rest = [
    ...outside,
    ...branched.flatMap(({ list, runs }) => (runs === undefined ? withFullNames(list) : [])),
  ];
  const blocks = chosen.flatMap(({ runs }) => runs);
  const missing = dit.blocks.filter(({ container }) =>
    chosen.every((option) => option.container !== container),
  );
  const counts = blocks.flatMap(({ kind, run }) =>
    run.layers.length === kind.count
      ? []
      : [`it has ${run.layers.length} blocks of kind ${kind.name}, not ${kind.count}`],
  );
  // A list alone is too little to go by, unless its blocks and their count are the model's.
  if (missing.length > 0 && (mayLeave || counts.length > 0)) return undefined;
  const { alike, differences } = compareOutside(rest, source);
  return {
    ...{ dit, blocks, branches, missing, outside: rest, others: [] },
    differences: [
      ...missing.map(({ name, count }) => `it lacks the ${count} blocks of kind ${name}`),
      ...[...counts, ...differences],
    ],
    score: alike + (counts.length === 0 ? SAME_COUNTS : 0) + (missing.length > 0 ? MISSING_LIST : 0),
  };
}

/** Layers of a list as blocks of some kinds that follow one another, if they are. */
function matchRuns(
  { runs }: LayerList,
  kinds: readonly DitBlockKind[],
  mayLeave: boolean,
): MatchedRun[] | undefined {
  if (runs.length !== kinds.length) return undefined;
  const matched = runs.map((run, index) => matchRun(run, kinds[index]!, mayLeave));
  return matched.every((one) => one !== undefined) ? matched : undefined;
}

function matchRun(run: LayerRun, kind: DitBlockKind, mayLeave: boolean): MatchedRun | undefined {
  const matrices = matricesOf(run.layers[0]!);
  for (const groups of fusionGroups(kind.segments)) {
    const left = tile(
      matrices.map(({ matrix }) => matrix),
      groups,
      mayLeave,
    );
    if (left === undefined) continue;
    const extra = left.map((index) => matrices[index]!.weight);
    const share = extra.reduce((sum, { parameters }) => sum + parameters, 0) / kind.parameters;
    if (share <= MOST_EXTRA) return { kind, run, extra: extra.map(({ name }) => name) };
  }
  return undefined;
}

/** Layers of a spare list as blocks of a model with more matrices, if all of them are. */
function branchRuns({ runs }: LayerList, kinds: readonly DitBlockKind[]): MatchedRun[] | undefined {
  const matched = runs.map((run) =>
    kinds
      .map((kind) => matchRun(run, kind, true))
      .filter((one) => one !== undefined)
      .sort((a, b) => a.extra.length - b.extra.length)
      .at(0),
  );
  return matched.every((one) => one !== undefined) ? matched : undefined;
}

interface Option {
  list: LayerList;
  container: string;
  runs: MatchedRun[];
}

/** A different list for as many of the model's as there are, such that counts agree where they can, then names. */
function assign(options: readonly (readonly Option[])[]): Option[] {
  const [first, ...rest] = options;
  if (first === undefined) return [];
  const whole = [
    ...first.map((option) => [
      option,
      ...assign(rest.map((list) => list.filter((other) => other.list !== option.list))),
    ]),
    assign(rest),
  ];
  const value = (chosen: readonly Option[]) =>
    chosen.reduce(
      (sum, { list, container, runs }) =>
        sum +
        2 * (runs.every(({ kind, run }) => kind.count === run.layers.length) ? 1 : 0) +
        (list.container === container ? 1 : 0),
      0,
    );
  return whole.sort((a, b) => b.length - a.length || value(b) - value(a))[0]!;
}

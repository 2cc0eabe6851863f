import { type ModelList, modelsFormat } from '../../../documents/models.ts';
import { blockCount } from '../../../model/dit/depth.ts';
import { bytesOf, tensorsOfBlock } from '../../../model/dit/derive.ts';
import type { Dit, DitBlockKind, DitSegment } from '../../../model/dit/dit.ts';
import { catalogueIds, loadDit } from '../../../model/dit/load.ts';
import { formatSize, rowsOf } from '../../../model/dit/tokens.ts';
import { UserError } from '../../../model/input/userError.ts';
import { jsonText, type Output } from '../../output.ts';
import { type Column, formatTable } from '../../text/table.ts';
import type { ModelsFlags } from './command.ts';
import { modelText } from './modelText.ts';

type Model = ModelList['models'][number];

const COLUMNS: readonly Column<Model>[] = [
  { header: 'model', value: (model) => model.id },
  { header: 'parameters G', value: (model) => model.parameters / 1e9, digits: 2 },
  { header: 'blocks', value: (model) => model.blocks },
  { header: 'weights GiB', value: (model) => model.weightBytes / 2 ** 30, digits: 1 },
  { header: 'usual size', value: (model) => formatSize(model.reference) },
  { header: 'tokens', value: (model) => model.reference.tokens },
];

/** Lists the catalogue with what a chooser needs, or shows one model. */
export function run(nameOrFile: string | undefined, flags: ModelsFlags, output: Output): void {
  if (nameOrFile !== undefined) {
    showOne(nameOrFile, flags, output);
    return;
  }
  const idle = (['entry', 'dtype'] as const).find((key) => flags[key] !== undefined);
  if (idle !== undefined)
    throw new UserError(`--${idle} ${flags[idle]}: of which model? name one, or leave it out`);
  const document = modelsFormat.parse({
    schema: 'chunkflow/models@1',
    models: catalogueIds().map((id) => describe(loadDit(id))),
  } satisfies ModelList);
  output.result(flags.json ? jsonText(document) : formatTable(COLUMNS, document.models, output.layout));
}

function showOne(nameOrFile: string, { entry, dtype, json }: ModelsFlags, output: Output): void {
  const dit = loadDit(nameOrFile, {
    ...(entry !== undefined && { entry }),
    ...(dtype !== undefined && { dtype }),
  });
  const kinds = dit.blocks.map(describeKind);
  const model = { ...describe(dit), assumptions: [...dit.assumptions], kinds };
  const document = modelsFormat.parse({
    schema: 'chunkflow/models@1',
    models: [model],
  } satisfies ModelList);
  output.result(json ? jsonText(document) : modelText(model, kinds, output.layout));
}

function describeKind({ name, count, segments }: DitBlockKind): NonNullable<Model['kinds']>[number] {
  return {
    ...{ name, count, bytes: bytesOf(tensorsOfBlock(segments)) },
    // Cross-attention's are those of old implementations alone.
    exchanges: segments.filter((segment) => segment.kind === 'exchange' && segment.attention === 'self')
      .length,
    segments: segments.map((segment) => ({
      ...{ name: segment.name, does: doesWhat(segment), bytes: bytesOf(tensorsOfBlock([segment])) },
    })),
  };
}

function doesWhat(segment: DitSegment): string {
  switch (segment.kind) {
    case 'gemm':
      return segment.routed === undefined
        ? `GEMM (${segment.op})`
        : `GEMM (${segment.op}), ${segment.routed.active} of ${segment.routed.experts} experts a row`;
    case 'attention':
      return 'attention';
    case 'elementwise':
      return `elementwise (${segment.op})`;
    case 'exchange':
      return segment.attention === 'self'
        ? `all-to-all ${segment.direction} under SP`
        : `all-to-all ${segment.direction} of cross-attention, with --exchange separate-cross`;
  }
}

function describe(dit: Dit): Model {
  const inBlocks = dit.blocks.reduce((sum, kind) => sum + kind.count * kind.parameters, 0);
  const parameters = (inBlocks + dit.outsideParameters) * dit.experts;
  const blockBytes = dit.blocks.map((kind) => bytesOf(tensorsOfBlock(kind.segments)));
  const weightBytes = dit.blocks.reduce((sum, { count }, index) => sum + count * blockBytes[index]!, 0);
  return {
    id: dit.id,
    name: dit.name,
    modality: dit.modality,
    parameters,
    weightBytes: (weightBytes + dit.outsideBytes) * dit.experts,
    experts: dit.experts,
    blocks: blockCount(dit),
    blockBytes: { min: Math.min(...blockBytes), max: Math.max(...blockBytes) },
    hidden: dit.hidden,
    heads: dit.heads,
    evaluations: dit.guidance.evaluations,
    reference: { ...dit.referenceSize, tokens: rowsOf(dit, dit.referenceSize).x },
  };
}

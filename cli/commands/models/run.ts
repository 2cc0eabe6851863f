import { type ModelList, modelsFormat } from '../../../documents/models.ts';
import { blockCount } from '../../../model/dit/depth.ts';
import { bytesOf, tensorsOfBlock } from '../../../model/dit/derive.ts';
import type { Dit } from '../../../model/dit/dit.ts';
import { catalogueIds, loadDit } from '../../../model/dit/load.ts';
import { formatSize, rowsOf } from '../../../model/dit/tokens.ts';
import { jsonText, type Output } from '../../output.ts';
import { type Column, formatTable } from '../../text/table.ts';

type Model = ModelList['models'][number];

const COLUMNS: readonly Column<Model>[] = [
  { header: 'model', value: (model) => model.id },
  { header: 'parameters G', value: (model) => model.parameters / 1e9, digits: 2 },
  { header: 'blocks', value: (model) => model.blocks },
  { header: 'weights GiB', value: (model) => model.weightBytes / 2 ** 30, digits: 1 },
  { header: 'usual size', value: (model) => formatSize(model.reference) },
  { header: 'tokens', value: (model) => model.reference.tokens },
];

/** Lists the catalogue with what a chooser needs. */
export function run(flags: { json?: boolean }, output: Output): void {
  const document = modelsFormat.parse({
    schema: 'chunkflow/models@1',
    models: catalogueIds().map((id) => describe(loadDit(id))),
  } satisfies ModelList);
  output.result(flags.json ? jsonText(document) : formatTable(COLUMNS, document.models, output.layout));
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

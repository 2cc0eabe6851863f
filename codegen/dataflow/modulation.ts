import type { ElementwiseSegment, GemmSegment } from '../../model/dit/dit.ts';
import type { ModulationSource } from '../../model/dit/operations.ts';
import { whole } from '../escape.ts';
import type { BlockContext, Product } from './blockContext.ts';

const ACTIVATED = 'activated condition';

/**
 * Matrices of the condition: SiLU of it once, then for each source one product or a low-rank pair of them. The vectors wait
 * in buffers for the norms and residuals that they modulate; a timestep vector is added where they are used.
 */
export function emitModulation(block: BlockContext, segment: GemmSegment): void {
  const products = block.products(segment);
  if (segment.modulation.length === 0)
    block.refuse(segment, 'it does not say which vectors its matrices make');
  const used = new Set<Product>();
  const productOf = (tensor: string) => {
    const product = products.find(({ weight }) => weight.name === tensor)!;
    used.add(product);
    return product;
  };
  for (const source of segment.modulation) {
    const last = productOf(source.by);
    if (source.through === null) {
      emitSource(block, source, last, conditionOf(block, segment, source, last.in));
      continue;
    }
    const first = productOf(source.through);
    if (first.out !== last.in) {
      block.refuse(segment, `${source.through} makes ${first.out} elements, ${source.by} takes ${last.in}`);
    }
    const buffer = `low rank ${source.through.replace(/\.weight$/, '')}`;
    block.out.declare(buffer, 1, first.out);
    const condition = conditionOf(block, segment, source, first.in);
    block.gemm(first, first.out, condition, first.in, block.out.at(buffer), first.out, [first]);
    emitSource(block, source, last, block.out.at(buffer));
  }
  const idle = products.find((product) => !used.has(product));
  if (idle !== undefined) block.refuse(segment, `it does not say which vectors ${idle.weight.name} makes`);
}

function emitSource(block: BlockContext, source: ModulationSource, product: Product, from: string): void {
  const { hidden } = block.shape;
  const buffer = `modulation ${source.by.replace(/\.weight$/, '')}`;
  block.out.declare(buffer, 1, product.out);
  block.gemm(product, product.out, from, product.in, block.out.at(buffer), product.out, [product]);
  for (const [index, chunk] of source.chunks.entries()) {
    block.setChunk(chunk, () => [
      block.out.at(buffer, index * hidden),
      source.plusTimestep ? timestep(block, source, index) : 'nullptr',
    ]);
  }
}

/** Tables of modulation vectors, each a sum with the timestep's. */
export function setTables(block: BlockContext, segment: ElementwiseSegment): void {
  const { hidden } = block.shape;
  for (const source of segment.facts.modulation ?? []) {
    if (source.of !== null)
      block.refuse(segment, `${source.by} multiplies the condition; that is op modulation`);
    for (const [index, chunk] of source.chunks.entries()) {
      block.setChunk(chunk, () => [
        `${block.out.weight(source.by)}${index > 0 ? ` + ${whole(index * hidden)}` : ''}`,
        source.plusTimestep ? timestep(block, source, index) : 'nullptr',
      ]);
    }
  }
}

function timestep(block: BlockContext, source: ModulationSource, index: number): string {
  const { hidden } = block.shape;
  return block.out.input('timestep', source.chunks.length * hidden, index * hidden);
}

function conditionOf(
  block: BlockContext,
  segment: GemmSegment,
  source: ModulationSource,
  width: number,
): string {
  const known = block.out.inputs.get('condition');
  if (known !== undefined && known.elements !== width) {
    block.refuse(
      segment,
      `${source.by} takes a condition of ${width} elements, another matrix ${known.elements}`,
    );
  }
  if (source.activation === null) return block.out.input('condition', width);
  if (!block.hasBand(ACTIVATED)) {
    block.out.declare(ACTIVATED, 1, width);
    block.setBand(ACTIVATED, { buffer: ACTIVATED, stride: width });
    block.out.call(
      'activate',
      [
        'Activation::Silu',
        '1',
        whole(width),
        block.out.input('condition', width),
        whole(width),
        block.out.at(ACTIVATED),
        whole(width),
      ],
      'the condition',
    );
  }
  return block.out.at(ACTIVATED);
}

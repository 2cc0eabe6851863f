import type { GemmSegment, Rows } from '../../model/dit/dit.ts';
import { type Band, BF16, type BlockContext, type Product, RESIDUAL_BAND } from './blockContext.ts';
import { firstRow } from './flow.ts';

/** Q, K and V of each stream of rows, and with op `qkv-mlp-in` the MLP's input of the same rows. */
export function emitQkv(block: BlockContext, segment: GemmSegment): void {
  const { shape, out } = block;
  const width = block.localWidth;
  const rows = block.attendedRows;
  const products = block.products(segment);
  const streams = [...new Set(products.map((product) => product.rows))];
  const gathers = shape.sp > 1 && shape.exchange === 'kv-gather';
  const mlp = products.filter(
    ({ out: columns }, index) => placeInStream(products, index) >= 3 && columns > 0,
  );
  const fused = segment.op === 'qkv-mlp-in';
  for (const stream of streams) {
    const own = products.filter((product) => product.rows === stream);
    if (own.length < 3 || own.slice(0, 3).some(({ out: columns }) => columns !== width)) {
      block.refuse(segment, 'there is no kernel for matrices that are not Q, K and V one by one');
    }
  }
  if (fused !== mlp.length > 0 || mlp.length > 1)
    block.refuse(segment, 'there is no kernel for this set of matrices');
  // Attention writes its output beside the MLP's inner activation, so that one product can read both.
  const inner = mlp[0]?.out ?? 0;
  const stride = gathers ? width : 3 * width;
  if (gathers) {
    out.declare('queries', rows, width);
    block.setBand('q', { buffer: 'queries', stride });
    for (const [name, buffer] of [
      ['k', 'keys'],
      ['v', 'values'],
    ] as const) {
      out.declare(buffer, rows * shape.sp, width);
      block.setBand(name, { buffer, stride, perRank: rows * width });
    }
  } else {
    out.declare('qkv', rows, 3 * width);
    for (const [index, name] of (['q', 'k', 'v'] as const).entries()) {
      block.setBand(name, { buffer: 'qkv', stride, column: index * width });
    }
  }
  if (fused) {
    out.declare('attended and inner', rows, width + inner);
    block.setBand('attended', { buffer: 'attended and inner', stride: width + inner });
    block.setBand('inner', { buffer: 'attended and inner', stride: width + inner, column: width });
    block.innerWidth = inner;
  }
  gemms(
    block,
    segment,
    products,
    () => inputOf(block, segment),
    (index) => block.band(['q', 'k', 'v', 'inner'][placeInStream(products, index)]!),
  );
}

function placeInStream(products: readonly Product[], index: number): number {
  return products.slice(0, index).filter(({ rows }) => rows === products[index]!.rows).length;
}

/** Q of the image or video, K and V of the text rows that the step's `context` holds. */
export function emitCrossQkv(block: BlockContext, segment: GemmSegment): void {
  const width = block.localWidth;
  const products = block.products(segment);
  const [q, k, v] = products;
  if (products.length !== 3 || q!.rows !== 'x' || k!.rows !== 't' || v!.rows !== 't') {
    block.refuse(segment, 'a cross-attention takes Q from x rows, K and V from t rows, one matrix each');
  }
  if (block.rows('t') === 0) block.refuse(segment, 'there are no text rows to attend to; give --text-rows');
  block.out.declare('cross queries', block.rows('x'), width);
  block.out.declare('cross keys and values', block.rows('t'), 2 * width);
  block.setBand('cross q', { buffer: 'cross queries', stride: width });
  block.setBand('cross k', { buffer: 'cross keys and values', stride: 2 * width });
  block.setBand('cross v', { buffer: 'cross keys and values', stride: 2 * width, column: width });
  gemms(
    block,
    segment,
    products,
    (rows) => (rows === 't' ? { input: 'context', width: k!.in } : inputOf(block, segment)),
    (index) => block.band(['cross q', 'cross k', 'cross v'][index]!),
  );
}

export function emitMlpInput(block: BlockContext, segment: GemmSegment): void {
  const products = block.products(segment);
  const streams = [...new Set(products.map(({ rows }) => rows))];
  const width = products.filter(({ rows }) => rows === streams[0]).reduce((sum, { out }) => sum + out, 0);
  const rows = streams.reduce(
    (most, stream) => Math.max(most, firstRow(stream, block.shape) + block.rows(stream)),
    0,
  );
  block.out.declare('inner', rows, width);
  block.setBand('inner', { buffer: 'inner', stride: width });
  block.innerWidth = width;
  gemms(
    block,
    segment,
    products,
    () => inputOf(block, segment),
    (index) => {
      const before = products
        .slice(0, index)
        .filter((other) => other.rows === products[index]!.rows)
        .reduce((sum, { out }) => sum + out, 0);
      return { buffer: 'inner', stride: width, column: before, perRank: 0 };
    },
  );
}

/** Products whose outputs the next residual adds to the residual stream; `from` is the band that they read. */
export function emitUpdate(from: string): (block: BlockContext, segment: GemmSegment) => void {
  return (block, segment) => {
    const { hidden } = block.shape;
    block.out.declare('update', block.residualRows, hidden);
    block.setBand('update', { buffer: 'update', stride: hidden });
    gemms(
      block,
      segment,
      block.products(segment),
      () => block.band(from),
      () => block.band('update'),
    );
  };
}

/** Under tensor parallelism a row-parallel product's output is summed over the ranks. */
export function emitReductions(block: BlockContext, segment: GemmSegment): void {
  const { tp } = block.shape;
  for (const reduce of segment.reduces) {
    const rows = block.rows(reduce.rows);
    const bytes = rows * reduce.width * BF16;
    if (bytes % (tp * 16) !== 0) {
      block.refuse(segment, `there is no all-reduce of ${bytes} bytes over ${tp} ranks`);
    }
    block.out.declare('reduction scratch', block.residualRows, reduce.width);
    block.out.addCollective(`${segment.name} all-reduce`, {
      collective: 'all-reduce',
      send: 'reduction scratch',
      recv: 'update',
      offsetBytes: firstRow(reduce.rows, block.shape) * reduce.width * BF16,
      messageBytes: bytes / tp,
    });
  }
}

function inputOf(block: BlockContext, segment: GemmSegment): Band {
  if (segment.input === 'normed') return block.band('normed');
  return { buffer: RESIDUAL_BAND, column: 0, stride: block.shape.hidden, perRank: 0 };
}

/** What a product reads: activations, or a constant of the step. */
type GemmSource = Band | { input: string; width: number };

/** Products over the same rows and input, side by side in memory and in their output, become one. */
function gemms(
  block: BlockContext,
  segment: GemmSegment,
  products: readonly Product[],
  input: (rows: Rows) => GemmSource,
  output: (index: number) => Band,
): void {
  for (let first = 0; first < products.length; ) {
    const product = products[first]!;
    const to = output(first);
    let out = product.out;
    let next = first + 1;
    for (; next < products.length; next += 1) {
      const other = products[next]!;
      const place = output(next);
      const last = products[next - 1]!;
      const follows =
        other.rows === product.rows &&
        other.in === product.in &&
        last.weight.offset + last.weight.bytes === other.weight.offset &&
        (last.bias === null
          ? other.bias === null
          : other.bias !== null && last.bias.offset + last.bias.bytes === other.bias.offset) &&
        place.buffer === to.buffer &&
        place.stride === to.stride &&
        place.perRank === to.perRank &&
        place.column === to.column + out;
      if (!follows) break;
      out += other.out;
    }
    const { rows } = product;
    const source = input(rows);
    const width = 'input' in source ? source.width : source.stride - source.column;
    if (product.in > width || to.column + out > to.stride) {
      block.refuse(
        segment,
        `${product.weight.name} does not fit: rows of ${width} elements for ${product.in}, room for ${to.stride - to.column} of ${out}`,
      );
    }
    const [from, stride] =
      'input' in source
        ? [block.out.input(source.input, block.rows(rows) * source.width, 0, block.rows(rows)), source.width]
        : [block.at(source, rows), source.stride];
    block.gemm(product, out, from, stride, block.at(to, rows), to.stride, products.slice(first, next));
    first = next;
  }
}

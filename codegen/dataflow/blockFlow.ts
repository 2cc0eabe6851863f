import type {
  AttentionSegment,
  Dit,
  DitBlockKind,
  DitSegment,
  ElementwiseSegment,
  ExchangeSegment,
  GemmSegment,
  Rows,
} from '../../model/dit/dit.ts';
import { UserError } from '../../model/input/userError.ts';
import { cString, whole } from '../escape.ts';
import { FlowRecorder, type FlowShape, firstRow, type PlacedTensor } from './flow.ts';

const BF16 = 2;

interface Product {
  rows: Rows;
  in: number;
  out: number;
  weight: PlacedTensor;
  bias: PlacedTensor | null;
}

/** Where Q, K, V and what else the same matrices make stand: buffer, first column, columns from row to row. */
interface Band {
  buffer: string;
  column: number;
  stride: number;
  /** Elements that the own part of a gathered buffer begins at, for each rank. */
  perRank: number;
}

/**
 * What a block of a kind computes, as calls on buffers: follows its segments in order and knows, by their names, what each
 * reads and writes. The names are those that the catalogue uses for all its models (docs/models.md).
 *
 * @throws UserError naming the segment that no kernel does.
 */
export function blockFlow(dit: Dit, kind: DitBlockKind, shape: FlowShape): FlowRecorder {
  const recorder = new FlowRecorder(kind.segments, shape);
  const flow = new BlockFlow(dit, kind, shape, recorder);
  for (const segment of kind.segments) flow.add(segment);
  return recorder;
}

class BlockFlow {
  readonly #dit: Dit;
  readonly #kind: DitBlockKind;
  readonly #shape: FlowShape;
  readonly #out: FlowRecorder;
  /** Vectors of shift, scale, gate, shift, ... and how many of them have been used, per stream of rows. */
  readonly #modulations = new Map<
    string,
    { chunks: number; next: number; at(chunk: number): [string, string] }
  >();
  readonly #bands = new Map<string, Band>();
  #innerWidth = 0;

  constructor(dit: Dit, kind: DitBlockKind, shape: FlowShape, out: FlowRecorder) {
    this.#dit = dit;
    this.#kind = kind;
    this.#shape = shape;
    this.#out = out;
  }

  add(segment: DitSegment): void {
    switch (segment.kind) {
      case 'gemm':
        this.#gemmSegment(segment);
        break;
      case 'elementwise':
        this.#elementwise(segment);
        break;
      case 'attention':
        this.#attention(segment);
        break;
      case 'exchange':
        this.#exchange(segment);
        break;
    }
  }

  #exchange(segment: ExchangeSegment): void {
    if (this.#shape.sp === 1) return;
    if (segment.attention === 'cross') {
      if (this.#shape.exchange === 'separate-cross') this.#refuse(segment, 'exchanged cross-attention');
    } else if (segment.direction === 'in') this.#exchangeIn();
    else this.#exchangeOut();
  }

  #refuse(segment: DitSegment, what = 'this segment'): never {
    throw new UserError(
      `generate: ${this.#dit.name}, ${this.#kind.name} block, segment ${cString(segment.name)}: there is no kernel for ${what}; ` +
        'Wan, FLUX.1, Qwen-Image and HunyuanVideo shapes can be generated',
    );
  }

  #rows(rows: Rows): number {
    return this.#shape.rows.gemm[rows];
  }

  /** Rows of the stream that attention works on: joint rows, or video rows alone. */
  #attendedRows(): number {
    return this.#shape.joined ? this.#rows('j') : this.#rows('x');
  }

  get #localWidth(): number {
    return this.#shape.hidden / this.#shape.tp;
  }

  // --- matrix products

  #gemmSegment(segment: GemmSegment): void {
    const products = this.#productsOf(segment);
    switch (segment.name) {
      case 'modulation':
        this.#modulation(products);
        break;
      case 'qkv':
      case 'qkv and MLP input':
        this.#qkv(segment, products);
        break;
      case 'cross-attention qkv':
        this.#crossQkv(products);
        break;
      case 'attention output':
        this.#toUpdate(products, (rows) => this.#band('attended', rows));
        break;
      case 'attention and MLP output':
        this.#toUpdate(products, (rows) => this.#band('attended', rows));
        break;
      case 'cross-attention output':
        this.#toUpdate(products, (rows) => this.#band('cross attended', rows));
        break;
      case 'MLP input':
        this.#mlpInput(products);
        break;
      case 'MLP output':
        this.#toUpdate(products, (rows) => this.#band('inner', rows));
        break;
      default:
        this.#refuse(segment);
    }
    this.#out.endCompute(segment.name);
    if (this.#shape.tp > 1) this.#reductions(segment);
  }

  #productsOf(segment: GemmSegment): Product[] {
    const matrices = segment.tensors.filter((tensor) => tensor.shape.length === 2);
    return segment.products.map((product, index) => {
      const weight = this.#out.tensor(matrices[index]!.name);
      const biasName = weight.name.replace(/weight$/, 'bias');
      const bias = segment.tensors.some((tensor) => tensor.name === biasName && biasName !== weight.name)
        ? this.#out.tensor(biasName)
        : null;
      const { tp } = this.#shape;
      return {
        rows: product.rows,
        in: product.in / (weight.layout === 'columns' ? tp : 1),
        out: product.out / (weight.layout === 'rows' ? tp : 1),
        weight,
        bias,
      };
    });
  }

  /** Products over the same rows and input, side by side in memory and in their output, become one. */
  #gemms(products: readonly Product[], input: (rows: Rows) => Band, output: (index: number) => Band): void {
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
      this.#gemm(product, out, input(product.rows), to, products.slice(first, next));
      first = next;
    }
  }

  #gemm(product: Product, out: number, from: Band, to: Band, merged: readonly Product[]): void {
    const rows = this.#rows(product.rows);
    const bias = product.bias === null ? 'nullptr' : this.#biasOf(product.bias, product.weight);
    const stems = merged.map(({ weight }) => weight.name.replace(/\.weight$/, '')).join(', ');
    this.#out.call(
      'gemm',
      [
        `{.rows = ${whole(rows)}, .in = ${whole(product.in)}, .out = ${whole(out)}, .inStride = ${whole(from.stride)}, ` +
          `.weightStride = ${whole(product.in)}, .outStride = ${whole(to.stride)}}`,
        this.#bandAt(from, product.rows),
        `b.weight(${product.weight.constant})`,
        bias,
        this.#bandAt(to, product.rows),
      ],
      `[${rows} x ${product.in}] x [${product.in} x ${out}]: ${stems}`,
    );
  }

  /** Behind a sum over ranks a bias may be added once only. */
  #biasOf(bias: PlacedTensor, weight: PlacedTensor): string {
    const expression = `b.weight(${bias.constant})`;
    return weight.layout === 'columns' ? `b.rank == 0 ? ${expression} : nullptr` : expression;
  }

  #bandAt(band: Band, rows: Rows): string {
    if (band.buffer.startsWith('input ')) {
      const name = band.buffer.slice('input '.length);
      return this.#out.input(name, this.#rows(rows) * band.stride, 0, this.#rows(rows));
    }
    return this.#out.at(band.buffer, firstRow(rows, this.#shape) * band.stride + band.column, band.perRank);
  }

  #band(name: string, _rows: Rows): Band {
    const band = this.#bands.get(name);
    if (band === undefined) throw new Error(`${this.#kind.name}: nothing has made ${name} yet`);
    return band;
  }

  #setBand(name: string, band: Partial<Band> & { buffer: string; stride: number }): Band {
    const full = { column: 0, perRank: 0, ...band };
    this.#bands.set(name, full);
    return full;
  }

  #modulation(products: readonly Product[]): void {
    for (const [index, product] of products.entries()) {
      const stream = products.length === 1 ? (this.#shape.joined ? 'j' : 'x') : (['x', 't'] as const)[index]!;
      const buffer = `modulation ${stream}`;
      this.#out.declare(buffer, 1, product.out);
      this.#gemm(
        product,
        product.out,
        { buffer: 'input condition', column: 0, stride: product.in, perRank: 0 },
        { buffer, column: 0, stride: product.out, perRank: 0 },
        [product],
      );
      const { hidden } = this.#shape;
      this.#modulations.set(stream, {
        chunks: product.out / hidden,
        next: 0,
        at: (chunk) => [this.#out.at(buffer, chunk * hidden), 'nullptr'],
      });
    }
  }

  #qkv(segment: GemmSegment, products: readonly Product[]): void {
    const width = this.#localWidth;
    const rows = this.#attendedRows();
    const streams = [...new Set(products.map((product) => product.rows))];
    const gathers = this.#shape.sp > 1 && this.#shape.exchange === 'kv-gather';
    const mlp = products.filter(({ out }, index) => this.#placeInStream(products, index) >= 3 && out > 0);
    const fused = segment.name === 'qkv and MLP input';
    for (const stream of streams) {
      const own = products.filter((product) => product.rows === stream);
      if (own.length < 3 || own.slice(0, 3).some(({ out }) => out !== width)) {
        this.#refuse(segment, 'matrices that are not Q, K and V one by one');
      }
    }
    if (fused !== mlp.length > 0 || mlp.length > 1) this.#refuse(segment, 'this set of matrices');
    // Attention writes its output beside the MLP's inner activation, so that one product can read both.
    const inner = mlp[0]?.out ?? 0;
    const stride = gathers ? width : 3 * width;
    if (gathers) {
      this.#out.declare('queries', rows, width);
      this.#setBand('q', { buffer: 'queries', stride });
      for (const [name, buffer] of [
        ['k', 'keys'],
        ['v', 'values'],
      ] as const) {
        this.#out.declare(buffer, rows * this.#shape.sp, width);
        this.#setBand(name, { buffer, stride, perRank: rows * width });
      }
    } else {
      this.#out.declare('qkv', rows, 3 * width);
      for (const [index, name] of (['q', 'k', 'v'] as const).entries()) {
        this.#setBand(name, { buffer: 'qkv', stride, column: index * width });
      }
    }
    if (fused) {
      this.#out.declare('attended and inner', rows, width + inner);
      this.#setBand('attended', { buffer: 'attended and inner', stride: width + inner });
      this.#setBand('inner', { buffer: 'attended and inner', stride: width + inner, column: width });
      this.#innerWidth = inner;
    }
    this.#gemms(
      products,
      () => this.#band('normed', 'x'),
      (index) => this.#band(['q', 'k', 'v', 'inner'][this.#placeInStream(products, index)]!, 'x'),
    );
  }

  #placeInStream(products: readonly Product[], index: number): number {
    return products.slice(0, index).filter(({ rows }) => rows === products[index]!.rows).length;
  }

  #crossQkv(products: readonly Product[]): void {
    const width = this.#localWidth;
    const [q, k, v] = products;
    if (products.length !== 3 || q!.rows !== 'x' || k!.rows !== 't' || v!.rows !== 't') {
      throw new Error(`${this.#kind.name}: a cross-attention takes Q from x, K and V from t`);
    }
    this.#out.declare('cross queries', this.#rows('x'), width);
    this.#out.declare('cross keys and values', this.#rows('t'), 2 * width);
    this.#setBand('cross q', { buffer: 'cross queries', stride: width });
    this.#setBand('cross k', { buffer: 'cross keys and values', stride: 2 * width });
    this.#setBand('cross v', { buffer: 'cross keys and values', stride: 2 * width, column: width });
    this.#gemms(
      products,
      (rows) =>
        rows === 't'
          ? { buffer: 'input context', column: 0, stride: k!.in, perRank: 0 }
          : this.#band('normed', 'x'),
      (index) => this.#band(['cross q', 'cross k', 'cross v'][index]!, 'x'),
    );
  }

  #mlpInput(products: readonly Product[]): void {
    const streams = [...new Set(products.map(({ rows }) => rows))];
    const width = products.filter(({ rows }) => rows === streams[0]).reduce((sum, { out }) => sum + out, 0);
    const rows = streams.reduce(
      (sum, stream) => Math.max(sum, firstRow(stream, this.#shape) + this.#rows(stream)),
      0,
    );
    this.#out.declare('inner', rows, width);
    this.#setBand('inner', { buffer: 'inner', stride: width });
    this.#innerWidth = width;
    this.#gemms(
      products,
      () => this.#band('normed', 'x'),
      (index) => {
        const before = products
          .slice(0, index)
          .filter((other) => other.rows === products[index]!.rows)
          .reduce((sum, { out }) => sum + out, 0);
        return { buffer: 'inner', stride: width, column: before, perRank: 0 };
      },
    );
  }

  /** A product whose output is added to the residual stream. */
  #toUpdate(products: readonly Product[], from: (rows: Rows) => Band): void {
    const { hidden } = this.#shape;
    this.#out.declare('update', this.#residualRows(), hidden);
    this.#setBand('update', { buffer: 'update', stride: hidden });
    this.#gemms(products, from, () => this.#band('update', 'x'));
  }

  #residualRows(): number {
    return this.#shape.joined ? this.#rows('j') : this.#rows('x');
  }

  /** Under tensor parallelism a row-parallel product's output is summed over the ranks. */
  #reductions(segment: GemmSegment): void {
    for (const reduce of segment.reduces) {
      const rows = this.#rows(reduce.rows);
      const bytes = rows * reduce.width * BF16;
      const { tp } = this.#shape;
      if (bytes % (tp * 16) !== 0) this.#refuse(segment, `an all-reduce of ${bytes} bytes over ${tp} ranks`);
      this.#out.declare('reduction scratch', this.#residualRows(), reduce.width);
      this.#out.addCollective(`${segment.name} all-reduce`, {
        collective: 'all-reduce',
        send: 'reduction scratch',
        recv: 'update',
        offsetBytes: firstRow(reduce.rows, this.#shape) * reduce.width * BF16,
        messageBytes: bytes / tp,
      });
    }
  }

  // --- elementwise

  #elementwise(segment: ElementwiseSegment): void {
    const { name } = segment;
    if (/^(MLP |cross-attention )?norm( and modulate)?$/.test(name)) this.#norm(segment);
    else if (/QK norm/.test(name)) this.#qkNorm(segment);
    else if (/^(MLP |cross-attention )?(gated )?residual$/.test(name)) this.#residual(segment);
    else if (name === 'GELU') this.#gelu(segment);
    else if (name === 'SwiGLU') this.#swiglu(segment);
    else this.#refuse(segment);
    this.#out.endCompute(name);
  }

  #norm(segment: ElementwiseSegment): void {
    const { hidden } = this.#shape;
    this.#out.declare('normed', this.#residualRows(), hidden);
    this.#setBand('normed', { buffer: 'normed', stride: hidden });
    const table = segment.tensors.find((tensor) => tensor.shape.length === 3);
    if (table !== undefined) {
      const chunks = table.shape[1]!;
      this.#modulations.set('x', {
        chunks,
        next: 0,
        at: (chunk) => [
          `${this.#out.weight(table.name)}${chunk > 0 ? ` + ${whole(chunk * hidden)}` : ''}`,
          this.#out.input('timestep', chunks * hidden, chunk * hidden),
        ],
      });
    }
    const affine = segment.tensors.filter((tensor) => tensor.shape.length === 1);
    const tensor = (end: string) => {
      const found = affine.find((candidate) => candidate.name.endsWith(end));
      return found === undefined ? 'nullptr' : this.#out.weight(found.name);
    };
    for (const { rows } of segment.touches) {
      const modulates = segment.name.endsWith('modulate');
      const [shiftA, shiftB] = modulates ? this.#nextChunk(rows) : ['nullptr', 'nullptr'];
      const [scaleA, scaleB] = modulates ? this.#nextChunk(rows) : ['nullptr', 'nullptr'];
      this.#out.call(
        'layerNorm',
        [
          whole(this.#rows(rows)),
          whole(hidden),
          this.#out.residual(rows),
          whole(hidden),
          tensor('weight'),
          tensor('bias'),
          `{.shiftA = ${shiftA}, .shiftB = ${shiftB}, .scaleA = ${scaleA}, .scaleB = ${scaleB}}`,
          this.#bandAt(this.#band('normed', rows), rows),
          whole(hidden),
        ],
        `${this.#rows(rows)} rows of the residual stream`,
      );
    }
  }

  /** The next of a stream's modulation vectors; none where a model has fewer. */
  #nextChunk(rows: Rows): [string, string] {
    const source = this.#modulations.get(rows) ?? (rows === 'j' ? this.#modulations.get('x') : undefined);
    if (source === undefined || source.next >= source.chunks) return ['nullptr', 'nullptr'];
    const chunk = source.next;
    source.next += 1;
    return source.at(chunk);
  }

  #qkNorm(segment: ElementwiseSegment): void {
    const cross = segment.name.startsWith('cross-attention');
    const { hidden, heads, tp } = this.#shape;
    const width = this.#localWidth;
    for (const { rows, elements } of segment.touches) {
      const sides = cross ? (rows === 't' ? ['k'] : ['q']) : ['q', 'k'];
      const rotates = !cross && segment.name.includes('RoPE') && elements >= 4 * hidden * sides.length;
      for (const side of sides) {
        const weight = this.#qkWeight(segment, side, rows);
        const normWidth = weight === undefined ? hidden / heads : weight.shape[0]!;
        if (tp > 1 && normWidth > hidden / heads) {
          this.#refuse(segment, `a norm over all heads under --tp ${tp}, which needs a sum over ranks`);
        }
        const band = this.#band(cross ? `cross ${side}` : side, rows);
        this.#out.call(
          'qkNorm',
          [
            whole(this.#rows(rows)),
            whole(width),
            whole(normWidth),
            whole(hidden / heads),
            this.#bandAt(band, rows),
            whole(band.stride),
            weight === undefined ? 'nullptr' : this.#out.weight(weight.name),
            rotates ? this.#out.rotary(rows) : 'nullptr',
          ],
          `${side.toUpperCase()}: ${this.#rows(rows)} rows${rotates ? ', rotated' : ''}`,
        );
      }
    }
  }

  #qkWeight(segment: ElementwiseSegment, side: string, rows: Rows) {
    const named = (pattern: RegExp) => segment.tensors.find((tensor) => pattern.test(tensor.name));
    const added = rows === 't' ? named(new RegExp(`norm_added_${side}\\.`)) : undefined;
    return added ?? named(new RegExp(`norm_${side}\\.`));
  }

  #residual(segment: ElementwiseSegment): void {
    const { hidden } = this.#shape;
    for (const { rows } of segment.touches) {
      const [gateA, gateB] = segment.name.includes('gated') ? this.#nextChunk(rows) : ['nullptr', 'nullptr'];
      this.#out.call(
        'gatedResidual',
        [
          whole(this.#rows(rows)),
          whole(hidden),
          this.#out.residual(rows),
          whole(hidden),
          this.#bandAt(this.#band('update', rows), rows),
          whole(hidden),
          gateA,
          gateB,
        ],
        `${this.#rows(rows)} rows`,
      );
    }
  }

  #gelu(segment: ElementwiseSegment): void {
    for (const { rows } of segment.touches) {
      const band = this.#band('inner', rows);
      this.#out.call(
        'gelu',
        [whole(this.#rows(rows)), whole(this.#innerWidth), this.#bandAt(band, rows), whole(band.stride)],
        `${this.#rows(rows)} rows, in place`,
      );
    }
  }

  #swiglu(segment: ElementwiseSegment): void {
    const band = this.#band('inner', 'x');
    if (band.buffer !== 'inner') this.#refuse(segment, 'SwiGLU in a block with one fused output');
    const width = this.#innerWidth / 2;
    this.#out.declare('gated', band.buffer === 'inner' ? this.#residualRows() : 0, width);
    for (const { rows } of segment.touches) {
      this.#out.call(
        'swiglu',
        [
          whole(this.#rows(rows)),
          whole(width),
          this.#bandAt(band, rows),
          whole(band.stride),
          this.#bandAt({ buffer: 'gated', column: 0, stride: width, perRank: 0 }, rows),
          whole(width),
        ],
        `${this.#rows(rows)} rows`,
      );
    }
    this.#setBand('inner', { buffer: 'gated', stride: width });
    this.#innerWidth = width;
  }

  // --- attention and the exchanges around it

  #attention(segment: AttentionSegment): void {
    const { hidden, heads, sp, tp, exchange } = this.#shape;
    const headDim = hidden / heads;
    if (segment.width !== hidden) this.#refuse(segment, `attention of width ${segment.width}`);
    if (segment.kv === 't' && segment.q === 'x') {
      this.#out.declare('cross attended', this.#rows('x'), this.#localWidth);
      const out = this.#setBand('cross attended', { buffer: 'cross attended', stride: this.#localWidth });
      this.#attend(
        { queries: this.#rows('x'), keys: this.#rows('t'), heads: heads / tp, headDim },
        this.#band('cross q', 'x'),
        this.#band('cross k', 'x'),
        this.#band('cross v', 'x'),
        out,
      );
    } else if (segment.q !== segment.kv || segment.q === 't') {
      this.#refuse(segment, `attention of ${segment.q} to ${segment.kv}`);
    } else {
      const rows = this.#attendedRows();
      const exchanges = sp > 1 && exchange !== 'kv-gather';
      const width = exchanges ? this.#localWidth / sp : this.#localWidth;
      if (exchanges) {
        this.#out.declare('attended heads', rows * sp, width);
        this.#setBand('attended heads', { buffer: 'attended heads', stride: width });
      } else this.#declareAttended();
      // Gathered keys and values are read from the first rank's on.
      const fromFirst = (name: string) => ({ ...this.#band(name, 'x'), perRank: 0 });
      this.#attend(
        {
          queries: exchanges ? rows * sp : rows,
          keys: sp > 1 ? rows * sp : rows,
          heads: heads / tp / (exchanges ? sp : 1),
          headDim,
        },
        this.#band(exchanges ? 'received q' : 'q', 'x'),
        exchanges ? this.#band('received k', 'x') : fromFirst('k'),
        exchanges ? this.#band('received v', 'x') : fromFirst('v'),
        this.#band(exchanges ? 'attended heads' : 'attended', 'x'),
      );
    }
    this.#out.endCompute(segment.name);
  }

  #declareAttended(): void {
    if (this.#bands.get('attended')?.buffer === 'attended and inner') return;
    this.#out.declare('attended', this.#attendedRows(), this.#localWidth);
    this.#setBand('attended', { buffer: 'attended', stride: this.#localWidth });
  }

  #attend(
    size: { queries: number; keys: number; heads: number; headDim: number },
    q: Band,
    k: Band,
    v: Band,
    out: Band,
  ): void {
    this.#out.call(
      'attention',
      [
        `{.queryRows = ${whole(size.queries)}, .keyRows = ${whole(size.keys)}, .heads = ${whole(size.heads)}, ` +
          `.headDim = ${whole(size.headDim)}, .qStride = ${whole(q.stride)}, .kStride = ${whole(k.stride)}, ` +
          `.vStride = ${whole(v.stride)}, .outStride = ${whole(out.stride)}}`,
        ...[q, k, v, out].map((band) => this.#out.at(band.buffer, band.column, band.perRank)),
      ],
      `${size.queries} queries, ${size.keys} keys, ${size.heads} heads of ${size.headDim}`,
    );
  }

  /** Sharded rows become sharded heads: packed messages, the own one straight to where it will be read. */
  #exchangeIn(): void {
    const { sp, exchange } = this.#shape;
    const rows = this.#attendedRows();
    const width = this.#localWidth;
    if (exchange === 'kv-gather') {
      for (const [name, buffer] of [
        ['K', 'keys'],
        ['V', 'values'],
      ] as const) {
        this.#out.addCollective(`${name} all-gather`, {
          collective: 'all-gather',
          send: buffer,
          recv: buffer,
          offsetBytes: 0,
          messageBytes: rows * width * BF16,
        });
      }
      return;
    }
    const sets = exchange === 'packed' ? [['q', 'k', 'v']] : [['q'], ['k'], ['v']];
    const part = width / sp;
    for (const set of sets) {
      const label = set.join('');
      const message = rows * set.length * part;
      this.#out.declare(`outgoing ${label}`, rows * sp, set.length * part);
      this.#out.declare(`received ${label}`, rows * sp, set.length * part);
      const offsets = set.map((side) => whole(this.#band(side, 'x').column)).join(', ');
      this.#out.call(
        'packHeads',
        [
          `{.rows = ${whole(rows)}, .width = ${whole(width)}, .inStride = ${whole(3 * width)}, .tensors = ${set.length}, ` +
            `.peers = ${whole(sp)}, .self = b.rank, .partOffset = {${offsets}}}`,
          this.#out.at('qkv'),
          this.#out.at(`outgoing ${label}`),
          this.#out.at(`received ${label}`, 0, message),
        ],
        `${sp} messages of [${rows}, ${set.length * part}]`,
      );
      for (const [index, side] of set.entries()) {
        this.#setBand(`received ${side}`, {
          buffer: `received ${label}`,
          stride: set.length * part,
          column: index * part,
        });
      }
    }
    this.#out.endCompute('QKV relayout');
    for (const set of sets) {
      const label = set.join('');
      this.#out.addCollective(
        exchange === 'packed' ? 'QKV all-to-all' : `${label.toUpperCase()} all-to-all`,
        {
          collective: 'all-to-all',
          send: `outgoing ${label}`,
          recv: `received ${label}`,
          offsetBytes: 0,
          messageBytes: rows * set.length * part * BF16,
        },
      );
    }
  }

  #exchangeOut(): void {
    const { sp, exchange } = this.#shape;
    if (exchange === 'kv-gather') return;
    const rows = this.#attendedRows();
    const part = this.#localWidth / sp;
    this.#out.declare('returned', rows * sp, part);
    this.#out.addCollective('output all-to-all', {
      collective: 'all-to-all',
      send: 'attended heads',
      recv: 'returned',
      offsetBytes: 0,
      messageBytes: rows * part * BF16,
    });
    this.#declareAttended();
    const out = this.#band('attended', 'x');
    this.#out.call(
      'unpackHeads',
      [
        `{.rows = ${whole(rows)}, .width = ${whole(this.#localWidth)}, .outStride = ${whole(out.stride)}, .peers = ${whole(sp)}, ` +
          '.self = b.rank}',
        this.#out.at('returned'),
        this.#out.at('attended heads', 0, rows * part),
        this.#out.at(out.buffer, out.column),
      ],
      `${sp} messages of [${rows}, ${part}]`,
    );
    this.#out.endCompute('output relayout');
  }
}

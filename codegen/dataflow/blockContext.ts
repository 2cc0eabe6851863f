import type { Dit, DitBlockKind, DitSegment, GemmSegment, Rows } from '../../model/dit/dit.ts';
import type { ChunkRole, ModulationChunk, Site } from '../../model/dit/operations.ts';
import { UserError } from '../../model/input/userError.ts';
import { cString, whole } from '../escape.ts';
import { type FlowRecorder, type FlowShape, firstRow, type PlacedTensor } from './flow.ts';

export const BF16 = 2;

/** One matrix product of a segment on this rank. */
export interface Product {
  rows: Rows;
  in: number;
  out: number;
  weight: PlacedTensor;
  bias: PlacedTensor | null;
}

/** Where Q, K, V and what else the same matrices make stand: buffer, first column, columns from row to row. */
export interface Band {
  buffer: string;
  column: number;
  stride: number;
  /** Elements that the own part of a gathered buffer begins at, for each rank. */
  perRank: number;
}

/** The residual stream, as a band. */
export const RESIDUAL_BAND = 'residual stream';

/** Two vectors of the hidden width whose sum modulates, as C++ expressions. */
export type VectorPair = readonly [string, string];

export const NO_VECTORS: VectorPair = ['nullptr', 'nullptr'];

/** What the emitters of a block's ops share: sizes, bands of buffers by name, and modulation vectors by what they modulate. */
export class BlockContext {
  readonly dit: Dit;
  readonly kind: DitBlockKind;
  readonly shape: FlowShape;
  readonly out: FlowRecorder;
  /** Columns of the MLP's inner activation. */
  innerWidth = 0;
  readonly #bands = new Map<string, Band>();
  readonly #chunks = new Map<string, () => VectorPair>();

  constructor(dit: Dit, kind: DitBlockKind, shape: FlowShape, out: FlowRecorder) {
    this.dit = dit;
    this.kind = kind;
    this.shape = shape;
    this.out = out;
  }

  /** @throws UserError naming the segment and what of it cannot be generated. */
  refuse(segment: DitSegment, what: string): never {
    throw new UserError(
      `generate: ${this.dit.name}, ${this.kind.name} block, segment ${cString(segment.name)}: ${what}; ` +
        'docs/models.md says what a segment states, docs/runtime.md which models can be generated',
    );
  }

  /** A fact that an op cannot do without. */
  need<T>(segment: DitSegment, fact: T | undefined, name: string): T {
    return fact ?? this.refuse(segment, `it does not say its ${name}`);
  }

  rows(rows: Rows): number {
    return this.shape.rows.gemm[rows];
  }

  /** Rows of the stream that attention works on: joint rows, or video rows alone. */
  get attendedRows(): number {
    return this.shape.joined ? this.rows('j') : this.rows('x');
  }

  get residualRows(): number {
    return this.shape.joined ? this.rows('j') : this.rows('x');
  }

  /** Columns of Q, of K and of V on this rank. */
  get localWidth(): number {
    return this.shape.hidden / this.shape.tp;
  }

  get headDim(): number {
    return this.shape.hidden / this.shape.heads;
  }

  band(name: string): Band {
    const band = this.#bands.get(name);
    if (band === undefined) throw new Error(`${this.kind.name}: nothing has made ${name} yet`);
    return band;
  }

  hasBand(name: string): boolean {
    return this.#bands.has(name);
  }

  setBand(name: string, band: Partial<Band> & { buffer: string; stride: number }): Band {
    const full = { column: 0, perRank: 0, ...band };
    this.#bands.set(name, full);
    return full;
  }

  /** Expression for a band's first element of some rows. */
  at(band: Band, rows: Rows): string {
    if (band.buffer === RESIDUAL_BAND) return this.out.residual(rows);
    return this.out.at(band.buffer, firstRow(rows, this.shape) * band.stride + band.column, band.perRank);
  }

  setChunk({ rows, site, role }: ModulationChunk, vectors: () => VectorPair): void {
    this.#chunks.set(`${rows}.${site}.${role}`, vectors);
  }

  /** The vectors of a site and role for some rows; joint rows' own vectors serve image and text as well. */
  chunk(segment: DitSegment, rows: Rows, site: Site, role: ChunkRole): VectorPair {
    const vectors =
      this.#chunks.get(`${rows}.${site}.${role}`) ??
      (rows === 'j' ? undefined : this.#chunks.get(`j.${site}.${role}`));
    if (vectors === undefined) this.refuse(segment, `no segment makes its ${role} (${rows}.${site}.${role})`);
    return vectors();
  }

  /** Joint rows whose image and text parts are modulated by vectors of their own, as these parts. */
  modulatedParts(rows: Rows, site: Site | undefined, role: ChunkRole): readonly Rows[] {
    const isSplit =
      rows === 'j' &&
      site !== undefined &&
      !this.#chunks.has(`j.${site}.${role}`) &&
      this.#chunks.has(`x.${site}.${role}`) &&
      this.rows('t') > 0;
    return isSplit ? ['x', 't'] : [rows];
  }

  /** A segment's matrix products, with their places on this rank. */
  products(segment: GemmSegment): Product[] {
    if (segment.routed !== undefined) this.refuse(segment, 'there are no kernels that route rows to experts');
    const matrices = segment.tensors.filter((tensor) => tensor.shape.length === 2);
    return segment.products.map((product, index) => {
      const weight = this.out.tensor(matrices[index]!.name);
      const biasName = weight.name.replace(/weight$/, 'bias');
      const bias = segment.tensors.some((tensor) => tensor.name === biasName && biasName !== weight.name)
        ? this.out.tensor(biasName)
        : null;
      const { tp } = this.shape;
      return {
        rows: product.rows,
        in: product.in / (weight.layout === 'columns' ? tp : 1),
        out: product.out / (weight.layout === 'rows' ? tp : 1),
        weight,
        bias,
      };
    });
  }

  /** One call of `gemm`; `merged` are the products that it does at once. */
  gemm(
    product: Product,
    out: number,
    from: string,
    fromStride: number,
    to: string,
    toStride: number,
    merged: readonly Product[],
  ): void {
    const rows = this.rows(product.rows);
    const bias = product.bias === null ? 'nullptr' : this.#biasOf(product.bias, product.weight);
    const stems = merged.map(({ weight }) => weight.name.replace(/\.weight$/, '')).join(', ');
    this.out.call(
      'gemm',
      [
        `{.rows = ${whole(rows)}, .in = ${whole(product.in)}, .out = ${whole(out)}, .inStride = ${whole(fromStride)}, ` +
          `.weightStride = ${whole(product.in)}, .outStride = ${whole(toStride)}}`,
        from,
        `b.weight(${product.weight.constant})`,
        bias,
        to,
      ],
      `[${rows} x ${product.in}] x [${product.in} x ${out}]: ${stems}`,
    );
  }

  /** Behind a sum over ranks a bias may be added once only. */
  #biasOf(bias: PlacedTensor, weight: PlacedTensor): string {
    const expression = `b.weight(${bias.constant})`;
    return weight.layout === 'columns' ? `b.rank == 0 ? ${expression} : nullptr` : expression;
  }
}

import type { DitSegment, GemmSegment, Rows } from '../../model/dit/dit.ts';
import type { CollectiveKind } from '../../model/dit/kinds.ts';
import type { RankRows } from '../../model/workload/rows.ts';
import { type ShardLayout, shardLayout } from '../../model/workload/shards.ts';
import type { ExchangeStyle } from '../../model/workload/workload.ts';
import { comment, constantName, Names, unsigned64, whole } from '../escape.ts';
import type { Buffer } from './buffers.ts';

/** One call of a function of the runtime's compute.hpp. */
export interface Call {
  fn: string;
  /** C++ expressions. */
  args: readonly string[];
  comment: string;
}

/** What one bound segment of a block does. */
export type SegmentFlow =
  | { kind: 'compute'; name: string; calls: readonly Call[] }
  | { kind: 'collective'; name: string; exchange: ExchangeFlow };

/** Buffers of a collective, by name; `messageBytes` go to (or come from) each peer. */
export interface ExchangeFlow {
  collective: CollectiveKind;
  send: string;
  recv: string;
  /** Bytes into the buffers. */
  offsetBytes: number;
  messageBytes: number;
}

/** A parameter tensor where it lies in its block's weights. */
export interface PlacedTensor {
  name: string;
  constant: string;
  offset: number;
  shape: readonly number[];
  layout: ShardLayout;
  /** Widths of concatenated inputs that tensor parallelism divides one by one; empty for one part. */
  parts: readonly number[];
  /** Bytes on this rank. */
  bytes: number;
  scale: number;
  mean: number;
}

export interface FlowShape {
  hidden: number;
  heads: number;
  rows: RankRows;
  sp: number;
  tp: number;
  exchange: ExchangeStyle;
  /** Whether text rows are part of the residual stream. */
  joined: boolean;
}

/** Constants of a step that blocks read, by name: rows and elements on one rank. */
export interface FlowInput {
  name: string;
  rows: number;
  elements: number;
  /** Rows that a rotary table is for; null for anything else. */
  rotaryRows: 'x' | 't' | null;
  /** Whether it has a row for each row of the residual stream, which sequence parallelism divides. */
  byRows: boolean;
}

const BF16 = 2;

/** Where the rows of a kind begin in buffers that hold video or image rows first and text rows behind them. */
export function firstRow(rows: Rows, shape: FlowShape): number {
  return rows === 't' && shape.joined ? shape.rows.gemm.x : 0;
}

/** Collects what a block's calls touch: buffers with their lifetimes, weights, inputs. */
export class FlowRecorder {
  readonly buffers: Buffer[] = [];
  readonly inputs = new Map<string, FlowInput>();
  readonly tensors: PlacedTensor[] = [];
  readonly segments: SegmentFlow[] = [];
  #calls: Call[] = [];
  /** Tensor names come from outside; the prefix keeps them clear of macros. */
  readonly #names = new Names();
  readonly shape: FlowShape;

  constructor(segments: readonly DitSegment[], shape: FlowShape) {
    this.shape = shape;
    this.#placeTensors(segments);
  }

  get weightBytes(): number {
    return this.tensors.reduce((sum, tensor) => sum + tensor.bytes, 0);
  }

  call(fn: string, args: readonly string[], text: string): void {
    this.#calls.push({ fn, args, comment: comment(text) });
  }

  endCompute(name: string): void {
    this.segments.push({ kind: 'compute', name, calls: this.#calls });
    this.#calls = [];
  }

  addCollective(name: string, exchange: ExchangeFlow): void {
    this.#touch(exchange.send);
    this.#touch(exchange.recv);
    this.segments.push({ kind: 'collective', name, exchange });
  }

  /** Declares a [rows, width] tensor of activations; the first touch begins its life, the last one ends it. */
  declare(name: string, rows: number, width: number): void {
    if (this.buffers.some((buffer) => buffer.name === name)) return;
    const now = this.segments.length;
    this.buffers.push({
      name,
      bytes: rows * width * BF16,
      shape: `[${rows}, ${width}]`,
      from: now,
      to: now,
    });
  }

  /** Expression for a place in a declared buffer, in elements from its start; `perRank` is multiplied by the rank. */
  at(name: string, elements = 0, perRank = 0): string {
    this.#touch(name);
    return (
      `b.buffer(${constantName(name)})` +
      (elements > 0 ? ` + ${whole(elements)}` : '') +
      (perRank > 0 ? ` + b.rank * ${unsigned64(perRank)}` : '')
    );
  }

  residual(rows: Rows): string {
    const elements = firstRow(rows, this.shape) * this.shape.hidden;
    return `b.buffer(RESIDUAL)${elements > 0 ? ` + ${whole(elements)}` : ''}`;
  }

  weight(name: string): string {
    return `b.weight(${this.tensor(name).constant})`;
  }

  tensor(name: string): PlacedTensor {
    const tensor = this.tensors.find((candidate) => candidate.name === name);
    if (tensor === undefined) throw new Error(`no tensor ${name}`);
    return tensor;
  }

  /** Expression for element `first` of a constant of the step, [rows, elements / rows], that is the same on every rank. */
  input(name: string, elements: number, first = 0, rows = 1): string {
    this.#addInput({ name, rows, elements, rotaryRows: null, byRows: false });
    return `b.input(${constantName(name)})${first > 0 ? ` + ${whole(first)}` : ''}`;
  }

  /** Expression for a constant of the step with a row for each row of the image on this rank. */
  rowsInput(name: string, width: number): string {
    const rows = this.shape.rows.gemm.x;
    this.#addInput({ name, rows, elements: rows * width, rotaryRows: null, byRows: true });
    return `b.input(${constantName(name)})`;
  }

  /**
   * Expression for the rotary table of some rows, as wide as one head or, where each head turns by angles of its own, as all
   * of them. Joint rows use that of x, which t's follows.
   */
  rotary(rows: Rows, over: 'head' | 'row'): string {
    const { shape } = this;
    const width = over === 'row' ? shape.hidden : shape.hidden / shape.heads;
    const add = (name: string, of: 'x' | 't') => {
      const own = shape.rows.gemm[of];
      this.#addInput({ name, rows: own, elements: own * width, rotaryRows: of, byRows: true });
    };
    if (rows !== 't') add('rotary', 'x');
    if (rows === 't' || (rows === 'j' && shape.rows.gemm.t > 0)) add('rotary text', 't');
    return `b.table(${constantName(rows === 't' ? 'rotary text' : 'rotary')})`;
  }

  #addInput(input: FlowInput): void {
    const known = this.inputs.get(input.name);
    if (known !== undefined && known.elements !== input.elements) {
      throw new Error(
        `input ${input.name} has ${known.elements} elements in one place, ${input.elements} in another`,
      );
    }
    this.inputs.set(input.name, input);
  }

  #touch(name: string): void {
    const buffer = this.buffers.find((candidate) => candidate.name === name);
    if (buffer === undefined) throw new Error(`buffer ${name} is used before it is declared`);
    buffer.to = this.segments.length;
  }

  /** Matrices of a segment stand before its vectors, so that products over the same rows can become one. */
  #placeTensors(segments: readonly DitSegment[]): void {
    const { tp, hidden } = this.shape;
    const norms = normWeights(segments);
    let offset = 0;
    for (const segment of segments) {
      if (!('tensors' in segment)) continue;
      const matrices = segment.tensors.filter((tensor) => tensor.shape.length === 2);
      const others = segment.tensors.filter((tensor) => tensor.shape.length !== 2);
      for (const tensor of [...matrices, ...others]) {
        const layout = tp === 1 ? 'whole' : shardLayout(segment, tensor);
        const bytes = tensor.bytes / (layout === 'whole' ? 1 : tp);
        const isMatrix = segment.kind === 'gemm' && tensor.shape.length === 2;
        this.tensors.push({
          name: tensor.name,
          constant: this.#names.unique(`W_${constantName(tensor.name)}`),
          offset,
          shape: tensor.shape,
          layout,
          parts: layout === 'columns' && tensor.shape[1]! > hidden ? concatenated(segment, hidden) : [],
          bytes,
          scale: isMatrix ? 1 / Math.sqrt(tensor.shape[1]!) : 0.05,
          mean: norms.has(tensor.name) ? 1 : 0,
        });
        offset += bytes;
      }
    }
  }
}

/** Weights of norms are drawn around 1, as trained ones lie. */
function normWeights(segments: readonly DitSegment[]): Set<string> {
  const names = new Set<string>();
  for (const segment of segments) {
    if (segment.kind !== 'elementwise') continue;
    const { norm, q = {}, k = {} } = segment.facts;
    for (const { weight } of [
      ...(norm === undefined ? [] : [norm]),
      ...Object.values(q),
      ...Object.values(k),
    ]) {
      if (weight !== null) names.add(weight);
    }
  }
  return names;
}

/** Inputs that are attention and MLP side by side are divided part by part. */
function concatenated(segment: DitSegment, hidden: number): number[] {
  if (segment.kind !== 'gemm' || segment.op !== 'attention-mlp-out') return [];
  const width = (segment as GemmSegment).products[0]!.in;
  return [hidden, width - hidden];
}

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import vm from 'node:vm';

/** A row of a query's answer, by column. */
export type Row = Record<string, string | number | null>;

/** Numbers of Perfetto's `TraceProcessorRpc` messages (protos/perfetto/trace_processor/trace_processor.proto). */
const METHOD = { append: 1, finalize: 2, query: 3 } as const;
const FIELD = {
  message: 1,
  request: 2,
  fatal: 5,
  traceData: 101,
  queryArgs: 103,
  appendResult: 201,
  queryResult: 203,
} as const;

/**
 * Perfetto's own trace processor, as its page runs it: the WebAssembly and the script of the page's worker, without a browser. All
 * it needs of one is a synchronous read of a file.
 *
 * @param folder of the page's version, as `scripts/perfetto.mjs` installs it.
 */
export class TraceProcessor {
  readonly #answers: Uint8Array[] = [];
  #sequence = 0;
  #send: (bytes: Uint8Array) => void = () => {};

  static async load(folder: string): Promise<TraceProcessor> {
    const processor = new TraceProcessor();
    const worker = workerScope(folder);
    vm.runInContext(readFileSync(join(folder, 'engine_bundle.js'), 'utf8'), worker.context);
    const port: Port = { onmessage: null, postMessage: (bytes) => processor.#answers.push(bytes) };
    worker.scope.onmessage!({ data: port });
    // The module is compiled at once; who waits for it is told in a later turn of the event loop.
    await new Promise((resolve) => setTimeout(resolve, 50));
    // The script takes only what its own realm has made.
    const ofItsRealm = vm.runInContext('(bytes) => Uint8Array.from(bytes)', worker.context) as (
      bytes: Uint8Array,
    ) => Uint8Array;
    processor.#send = (bytes) => port.onmessage!({ data: ofItsRealm(bytes) });
    return processor;
  }

  /** @throws Error with the trace processor's words for a trace that it does not take. */
  open(trace: string): void {
    for (const [method, bytes] of [
      [METHOD.append, Buffer.from(trace)],
      [METHOD.finalize, null],
    ] as const) {
      const result = this.#ask(method, bytes === null ? [] : [lengthDelimited(FIELD.traceData, bytes)]);
      const error = result
        .map((message) => bytesOf(message, FIELD.appendResult))
        .flatMap((answer) => answer.map((one) => textOf(one, 2)));
      if (error.some((text) => text !== '')) throw new Error(error.join(' '));
    }
  }

  /** @throws Error with the trace processor's words for SQL that it does not take. */
  query(sql: string): Row[] {
    const args = lengthDelimited(1, Buffer.from(sql));
    const results = this.#ask(METHOD.query, [lengthDelimited(FIELD.queryArgs, args)]).flatMap((message) =>
      bytesOf(message, FIELD.queryResult),
    );
    const columns = results.flatMap((result) => bytesOf(result, 1).map((name) => name.toString()));
    const error = results.map((result) => textOf(result, 2)).join('');
    if (error !== '') throw new Error(`${sql}: ${error}`);
    const cells = results.flatMap((result) => bytesOf(result, 3).flatMap(cellsOf));
    return Array.from({ length: columns.length === 0 ? 0 : cells.length / columns.length }, (_, row) =>
      Object.fromEntries(columns.map((name, column) => [name, cells[row * columns.length + column]!])),
    );
  }

  #ask(method: number, args: readonly Buffer[]): Buffer[] {
    this.#answers.length = 0;
    this.#sequence += 1;
    const message = Buffer.concat([
      varintField(1, this.#sequence),
      varintField(FIELD.request, method),
      ...args,
    ]);
    this.#send(new Uint8Array(lengthDelimited(FIELD.message, message)));
    const messages = bytesOf(Buffer.concat(this.#answers), FIELD.message);
    const fatal = messages.map((one) => textOf(one, FIELD.fatal)).join('');
    if (fatal !== '') throw new Error(fatal);
    return messages;
  }
}

interface Port {
  onmessage: ((event: { data: Uint8Array }) => void) | null;
  postMessage: (bytes: Uint8Array) => void;
}

interface Scope {
  onmessage?: (event: { data: Port }) => void;
}

/** What the worker's script finds around itself. */
function workerScope(folder: string): { context: vm.Context; scope: Scope } {
  class XMLHttpRequest {
    response: ArrayBuffer = new ArrayBuffer(0);
    #name = '';
    open(_: string, name: string): void {
      this.#name = name;
    }
    send(): void {
      const file = readFileSync(join(folder, this.#name));
      this.response = file.buffer.slice(file.byteOffset, file.byteOffset + file.byteLength) as ArrayBuffer;
    }
  }
  const scope: Scope & Record<string, unknown> = {
    ...{ XMLHttpRequest, TextDecoder, TextEncoder, performance, crypto },
    ...{ setTimeout, clearTimeout, console: { log: () => {}, warn: () => {}, error: () => {} } },
    location: { href: 'http://localhost/' },
    importScripts: () => {},
    WorkerGlobalScope: Object,
  };
  scope.self = scope;
  return { context: vm.createContext(scope), scope };
}

type Field = { number: number; value: number | Buffer };

function* fields(bytes: Buffer): Generator<Field> {
  let at = 0;
  const varint = (): number => {
    let value = 0n;
    for (let shift = 0n; ; shift += 7n) {
      const byte = bytes[at++]!;
      value |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) return Number(BigInt.asIntN(64, value));
    }
  };
  while (at < bytes.length) {
    const key = varint();
    const [number, wire] = [key >>> 3, key & 7];
    if (wire === 0) yield { number, value: varint() };
    else {
      const length = wire === 2 ? varint() : wire === 1 ? 8 : 4;
      yield { number, value: bytes.subarray(at, at + length) };
      at += length;
    }
  }
}

function bytesOf(message: Buffer, number: number): Buffer[] {
  return [...fields(message)].flatMap((field) => (field.number === number ? [field.value as Buffer] : []));
}

function textOf(message: Buffer, number: number): string {
  return bytesOf(message, number).map(String).join('');
}

function packedVarints(bytes: Buffer): number[] {
  const values: number[] = [];
  // Each is a field of its own with a key in front, so that one reader does for both.
  let at = 0;
  while (at < bytes.length) {
    let end = at;
    while (bytes[end]! >= 0x80) end += 1;
    const [field] = fields(Buffer.concat([Buffer.from([8]), bytes.subarray(at, end + 1)]));
    values.push(field!.value as number);
    at = end + 1;
  }
  return values;
}

/** Cells of a batch: their kinds in order, the values of each kind in a list of its own. */
function cellsOf(batch: Buffer): (string | number | null)[] {
  const kinds = bytesOf(batch, 1).flatMap(packedVarints);
  const integers = bytesOf(batch, 2).flatMap(packedVarints);
  const reals = bytesOf(batch, 3).flatMap((bytes) =>
    Array.from({ length: bytes.length / 8 }, (_, index) => bytes.readDoubleLE(index * 8)),
  );
  const strings = textOf(batch, 5).split('\0');
  return kinds.map((kind) => {
    if (kind === 1) return null;
    if (kind === 2) return integers.shift()!;
    if (kind === 3) return reals.shift()!;
    return strings.shift()!;
  });
}

function varintBytes(value: number): Buffer {
  const bytes: number[] = [];
  let rest = value;
  do {
    bytes.push((rest % 128) | (rest >= 128 ? 0x80 : 0));
    rest = Math.floor(rest / 128);
  } while (rest > 0);
  return Buffer.from(bytes);
}

function varintField(number: number, value: number): Buffer {
  return Buffer.concat([varintBytes(number * 8), varintBytes(value)]);
}

function lengthDelimited(number: number, bytes: Uint8Array): Buffer {
  return Buffer.concat([varintBytes(number * 8 + 2), varintBytes(bytes.length), bytes]);
}

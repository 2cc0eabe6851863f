import { readFileSync, statSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import type { CollectiveKind } from '../../../model/dit/kinds.ts';
import { parseJson } from '../../../model/input/jsonFile.ts';
import { shown, UserError } from '../../../model/input/userError.ts';
import type { YamlFile } from '../../../model/input/yamlFile.ts';
import { type Activity, type HostRange, kernelKind, type Trace, type TracedMessage } from './trace.ts';

/** Longer texts do not fit into a string. */
const MOST_BYTES = 500 * 2 ** 20;

type Json = Record<string, unknown>;

/** How PyTorch calls its collectives, beside what blocks may have of them. */
const BY_NAME: Readonly<Record<string, CollectiveKind>> = {
  all_to_all: 'all-to-all',
  all_to_allv: 'all-to-all',
  alltoall: 'all-to-all',
  alltoall_base: 'all-to-all',
  allgather: 'all-gather',
  _allgather_base: 'all-gather',
  allgather_into_tensor_coalesced: 'all-gather',
  allreduce: 'all-reduce',
  allreduce_coalesced: 'all-reduce',
};

/** Bytes of an element by ScalarType; what is not here has no bytes that are known. */
const ELEMENT_BYTES: Readonly<Record<string, number>> = {
  ...{ Byte: 1, Char: 1, Bool: 1, Short: 2, Int: 4, Long: 8 },
  ...{ Half: 2, BFloat16: 2, Float: 4, Double: 8 },
  ...{ Float8_e4m3fn: 1, Float8_e5m2: 1, Float8_e4m3fnuz: 1, Float8_e5m2fnuz: 1, Float8_e8m0fnu: 1 },
};

const LAUNCHES = new Set(['cuda_runtime', 'cuda_driver']);
const RANGES = new Set(['user_annotation', 'python_function']);

/**
 * Reads the trace that PyTorch's profiler exports (Kineto's Chrome JSON), also gzipped.
 *
 * @throws UserError with the place of what is no such JSON, and of an event whose times are no numbers.
 */
export function readKinetoTrace(file: string): Trace {
  const source = parseJson(file, textOf(file), 'export the trace anew with export_chrome_trace');
  const root = source.value as Json;
  const { traceEvents } = isObject(root) ? root : {};
  if (!Array.isArray(traceEvents))
    throw new UserError(
      'traceEvents: is missing; expected the JSON of torch.profiler, by export_chrome_trace',
      source.place([]),
    );
  const events = eventsOf(traceEvents, source);
  const originUs = events.reduce((least, { startUs }) => Math.min(least, startUs), Number.POSITIVE_INFINITY);
  const seconds = (us: number) => (us - originUs) * 1e-6;
  const launches = new Map<number, NonNullable<Activity['launch']>>();
  for (const { cat, args, startUs, thread } of events) {
    const { correlation } = args;
    if (LAUNCHES.has(cat) && typeof correlation === 'number')
      launches.set(correlation, { atS: seconds(startUs), thread });
  }
  const activities: Activity[] = [];
  const ranges: HostRange[] = [];
  for (const { cat, name, args, startUs, endUs, thread } of events) {
    const times = { startS: seconds(startUs), endS: seconds(endUs) };
    if (RANGES.has(cat)) ranges.push({ name, thread, ...times });
    const what = activityKind(cat, name, args);
    if (what === null) continue;
    const launch = launches.get(args.correlation as number) ?? null;
    const device = typeof args.device === 'number' ? args.device : 0;
    activities.push({ name, ...what, ...times, launch, device });
  }
  return {
    ...{ file, tool: 'kineto', at: timeOf(root, originUs), cuda: cudaOf(root) },
    ...{ devices: devicesOf(root), activities, ranges },
  };
}

interface Event {
  cat: string;
  name: string;
  args: Json;
  startUs: number;
  endUs: number;
  thread: string;
}

/** The events that take time, of the categories that are asked for; a trace has a dozen of others. */
function eventsOf(traceEvents: readonly unknown[], source: YamlFile): Event[] {
  const events: Event[] = [];
  for (const [index, event] of traceEvents.entries()) {
    if (!isObject(event) || event.ph !== 'X' || typeof event.cat !== 'string') continue;
    const cat = event.cat.toLowerCase();
    if (!LAUNCHES.has(cat) && !RANGES.has(cat) && !ON_GPU.has(cat)) continue;
    const time = (key: 'ts' | 'dur'): number => {
      const value = Number(event[key]);
      const isTime = typeof event[key] === 'number' || typeof event[key] === 'string';
      if (isTime && Number.isFinite(value) && value >= 0) return value;
      throw new UserError(
        `traceEvents.${index}.${key}: expected microseconds, got ${shown(event[key])}; export the trace anew`,
        source.place(['traceEvents', index, key]),
      );
    };
    const startUs = time('ts');
    events.push({
      ...{ cat, name: String(event.name ?? ''), args: isObject(event.args) ? event.args : {} },
      ...{ startUs, endUs: startUs + time('dur'), thread: `${String(event.pid)}/${String(event.tid)}` },
    });
  }
  return events;
}

const ON_GPU = new Set(['kernel', 'gpu_memcpy', 'gpu_memset']);

function activityKind(
  cat: string,
  name: string,
  args: Json,
): Pick<Activity, 'kind' | 'collective' | 'message'> | null {
  if (cat === 'gpu_memset') return { kind: 'compute', collective: null, message: null };
  if (cat === 'gpu_memcpy') {
    const isInside = /DtoD|Device -> Device/.test(name);
    return { kind: isInside ? 'compute' : 'host-copy', collective: null, message: null };
  }
  if (cat !== 'kernel') return null;
  const byKernel = kernelKind(name);
  if (byKernel.kind === 'compute') return { ...byKernel, message: null };
  const called = args['Collective name'];
  const collective =
    typeof called === 'string'
      ? Object.hasOwn(BY_NAME, called)
        ? BY_NAME[called]!
        : null
      : byKernel.collective;
  return { kind: 'collective', collective, message: messageOf(args) };
}

/** Recorded by PyTorch 2.3 and later, where the process group is NCCL's. */
function messageOf(args: Json): TracedMessage | null {
  const elements = args['In msg nelems'];
  const groupSize = args['Group size'];
  const { dtype } = args;
  if (typeof elements !== 'number' || typeof groupSize !== 'number' || typeof dtype !== 'string') return null;
  if (!Object.hasOwn(ELEMENT_BYTES, dtype)) return null;
  if (!Number.isSafeInteger(elements) || elements < 1) return null;
  if (!Number.isSafeInteger(groupSize) || groupSize < 1) return null;
  return { inputBytes: elements * ELEMENT_BYTES[dtype]!, groupSize };
}

function timeOf({ baseTimeNanoseconds }: Json, originUs: number): string | null {
  if (typeof baseTimeNanoseconds !== 'number' || !Number.isFinite(originUs)) return null;
  const date = new Date(baseTimeNanoseconds / 1e6 + originUs / 1e3);
  return Number.isNaN(date.getTime()) ? null : `${date.toISOString().slice(0, 19)}Z`;
}

/** 12060 is 12.6. */
function cudaOf({ cuda_runtime_version: version }: Json): string | null {
  if (typeof version !== 'number' || !Number.isInteger(version) || version < 1000) return null;
  return `${Math.floor(version / 1000)}.${Math.floor((version % 1000) / 10)}`;
}

function devicesOf({ deviceProperties }: Json): ReadonlyMap<number, string> {
  const names = new Map<number, string>();
  if (!Array.isArray(deviceProperties)) return names;
  for (const device of deviceProperties) {
    if (isObject(device) && typeof device.id === 'number' && typeof device.name === 'string')
      names.set(device.id, device.name);
  }
  return names;
}

function isObject(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function textOf(file: string): string {
  const tooLarge = (bytes: number): UserError =>
    new UserError(
      `has ${bytes} bytes, expected at most ${MOST_BYTES}; record fewer steps, or without with_stack`,
      {
        file,
      },
    );
  try {
    const { size } = statSync(file);
    if (size > MOST_BYTES) throw tooLarge(size);
    const bytes = readFileSync(file);
    const isZipped = bytes[0] === 0x1f && bytes[1] === 0x8b;
    return (isZipped ? unzipped(bytes, file) : bytes).toString('utf8');
  } catch (error) {
    if (error instanceof UserError) throw error;
    const { code } = error as NodeJS.ErrnoException;
    throw new UserError(`cannot be read (${code}); give the path of a trace`, { file });
  }
}

function unzipped(bytes: Buffer, file: string): Buffer {
  try {
    return gunzipSync(bytes, { maxOutputLength: MOST_BYTES });
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw new UserError(
      `cannot be unzipped to at most ${MOST_BYTES} bytes (${code}); export the trace anew, of fewer steps`,
      { file },
    );
  }
}

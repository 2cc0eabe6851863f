import type { CollectiveKind } from '../../../model/dit/kinds.ts';

/** What a trace says of a collective's bytes; null where its tool records none. */
export interface TracedMessage {
  inputBytes: number;
  groupSize: number;
}

/** Something that ran on the GPU. */
export interface Activity {
  name: string;
  /** `collective` of NCCL; `host-copy` between host and device, which is no compute. */
  kind: 'compute' | 'collective' | 'host-copy';
  /** Of a collective that blocks may have; null for others of NCCL, such as a broadcast. */
  collective: CollectiveKind | null;
  message: TracedMessage | null;
  startS: number;
  endS: number;
  /** When the host launched it, and which thread; null where the trace does not say. */
  launch: { atS: number; thread: string } | null;
  device: number;
}

/** A named piece of a host thread's time, such as a module's forward. */
export interface HostRange {
  name: string;
  thread: string;
  startS: number;
  endS: number;
}

/** What two tools record of the same things, in seconds from a start of their own. */
export interface Trace {
  file: string;
  tool: 'kineto' | 'nsys';
  /** UTC, ISO 8601. */
  at: string | null;
  /** Names by number. */
  devices: ReadonlyMap<number, string>;
  /** Of the runtime, such as `12.6`. */
  cuda: string | null;
  activities: readonly Activity[];
  ranges: readonly HostRange[];
}

/** Kernels of NCCL, older and newer, and what they do. */
const NCCL = /^nccl(?:Dev)?Kernel_?(\w*)/;
const BY_KERNEL: readonly (readonly [RegExp, CollectiveKind])[] = [
  // An all-to-all is sends and receives; nothing else in a block is.
  [/^(?:SendRecv|AllToAll)/, 'all-to-all'],
  [/^AllGather/, 'all-gather'],
  [/^AllReduce/, 'all-reduce'],
];

/**
 * What a kernel is by its name.
 *
 * @example kernelKind('ncclDevKernel_AllGather_RING_LL(ncclDevKernelArgsStorage<4096ul>)') // a collective, all-gather
 */
export function kernelKind(name: string): Pick<Activity, 'kind' | 'collective'> {
  const [, does] = NCCL.exec(name) ?? [];
  if (does === undefined) return { kind: 'compute', collective: null };
  const known = BY_KERNEL.find(([pattern]) => pattern.test(does));
  return { kind: 'collective', collective: known?.[1] ?? null };
}

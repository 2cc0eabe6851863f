import { z } from 'zod';
import { COLLECTIVE_KINDS } from '../dit/kinds.ts';
import { KiB, MiB } from '../input/byteUnits.ts';
import { shown, UserError } from '../input/userError.ts';
import { callAloneS } from '../physics/collectivePhases.ts';
import { runningRanks } from '../physics/linkShare.ts';
import { isCpuCores } from '../system/cpuCores.ts';
import type { System } from '../system/system.ts';
import {
  betweenRanks,
  distinctTransports,
  type FlowTransport,
  joins,
  stagesInHostMemory,
  type Transport,
  transportNamed,
} from '../system/transport.ts';

const bytes = z.number().int().positive();
const collective = {
  collective: z.enum(COLLECTIVE_KINDS),
  transport: z.string(),
  sentBytes: bytes.describe('that a rank sends to its peers together'),
  pieceBytes: bytes.nullable().describe('of staged-copy'),
  calls: z.number().int().positive(),
};
const chunks = {
  chunkBytes: bytes,
  chunks: z.number().int().positive(),
  paceS: z.number().min(0),
  gpus: z.number().int().positive().describe('how many ranks copy at once'),
};

/** What one micro-benchmark asks of the device; written beside what it took. */
export const caseParameters = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('copies'), direction: z.enum(['h2d', 'd2h', 'both']), ...chunks }),
  z.strictObject({ kind: z.literal('collective'), ...collective }),
  z.strictObject({ kind: z.literal('together'), ...collective, ...chunks }),
]);

export type CaseParameters = z.output<typeof caseParameters>;
export type CollectiveCase = Extract<CaseParameters, { kind: 'collective' }>;

export interface CaseOptions {
  /** Which of NCCL's transports its environment gives; the machine's default where left out. */
  nccl?: string;
  /** Only what depends on the host: links, host memory and transports, each in a few cases. */
  quick?: boolean;
}

export interface CalibrationCase {
  id: string;
  parameters: CaseParameters;
}

/** The name of a micro-benchmark, by what it asks: nothing else is called so, whatever number of chunks keeps a link busy. */
export function caseId(parameters: CaseParameters): string {
  if (parameters.kind === 'copies') return copiesText(parameters);
  if (parameters.kind === 'collective') return callText(parameters);
  const { chunkBytes, paceS, gpus } = parameters;
  return `${callText(parameters)}/beside/${sizeText(chunkBytes)}${paceText(paceS)}${gpusText(gpus)}`;
}

/** What no calibration asks for, since simulating it would take minutes; null for what one may. */
export function beyondAnyCase(parameters: CaseParameters): string | null {
  if (parameters.kind !== 'collective' && parameters.chunks > MOST_CHUNKS)
    return `chunks: expected at most ${MOST_CHUNKS}, got ${parameters.chunks}`;
  if (parameters.kind === 'copies') return null;
  const { calls, sentBytes, pieceBytes } = parameters;
  if (calls > MOST_CALLS) return `calls: expected at most ${MOST_CALLS}, got ${calls}`;
  if (pieceBytes !== null && sentBytes / pieceBytes > MOST_PIECES)
    return `pieceBytes: expected at least a ${MOST_PIECES}th of the ${sentBytes} sent bytes, got ${pieceBytes}`;
  return null;
}

/** Eight ranks beside chunks of 256 KiB, the most that `calibrationCases` gives, ask for 114,000. */
const MOST_CHUNKS = 200_000;
const MOST_CALLS = 64;
const MOST_PIECES = 10_000;

const CALLS = 6;

/** Bytes of weights that chunks are copied from and to; the largest chunk. */
const BLOCK_BYTES = 256 * MiB;

/**
 * Bytes of weights that a machine's chunks are spread over. Parts of one pinned arena differ by a quarter while several GPUs
 * copy: 16 blocks of the largest chunk are a sample of them. CPU cores have one memory, and laptops little of it.
 */
export function spreadBytes(system: System): number {
  return isCpuCores(system) ? BLOCK_BYTES : 16 * BLOCK_BYTES;
}

const COPY_SIZES = [4 * KiB, 64 * KiB, 256 * KiB, MiB, 4 * MiB, 16 * MiB, 64 * MiB, 256 * MiB];
const LARGE_SIZES = [4 * MiB, 16 * MiB, 64 * MiB, 256 * MiB];
const DIRECTIONS = ['h2d', 'd2h', 'both'] as const;
const SENT_SIZES = [64 * KiB, 256 * KiB, MiB, 4 * MiB, 16 * MiB, 32 * MiB, 96 * MiB];
const NCCL_SENT = [...SENT_SIZES, 128 * KiB, 512 * KiB, 2 * MiB, 8 * MiB, 64 * MiB];
const QUICK_SENT = [256 * KiB, 4 * MiB, 64 * MiB];
/** As much as a block exchanges: links in a host need more to be seen beside copies. */
const QUICK_BESIDE = { inHost: 32 * MiB, overNetwork: 8 * MiB };
const SENT_BESIDE = [8 * MiB, 32 * MiB, 96 * MiB];
const CHUNKS_BESIDE = [256 * KiB, MiB, 4 * MiB, 16 * MiB, 64 * MiB];
const PACES_S = [20e-6, 100e-6];

/**
 * The micro-benchmarks of a machine: copies by size and direction, on one GPU, on all and, of large chunks, on numbers of
 * them between; collectives by size and transport; and both together on a grid of chunk size, pause and message. Machines
 * with one rank have no collectives.
 */
export function calibrationCases(
  system: System,
  groupSize: number,
  { nccl, quick = false }: CaseOptions = {},
): CalibrationCase[] {
  const running = runningRanks(system, groupSize);
  const loading = [...new Set([1, running])];
  const cases: CalibrationCase[] = activeGpus(running).flatMap((gpus) =>
    loading.includes(gpus) && !quick ? copyCases(gpus) : largeCopies(gpus),
  );
  if (groupSize === 1) return cases;
  const of = quick ? quickCollectives : collectiveCases;
  const cells = transportsOf(system, groupSize, nccl).flatMap((transport) =>
    of(system, groupSize, transport, loading),
  );
  return [...cases, ...cells];
}

/**
 * Transports that a calibration measures, as plans name them: the staged ones with each number of CTAs that the machine
 * knows, and one of NCCL's, since its environment decides which one runs.
 *
 * @throws UserError for a transport that NCCL does not carry.
 */
function transportsOf(system: System, groupSize: number, nccl: string | undefined): Transport[] {
  // A name that stands for the usual number of CTAs is the same transport again.
  const staged = distinctTransports(system).filter(
    (one) => stagesInHostMemory(one.carrier) && joins(system, one, groupSize),
  );
  const usual = transportNamed(system, nccl);
  if (!stagesInHostMemory(usual.carrier)) return [...staged, usual];
  if (nccl === undefined) return staged;
  const names = system.transports.filter(({ carrier }) => carrier.by === 'nccl').map(({ name }) => name);
  throw new UserError(
    `transport ${shown(nccl)} is measured anyway; expected one of NCCL's, of which ${system.name} has ${names.join(', ') || 'none'}`,
  );
}

/** How many GPUs copy at once: what their host gives each of them is no line between one and all. */
function activeGpus(ranks: number): number[] {
  if (ranks <= 4) return Array.from({ length: ranks }, (_, index) => index + 1);
  return [...new Set([1, 2, Math.floor(ranks / 2), ranks])];
}

/** What the host gives several GPUs shows in chunks that last longer than the pauses between them. */
function largeCopies(gpus: number): CalibrationCase[] {
  return LARGE_SIZES.flatMap((chunkBytes) =>
    DIRECTIONS.map((direction) =>
      copies({ direction, chunkBytes, chunks: chunksFor(chunkBytes), paceS: 0, gpus }),
    ),
  );
}

function copyCases(gpus: number): CalibrationCase[] {
  const sizes = COPY_SIZES.flatMap((chunkBytes) =>
    DIRECTIONS.map((direction) =>
      copies({ direction, chunkBytes, chunks: chunksFor(chunkBytes), paceS: 0, gpus }),
    ),
  );
  // One copy on an idle engine, and pauses between chunks.
  const single = COPY_SIZES.slice(0, 6).map((chunkBytes) =>
    copies({ direction: 'h2d', chunkBytes, chunks: 1, paceS: 0, gpus }),
  );
  const paced = [MiB, 4 * MiB].flatMap((chunkBytes) =>
    PACES_S.map((paceS) => copies({ direction: 'h2d', chunkBytes, chunks: 128, paceS, gpus })),
  );
  return [...sizes, ...single, ...paced];
}

function copies(parameters: Omit<Extract<CaseParameters, { kind: 'copies' }>, 'kind'>): CalibrationCase {
  const whole = { kind: 'copies', ...parameters } as const;
  return { id: caseId(whole), parameters: whole };
}

function copiesText({
  direction,
  chunkBytes,
  chunks: count,
  paceS,
  gpus,
}: Omit<Extract<CaseParameters, { kind: 'copies' }>, 'kind'>): string {
  return `copies/${direction}/${sizeText(chunkBytes)}x${count}${paceText(paceS)}${gpusText(gpus)}`;
}

/** Enough chunks for the time of each to be seen apart from the start, and few enough to be over soon. */
function chunksFor(chunkBytes: number): number {
  return Math.min(800, Math.max(4, Math.ceil((512 * MiB) / chunkBytes)));
}

function collectiveCases(
  system: System,
  groupSize: number,
  transport: Transport,
  loading: readonly number[],
): CalibrationCase[] {
  const call = callsOf(groupSize, transport);
  const besideCall = callBeside(system, groupSize, transport);
  // NCCL has an algorithm for each kind, ours is one for all; and its protocol changes with the size.
  const isNccl = transport.carrier.by === 'nccl';
  const alone = (isNccl ? NCCL_SENT : SENT_SIZES).map((sent) => callAlone(call('all-to-all', sent)));
  const others = (['all-gather', 'all-reduce'] as const).flatMap((kind) =>
    (isNccl ? NCCL_SENT : [MiB, 32 * MiB]).map((sent) => callAlone(call(kind, sent))),
  );
  const together = SENT_BESIDE.flatMap((sent) =>
    CHUNKS_BESIDE.flatMap((chunkBytes) =>
      (chunkBytes === 4 * MiB ? [0, ...PACES_S] : [0]).flatMap((paceS) =>
        loading.map((gpus) => besideCall(call('all-to-all', sent), { chunkBytes, paceS, gpus })),
      ),
    ),
  );
  return [...alone, ...others, ...together];
}

/** Enough to refresh what depends on the host: each transport at three sizes, and one message beside chunks of two sizes. */
function quickCollectives(
  system: System,
  groupSize: number,
  transport: Transport,
  loading: readonly number[],
): CalibrationCase[] {
  const call = callsOf(groupSize, transport);
  const besideCall = callBeside(system, groupSize, transport);
  const alone = QUICK_SENT.map((sent) => callAlone(call('all-to-all', sent)));
  const sentBeside = isOverNetwork(transport) ? QUICK_BESIDE.overNetwork : QUICK_BESIDE.inHost;
  // With one GPU only, a third size makes up for the cases in which the others copy as well.
  const chunks = loading.length > 1 ? [MiB, 16 * MiB] : [MiB, 4 * MiB, 16 * MiB];
  const together = chunks.flatMap((chunkBytes) =>
    loading.map((gpus) => besideCall(call('all-to-all', sentBeside), { chunkBytes, paceS: 0, gpus })),
  );
  return [...alone, ...together];
}

function isOverNetwork(transport: Transport): transport is FlowTransport {
  return transport.kind === 'flow' && transport.path === 'network';
}

function callsOf(groupSize: number, transport: Transport) {
  const pieceBytes = transport.kind === 'staged-copy' ? transport.pieceBytes : null;
  return (collective: CollectiveCase['collective'], sentBytes: number) => ({
    ...{ collective, transport: transport.name, sentBytes: sentBytes * (groupSize - 1) },
    ...{ pieceBytes, calls: CALLS },
  });
}

function callAlone(call: Omit<CollectiveCase, 'kind'>): CalibrationCase {
  return { id: callText(call), parameters: { kind: 'collective', ...call } };
}

/** The slowest that calls within a host are likely to be beside copies, bytes/s: chunks must outlast the calls. */
const SLOW_CALL = 8e9;
const FAST_COPY = 56e9;
/** Over a network, times the machine's own call: copies lengthen it, and a machine that nobody measured promises too much. */
const LONGER = 4;

/** Calls beside as many chunks as outlast them. */
function callBeside(system: System, groupSize: number, transport: Transport) {
  const flow = isOverNetwork(transport) ? betweenRanks(transport, groupSize) : null;
  const likelyS = (call: Omit<CollectiveCase, 'kind'>): number => {
    const inHostS = call.sentBytes / SLOW_CALL + 50e-6;
    if (flow === null) return inHostS;
    return Math.max(inHostS, LONGER * callAloneS(system, flow, call, groupSize));
  };
  return (
    call: Omit<CollectiveCase, 'kind'>,
    { chunkBytes, paceS, gpus }: { chunkBytes: number; paceS: number; gpus: number },
  ): CalibrationCase => {
    const outlasting = Math.ceil((call.calls * likelyS(call)) / (chunkBytes / FAST_COPY + paceS));
    const chunks = Math.min(MOST_CHUNKS, Math.max(8, outlasting));
    const parameters = { kind: 'together', ...call, chunkBytes, chunks, paceS, gpus } as const;
    return { id: caseId(parameters), parameters };
  };
}

function callText({ collective: kind, transport, sentBytes }: Omit<CollectiveCase, 'kind'>): string {
  return `${kind}/${transport}/${sizeText(sentBytes)}`;
}

function sizeText(size: number): string {
  return size >= MiB ? `${size / MiB}MiB` : `${size / KiB}KiB`;
}

function paceText(paceS: number): string {
  return paceS === 0 ? '' : `/pace${Math.round(paceS * 1e6)}us`;
}

function gpusText(gpus: number): string {
  return gpus === 1 ? '' : `/${gpus}gpus`;
}

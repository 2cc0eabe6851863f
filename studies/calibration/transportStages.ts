import { median } from 'simple-statistics';
import { COLLECTIVE_KINDS, type CollectiveKind } from '../../model/dit/kinds.ts';
import { MiB } from '../../model/input/byteUnits.ts';
import { linkRateAllLoading, runningRanks } from '../../model/physics/linkShare.ts';
import type { System } from '../../model/system/system.ts';
import {
  betweenRanks,
  carrierByName,
  distinctTransports,
  type FlowTransport,
} from '../../model/system/transport.ts';
import type { CaseReading } from './readings.ts';
import { type CaseStage, type DerivedNumber, micros, plain, rate, type Values } from './stage.ts';

/** A transport between a number of ranks, and where the machine file has the numbers of such a group. */
interface Measured {
  transport: FlowTransport;
  groupSize: number;
  /** Begins the keys of its collectives and of its start-up: `transports.shm`, or `transports.shm.ranks.2`. */
  prefix: string;
  /** Ends its names where the calibration has groups of several sizes. */
  suffix: string;
  /** Whether its readings are to say how much of what it stages reaches host memory. */
  showsHostShare: boolean;
}

/** Two GPUs' copies and collectives together leave host memory room, so that nothing is seen of it. */
const LEAST_GROUP = 3;
const LEAST_SHARE = 0.02;

/** What a stage may ask of the machine file. */
export type HasKey = (key: string) => boolean;

/**
 * Stages of the transports that were measured: each alone, then beside copies. The numbers of the largest group are those
 * that the machine file has for groups of any size; smaller ones get numbers of their own.
 */
export function transportStages(
  system: System,
  readings: readonly CaseReading[],
  has: HasKey,
  hostOnly: boolean,
): CaseStage[] {
  const measured = distinctTransports(system).flatMap((transport) =>
    transport.kind === 'flow' ? measuredGroups(transport, system, readings, has) : [],
  );
  const kernels = [...new Set(measured.map(({ groupSize }) => groupSize))].flatMap((groupSize) => {
    const group = measured.filter(
      ({ transport, groupSize: size }) => transport.carrier.by === 'kernel' && size === groupSize,
    );
    return group.length === 0 ? [] : [stagedSmAlone(group, hostOnly)];
  });
  const nccl = measured.filter(({ transport }) => transport.carrier.by === 'nccl');
  const stagedCopy = system.transports.find((transport) => transport.kind === 'staged-copy');
  return [
    ...kernels,
    ...nccl.map((of) => ncclAlone(of, readings, has)),
    ...measured.map((of) => besideCopies(of, readings, has, hostOnly)),
    ...(stagedCopy === undefined ? [] : [stagedCopyFromCache(system), ...stagedCopyAlone(stagedCopy)]),
  ];
}

function measuredGroups(
  transport: FlowTransport,
  system: System,
  readings: readonly CaseReading[],
  has: HasKey,
): Measured[] {
  const sizes = [
    ...new Set(
      readings.flatMap(({ parameters, groupSize }) =>
        parameters.kind !== 'copies' && parameters.transport === transport.name ? [groupSize] : [],
      ),
    ),
  ].sort((a, b) => b - a);
  const base = keyOf(transport);
  // Over a network what a smaller group gets follows from its routes: it has no numbers of its own.
  const fitted = transport.path === 'network' ? sizes.slice(0, 1) : sizes;
  return fitted.map((groupSize, index) => {
    const own = `${base}.ranks.${groupSize}`;
    return {
      transport: betweenRanks(transport, groupSize),
      groupSize,
      prefix: index === 0 && !has(own) ? base : own,
      suffix: fitted.length === 1 ? '' : ` of ${groupSize}`,
      showsHostShare: index === 0 && transport.path === 'host' && fillsHost(system, groupSize),
    };
  });
}

/** Whether so many ranks fill host memory together, so that how much reaches it is seen. */
function fillsHost(system: System, groupSize: number): boolean {
  const isLimited = system.tree.some(({ memory }) => memory !== null && Number.isFinite(memory.bytesPerS));
  return isLimited && groupSize >= LEAST_GROUP;
}

function keyOf({ name, carrier }: FlowTransport): string {
  return carrier.by === 'kernel' ? `transports.staged-sm.ctas.${carrier.ctas}` : `transports.${name}`;
}

/**
 * The kernel with each number of CTAs: a rate for each, one start-up, and one rate at which pipelines fill. While one fills
 * nothing comes back, so its bytes cross the link at that rate twice, out and in. What filling costs is a number of the
 * largest group's readings alone.
 */
function stagedSmAlone(group: readonly Measured[], hostOnly: boolean): CaseStage {
  const { suffix } = group[0]!;
  const isBase = group.every(({ transport, prefix }) => prefix === keyOf(transport));
  const rateOf = ({ transport }: Measured) => `rate ${transport.name}${suffix}`;
  return {
    of: 'cases',
    name: `staged-sm alone${suffix}`,
    parameters: [
      micros(
        `latency${suffix}`,
        10e-6,
        isBase ? ['transports.staged-sm.latency'] : group.map(({ prefix }) => `${prefix}.latency`),
      ),
      ...(isBase && !hostOnly ? [rate('filling', 50e9, [])] : []),
      ...group.map((of) =>
        rate(rateOf(of), of.transport.collectives['all-to-all'].bytesPerS, [`${of.prefix}.all-to-all.rate`]),
      ),
    ],
    derived: (values, system) =>
      group.flatMap((of): DerivedNumber[] => [
        ...hostShareAlone(of, rateOf(of)),
        ...(isBase ? fillCost(of, values, rateOf(of)) : fractions(of, 'all-to-all', system, rateOf(of))),
      ]),
    readings: (reading) =>
      group.some((of) => isCall(reading, of, 'all-to-all') || isCall(reading, of, 'all-gather')),
  };
}

/**
 * While a transport is fitted by itself its rate is what was measured, as if nothing of it reached host memory. How much does is seen
 * beside copies; where nothing is seen of it, it stays so.
 */
function hostShareAlone(of: Measured, rateName: string): DerivedNumber[] {
  if (!of.showsHostShare) return [];
  const assumed = 'assumed: copies beside it showed nothing of what it stages in host memory';
  return [{ key: hostShareKey(of), unit: 'plain', value: LEAST_SHARE, of: [rateName], assumed }];
}

function hostShareKey({ transport }: Measured): string {
  return `${keyOf(transport)}.hostShare`;
}

function fillCost({ prefix }: Measured, values: Values, rateName: string): DerivedNumber[] {
  const { filling } = values;
  if (filling === undefined) return [];
  const value = Math.max(0, (2 * values[rateName]!) / filling - 1);
  return [{ key: `${prefix}.fillCost`, unit: 'plain', value, of: ['filling', rateName] }];
}

/** NCCL by itself: a start-up, and a rate for each kind of collective that was measured. */
function ncclAlone(of: Measured, readings: readonly CaseReading[], has: HasKey): CaseStage {
  const { transport, prefix, suffix } = of;
  const rateOf = (kind: CollectiveKind) =>
    `rate ${transport.name}${kind === 'all-to-all' ? '' : ` ${kind}`}${suffix}`;
  const kinds = COLLECTIVE_KINDS.filter((kind) =>
    readings.some((reading) => reading.side === 'fit' && isCall(reading, of, kind)),
  );
  return {
    of: 'cases',
    name: `${transport.name} alone${suffix}`,
    parameters: [
      micros(`${transport.name} latency${suffix}`, transport.latencyS, [`${prefix}.latency`]),
      ...kinds.map((kind) =>
        rate(rateOf(kind), transport.collectives[kind].bytesPerS, [`${prefix}.${kind}.rate`]),
      ),
    ],
    derived: (_, system) => [
      ...kinds.slice(0, 1).flatMap((kind) => hostShareAlone(of, rateOf(kind))),
      ...kinds.flatMap((kind) => (has(`${prefix}.${kind}`) ? [] : fractions(of, kind, system, rateOf(kind)))),
    ],
    readings: (reading) => kinds.some((kind) => isCall(reading, of, kind)),
  };
}

/** What is left of a kind of collective beside copies as the machine has it, for a section that needs it beside a rate. */
function fractions(
  { transport, groupSize, prefix }: Measured,
  kind: CollectiveKind,
  system: System,
  rateName: string,
): DerivedNumber[] {
  const { besideH2d } = numbersOf(system, transport.name, groupSize).collectives[kind];
  const number = (name: 'collective' | 'h2d'): DerivedNumber => ({
    ...{ key: `${prefix}.${kind}.besideH2d.${name}`, unit: 'plain', of: [rateName] },
    value: besideH2d[name],
  });
  return [number('collective'), number('h2d')];
}

function numbersOf(system: System, name: string, groupSize: number): FlowTransport {
  const found = system.transports.find((transport) => transport.name === name) as FlowTransport;
  return betweenRanks(found, groupSize);
}

function isCall({ parameters, groupSize }: CaseReading, of: Measured, kind: CollectiveKind): boolean {
  return (
    parameters.kind === 'collective' &&
    parameters.transport === of.transport.name &&
    parameters.collective === kind &&
    groupSize === of.groupSize
  );
}

/** The least that a collective and H2D keep of their rates together: the link is never left idle. */
const LEAST_KEPT = 1.001;
const MOST_KEPT = 0.99;

/**
 * What a transport and H2D move beside each other. The rates themselves are fitted, not the fractions that the machine file
 * has: fractions would carry the errors of the rates alone.
 */
function besideCopies(
  of: Measured,
  readings: readonly CaseReading[],
  has: HasKey,
  hostOnly: boolean,
): CaseStage {
  const { transport, groupSize, prefix, suffix } = of;
  const start = startsBeside(of, readings);
  const collective = `beside H2D: ${transport.name}${suffix}`;
  const h2d = `beside ${transport.name}: H2D${suffix}`;
  const beside = `${prefix}.all-to-all.besideH2d`;
  const spare = `spare beside ${transport.name}${suffix}`;
  const ofCollective = rate(collective, start.collectiveBytesPerS, []);
  const ofH2d = rate(h2d, start.h2dBytesPerS, []);
  const pause = hostOnly ? [] : [micros(`gap ${transport.name}${suffix}`, 10e-6, [`${beside}.gap`])];
  const share = `host share of ${transport.name}${suffix}`;
  const reaching = of.showsHostShare
    ? [{ ...plain(share, 0.3, LEAST_SHARE, 1, 'logit', [hostShareKey(of)]), refusedAt: LEAST_SHARE }]
    : [];
  return {
    of: 'cases',
    name: `${transport.name}${suffix} beside copies`,
    parameters: [ofCollective, ofH2d, ...reaching, ...pause],
    alternatives: [
      // The same as a share of what a full link leaves H2D up to all of its own rate: a search for the rate itself may run to where
      // the link says what H2D gets, from which no reading calls it back.
      [ofCollective, plain(spare, 0.5, 0, 1, 'logit', []), ...reaching, ...pause],
      // A link that both fill leaves H2D what the collective does not take.
      [ofCollective, ...reaching, ...pause],
    ],
    derived: (values, system) => {
      const alone = numbersOf(system, transport.name, groupSize).collectives['all-to-all'].bytesPerS;
      const kept = Math.min(MOST_KEPT, (values[collective]! * 1e9) / alone);
      const [h2dAlone] = linkRateAllLoading(system, runningRanks(system, groupSize));
      const rest = Math.max(0, LEAST_KEPT - kept);
      const beyond = (MOST_KEPT - rest) * (values[spare] ?? 0);
      const keptOfH2d = Math.min(MOST_KEPT, Math.max(((values[h2d] ?? 0) * 1e9) / h2dAlone!, rest + beyond));
      const of = [collective, ...[h2d, spare].filter((name) => values[name] !== undefined)];
      const isThere = (key: string) => system.provenance.some((entry) => entry.key === key);
      // The exchange's fractions stand in for those of kinds that nobody has measured beside copies.
      const kinds = COLLECTIVE_KINDS.filter(
        (kind) =>
          kind === 'all-to-all' || (isThere(`${prefix}.${kind}.rate`) && !has(`${prefix}.${kind}.besideH2d`)),
      );
      const numbers = kinds.flatMap((kind): DerivedNumber[] => [
        { key: `${prefix}.${kind}.besideH2d.collective`, unit: 'plain', value: kept, of },
        { key: `${prefix}.${kind}.besideH2d.h2d`, unit: 'plain', value: keptOfH2d, of },
      ]);
      const rateKey = `${prefix}.all-to-all.rate`;
      // Readings of the exchange alone may have refused its rate; fractions cannot stand without one.
      return isThere(rateKey)
        ? numbers
        : [...numbers, { key: rateKey, unit: 'GB/s', value: alone / 1e9, of }];
    },
    readings: ({ parameters, groupSize: size }) =>
      parameters.kind === 'together' && parameters.transport === transport.name && size === groupSize,
  };
}

/**
 * Where the search begins: what the longest chunks and calls measured of both, which pauses and start-ups matter least to; the machine
 * file's numbers where there are none. From far away a search may end where no reading calls it back.
 */
function startsBeside(
  { transport, groupSize }: Measured,
  readings: readonly CaseReading[],
): { collectiveBytesPerS: number; h2dBytesPerS: number } {
  const { bytesPerS, besideH2d } = transport.collectives['all-to-all'];
  const of = readings.flatMap((reading) => {
    const { parameters } = reading;
    const isOf =
      parameters.kind === 'together' && parameters.transport === transport.name && parameters.paceS === 0;
    return isOf && reading.side === 'fit' && reading.groupSize === groupSize
      ? [{ ...reading, parameters }]
      : [];
  });
  const longest = Math.max(...of.map(({ parameters }) => parameters.chunkBytes));
  const found = (quantity: CaseReading['quantity'], rateOf: (reading: (typeof of)[number]) => number) => {
    const rates = of
      .filter((reading) => reading.quantity === quantity && reading.parameters.chunkBytes === longest)
      .map(rateOf);
    return rates.length === 0 ? null : median(rates);
  };
  return {
    collectiveBytesPerS:
      found('callS', ({ parameters, measured }) => parameters.sentBytes / measured) ??
      besideH2d.collective * bytesPerS,
    h2dBytesPerS: found('h2dBytesPerS', ({ measured }) => measured) ?? besideH2d.h2d * 55e9,
  };
}

/** Where a search for the cache begins: a server CPU has some tens of MiB to a few hundred. */
const CACHE_BYTES = 48 * MiB;

/**
 * How much of what copy engines stage is read from the CPU's cache, where so many ranks exchange that host memory would bind. Calls
 * beside copies that leave them no pause are about time slices of the engines and not of it; an all-reduce is two exchanges.
 */
function stagedCopyFromCache(system: System): CaseStage {
  const cache = { name: 'staged-copy cache', unit: 'MiB', keys: ['transports.staged-copy.cache'] } as const;
  return {
    of: 'cases',
    name: 'staged-copy from the cache',
    parameters: [
      { ...cache, start: CACHE_BYTES / MiB, low: 0.1, high: 10_000, scale: 'log', refusedAt: 0.1 },
    ],
    readings: ({ parameters, quantity, groupSize }) =>
      parameters.kind !== 'copies' &&
      carrierByName(parameters.transport) === 'copy-engines' &&
      parameters.collective !== 'all-reduce' &&
      quantity !== 'firstCallS' &&
      fillsHost(system, groupSize),
  };
}

/** Small messages decide the start-up, large ones what each piece costs. */
function stagedCopyAlone(transport: { latencyS: number; flagS: number }): CaseStage[] {
  const few = (sentBytes: number) => sentBytes <= 4 * MiB;
  const stage = (
    name: string,
    parameter: CaseStage['parameters'][number],
    isOf: (sentBytes: number) => boolean,
  ): CaseStage => ({
    of: 'cases',
    name,
    parameters: [parameter],
    // An all-reduce is two exchanges and a sum, which one rate does not describe.
    readings: ({ parameters }) =>
      parameters.kind === 'collective' &&
      carrierByName(parameters.transport) === 'copy-engines' &&
      parameters.collective !== 'all-reduce' &&
      isOf(parameters.sentBytes),
  });
  return [
    stage(
      'staged-copy, few pieces',
      micros('staged-copy latency', transport.latencyS, ['transports.staged-copy.latency']),
      few,
    ),
    stage(
      'staged-copy, many pieces',
      micros('staged-copy flag', transport.flagS, ['transports.staged-copy.flag']),
      (sentBytes) => !few(sentBytes),
    ),
  ];
}

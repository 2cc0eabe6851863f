import type { Power, System } from '../../model/system/system.ts';
import { distinctTransports, type FlowTransport, type Transport } from '../../model/system/transport.ts';
import { ELEMENTWISE_KERNELS, type SegmentClass } from '../../model/workload/workload.ts';
import type { MachineUnit } from './machineValues.ts';
import type { CaseReading, SegmentReading } from './readings.ts';

/** A parameter of a fit, and the machine file's numbers that it stands for. */
export interface StageParameter {
  name: string;
  unit: MachineUnit;
  /** In the unit. */
  start: number;
  low: number;
  high: number;
  scale: 'log' | 'logit' | 'linear';
  /** Keys that take its value as it is; none where `entries` of the stage makes them of several parameters. */
  keys: readonly string[];
}

type Values = Readonly<Record<string, number>>;

interface StageBase {
  name: string;
  parameters: readonly StageParameter[];
  /** Numbers made of several parameters, by key; the system has what earlier stages found. */
  derived?: (values: Values, system: System) => { key: string; unit: MachineUnit; value: number }[];
}

/** Parameters that are fitted together, and the readings that decide them. */
export type Stage =
  | (StageBase & { of: 'cases'; readings: (reading: CaseReading) => boolean })
  | (StageBase & { of: 'segments'; readings: (reading: SegmentReading) => boolean });

const MiB = 1024 * 1024;

/**
 * What is fitted, in order: what runs alone first, then what shares a link, then compute. Each stage takes what the ones
 * before it found as given, so that an isolated number is never bent to explain a contention.
 */
export function stagesFor(system: System): Stage[] {
  const { copyEngine } = system.gpu;
  const gpu = system.gpus[0]!;
  const transports = distinctTransports(system).filter(isKernel);
  const stagedCopy = system.transports.find((transport) => transport.kind === 'staged-copy');
  return [
    {
      of: 'cases',
      name: 'copies alone',
      parameters: [
        rate('h2d', copyEngine.h2dBytesPerS, ['gpu.copyEngine.h2d', `tree.${gpu}.down`]),
        rate('d2h', copyEngine.d2hBytesPerS, ['gpu.copyEngine.d2h', `tree.${gpu}.up`]),
        micros('startUp', copyEngine.startUpS, ['gpu.copyEngine.startUp']),
        micros('gap', copyEngine.gapS, ['gpu.copyEngine.gap']),
        micros('paceOverhead', copyEngine.paceOverheadS, ['gpu.copyEngine.paceOverhead']),
      ],
      readings: ({ parameters }) => parameters.kind === 'copies' && parameters.direction !== 'both',
    },
    {
      of: 'cases',
      name: 'both directions',
      parameters: [rate('duplex', 1.85 * copyEngine.h2dBytesPerS, [`tree.${gpu}.duplex`])],
      readings: ({ parameters }) =>
        parameters.kind === 'copies' && parameters.direction === 'both' && parameters.chunkBytes >= MiB,
    },
    ...(transports.length === 0 ? [] : [stagedSmAlone(transports)]),
    ...transports.map(besideCopies),
    ...(stagedCopy === undefined ? [] : stagedCopyAlone(stagedCopy)),
    ...compute(system),
    ...(system.gpu.power === null ? [] : [power(system.gpu.power)]),
  ];
}

/**
 * The kernel with each number of CTAs: a rate for each, one start-up, and one rate at which pipelines fill. While one fills
 * nothing comes back, so its bytes cross the link at that rate twice, out and in.
 */
function stagedSmAlone(transports: readonly KernelTransport[]): Stage {
  const rateOf = (transport: FlowTransport) => `rate ${transport.name}`;
  return {
    of: 'cases',
    name: 'staged-sm alone',
    parameters: [
      micros('latency', 10e-6, ['transports.staged-sm.latency']),
      rate('filling', 50e9, []),
      ...transports.map((transport) =>
        rate(rateOf(transport), transport.collectives['all-to-all'].bytesPerS, [
          `${keyOf(transport)}.all-to-all.rate`,
        ]),
      ),
    ],
    derived: (values) =>
      transports.map((transport) => ({
        key: `${keyOf(transport)}.fillCost`,
        unit: 'plain' as const,
        value: Math.max(0, (2 * values[rateOf(transport)]!) / values.filling! - 1),
      })),
    readings: ({ parameters }) => transports.some(({ name }) => isAlone(parameters, name)),
  };
}

/** An all-reduce is two exchanges and a sum, which one rate does not describe. */
function isAlone(parameters: CaseReading['parameters'], transport: string): boolean {
  return (
    parameters.kind === 'collective' &&
    parameters.transport === transport &&
    parameters.collective !== 'all-reduce'
  );
}

/** The least that a collective and H2D keep of their rates together: the link is never left idle. */
const LEAST_KEPT = 1.001;

/**
 * What a transport and H2D move beside each other. The rates themselves are fitted, not the fractions that the machine file
 * has: fractions would carry the errors of the rates alone.
 */
function besideCopies(transport: KernelTransport): Stage {
  const { bytesPerS, besideH2d } = transport.collectives['all-to-all'];
  const collective = `beside H2D: ${transport.name}`;
  const h2d = `beside ${transport.name}: H2D`;
  const beside = `${keyOf(transport)}.all-to-all.besideH2d`;
  return {
    of: 'cases',
    name: `${transport.name} beside copies`,
    parameters: [
      rate(collective, besideH2d.collective * bytesPerS, []),
      rate(h2d, besideH2d.h2d * 55e9, []),
      micros(`gap ${transport.name}`, 10e-6, [`${beside}.gap`]),
    ],
    derived: (values, system) => {
      const same = system.transports.find(({ name }) => name === transport.name) as FlowTransport;
      const kept = Math.min(0.99, (values[collective]! * 1e9) / same.collectives['all-to-all'].bytesPerS);
      const keptOfH2d = Math.min(0.99, (values[h2d]! * 1e9) / system.gpu.copyEngine.h2dBytesPerS);
      return [
        { key: `${beside}.collective`, unit: 'plain', value: kept },
        {
          key: `${beside}.h2d`,
          unit: 'plain',
          value: Math.min(0.99, Math.max(keptOfH2d, LEAST_KEPT - kept)),
        },
      ];
    },
    readings: ({ parameters }) => parameters.kind === 'together' && parameters.transport === transport.name,
  };
}

/** Small messages decide the start-up, large ones what each piece costs. */
function stagedCopyAlone(transport: { latencyS: number; flagS: number }): Stage[] {
  const few = (sentBytes: number) => sentBytes <= 4 * MiB;
  const stage = (name: string, parameter: StageParameter, isOf: (sentBytes: number) => boolean): Stage => ({
    of: 'cases',
    name,
    parameters: [parameter],
    readings: ({ parameters }) =>
      isAlone(parameters, 'staged-copy') && parameters.kind === 'collective' && isOf(parameters.sentBytes),
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

/** Device memory first, since it bounds matrix products as well. */
function compute({ gpu }: System): Stage[] {
  const { efficiency, attentionTiles, traffic } = gpu;
  const stage = (of: SegmentClass, parameters: StageParameter[]): Stage => ({
    of: 'segments',
    name: of,
    parameters: [...parameters, micros(`${of} overhead`, 5e-6, [`gpu.kernelOverhead.${of}`])],
    readings: ({ sustained, segment }) => !sustained && segment.class === of,
  });
  const fraction = (name: string, start: number, key: string) =>
    // Attention on CPU cores reaches a tenth of their peak.
    plain(name, start, Math.min(0.2, start / 5), 0.99, 'logit', [`gpu.${key}`]);
  return [
    // What a byte takes and how many there are cannot both be told: the machine file's rate stands.
    stage(
      'elementwise',
      ELEMENTWISE_KERNELS.map((kernel) =>
        plain(`${kernel} traffic`, traffic[kernel], 0.05, 8, 'log', [`gpu.traffic.${kernel}`]),
      ),
    ),
    stage('gemm', [fraction('gemm efficiency', efficiency.gemm, 'efficiency.gemm')]),
    stage('attention', [
      fraction('attention efficiency', efficiency.attention, 'efficiency.attention'),
      ...(attentionTiles === null
        ? []
        : [
            fraction('ragged attention', attentionTiles.ragged, 'attentionTiles.ragged'),
            micros('attention tile', 1e-6, ['gpu.attentionTiles.overhead']),
          ]),
    ]),
  ];
}

/** What segments that were sustained reveal: at part duty what power they draw, at full duty what the cap does to them. */
function power({ idleW, joulesPerFlop, energyExponent, usefulClock }: Power): Stage {
  return {
    of: 'segments',
    name: 'power',
    parameters: [
      { name: 'idle', unit: 'W', start: idleW, low: 20, high: 400, scale: 'log', keys: ['gpu.power.idle'] },
      picojoules('gemm', joulesPerFlop.gemm),
      picojoules('attention', joulesPerFlop.attention),
      plain('energy exponent', energyExponent, 0.1, 4, 'log', ['gpu.power.energyExponent']),
      plain('useful gemm clock', usefulClock.gemm || 0.9, 0.4, 0.999, 'logit', [
        'gpu.power.usefulClock.gemm',
      ]),
      plain('useful attention clock', usefulClock.attention || 0.9, 0.4, 0.999, 'logit', [
        'gpu.power.usefulClock.attention',
      ]),
    ],
    readings: ({ sustained }) => sustained,
  };
}

function picojoules(of: 'gemm' | 'attention', joules: number): StageParameter {
  const start = joules * 1e12;
  return {
    ...{ name: `${of} energy`, unit: 'pJ/FLOP', start, low: start / 5, high: start * 5, scale: 'log' },
    keys: [`gpu.power.${of}`],
  };
}

type KernelTransport = FlowTransport & { carrier: { by: 'kernel' } };

function isKernel(transport: Transport): transport is KernelTransport {
  return transport.carrier.by === 'kernel';
}

function keyOf({ carrier }: KernelTransport): string {
  return `transports.staged-sm.ctas.${carrier.ctas}`;
}

function rate(name: string, bytesPerS: number, keys: readonly string[]): StageParameter {
  const start = bytesPerS / 1e9;
  return { name, unit: 'GB/s', start, low: start / 5, high: start * 5, scale: 'log', keys };
}

function micros(name: string, seconds: number, keys: readonly string[]): StageParameter {
  return { name, unit: 'us', start: Math.max(0.5, seconds * 1e6), low: 0.05, high: 500, scale: 'log', keys };
}

function plain(
  name: string,
  start: number,
  low: number,
  high: number,
  scale: StageParameter['scale'],
  keys: readonly string[],
): StageParameter {
  return { name, unit: 'plain', start, low, high, scale, keys };
}

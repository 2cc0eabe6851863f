import { type CollectiveKind, SEGMENT_CLASSES } from '../../../model/dit/kinds.ts';
import { copyRates } from '../../../model/physics/rates.ts';
import { withD2hNumbers, withH2dNumbers } from '../../../model/physics/variants/h2dRate.ts';
import { portBytesPerS, withNetworkRate } from '../../../model/physics/variants/networkRate.ts';
import { withCollectiveRates } from '../../../model/physics/variants/scaled.ts';
import type { Plan } from '../../../model/plan/plan.ts';
import type { CopyEngine, Gpu, System } from '../../../model/system/system.ts';
import { type FlowTransport, transportNamed, transportOf } from '../../../model/system/transport.ts';
import { collectiveIn, type Workload } from '../../../model/workload/workload.ts';
import { NETWORK_RATE, RATE_SYMBOLS } from './symbols.ts';

/** A number of a machine that a step depends on. */
export interface MachineParameter {
  name: string;
  /** How expressions call it. */
  quantity: string;
  /** In SI units. */
  value: number;
  unit: ParameterUnit;
  /** The machine with this number times a factor, all its other numbers as they are. */
  times(factor: number): System;
}

/** What a parameter is shown in, and how many SI units that is. */
export interface ParameterUnit {
  name: string;
  si: number;
}

const GB_PER_S: ParameterUnit = { name: 'GB/s', si: 1e9 };
const TFLOP_PER_S: ParameterUnit = { name: 'TFLOP/s', si: 1e12 };
const MICROSECOND: ParameterUnit = { name: 'us', si: 1e-6 };
const PERCENT: ParameterUnit = { name: '%', si: 0.01 };

/**
 * The numbers of a machine file that a plan's step may depend on: the rates and times of its compute, copies and collectives.
 *
 * A link's rate is the copy engine's and that of the links above it, moved together. What collectives and copies keep beside
 * each other are fractions of their rates, as in the machine file, and stay.
 */
export function machineParameters(workload: Workload, system: System, plan: Plan): MachineParameter[] {
  return [
    ...linkParameters(workload, system, plan),
    ...collectiveParameters(workload, system, plan),
    ...(workload.from === 'profile' ? measuredParameters(system) : computeParameters(system)),
    ...copyParameters(system),
  ];
}

function linkParameters({ ranks }: Workload, system: System, plan: Plan): MachineParameter[] {
  const { h2d, d2h } = copyRates(system, ranks);
  const down: MachineParameter = {
    ...{ name: 'H2D rate', quantity: 'h2d', value: h2d, unit: GB_PER_S },
    times: (factor) => withH2dNumbers(system, factor),
  };
  if (ranks === 1 || transportNamed(system, plan.transport).kind === 'flow') return [down];
  const up: MachineParameter = {
    ...{ name: 'D2H rate', quantity: 'd2h', value: d2h, unit: GB_PER_S },
    times: (factor) => withD2hNumbers(system, factor),
  };
  return [down, up];
}

function collectiveParameters(workload: Workload, system: System, plan: Plan): MachineParameter[] {
  if (workload.ranks === 1) return [];
  const transport = transportOf(system, plan.transport, workload.ranks);
  const withTransport = (changed: System['transports'][number]): System => ({
    ...system,
    transports: system.transports.map((other) => (other.name === transport.name ? changed : other)),
  });
  const latency: MachineParameter = {
    ...{ name: 'collective latency', quantity: 'latency', value: transport.latencyS, unit: MICROSECOND },
    times: (factor) => withTransport({ ...transport, latencyS: transport.latencyS * factor }),
  };
  if (transport.kind !== 'flow') return [latency];
  const kinds = usedKinds(workload).filter((kind) => mayBind(system, transport, kind));
  const rates = kinds.map(
    (kind): MachineParameter => ({
      ...{ name: `${kind} rate`, quantity: RATE_SYMBOLS[kind], unit: GB_PER_S },
      value: transport.collectives[kind].bytesPerS,
      times: (factor) => withTransport(withRateTimes(transport, kind, factor)),
    }),
  );
  return [...(transport.path === 'network' ? networkParameters(system) : []), ...rates, latency];
}

/** NICs and switches, moved together. */
function networkParameters(system: System): MachineParameter[] {
  return [
    {
      ...{ name: 'NIC rate', quantity: NETWORK_RATE, value: portBytesPerS(system), unit: GB_PER_S },
      times: (factor) => withNetworkRate(system, factor),
    },
  ];
}

/** Whether a transport's own rate can hold anything back: over a network that gives less, it holds nobody. */
function mayBind(system: System, { path, collectives }: FlowTransport, kind: CollectiveKind): boolean {
  if (path !== 'network') return true;
  const nics = system.network!.nics.get(system.gpus[0]!)!.length;
  return collectives[kind].bytesPerS < nics * portBytesPerS(system);
}

function usedKinds({ blocks }: Workload): CollectiveKind[] {
  const kinds = blocks.flatMap(({ segments }) =>
    segments.flatMap((segment) => collectiveIn(segment)?.collective ?? []),
  );
  return [...new Set(kinds)];
}

function withRateTimes(transport: FlowTransport, of: CollectiveKind, factor: number): FlowTransport {
  return withCollectiveRates(transport, (rate, kind) =>
    kind === of ? { ...rate, bytesPerS: rate.bytesPerS * factor } : rate,
  );
}

function computeParameters(system: System): MachineParameter[] {
  const { gpu } = system;
  const withGpu = (changed: Partial<Gpu>): System => ({ ...system, gpu: { ...gpu, ...changed } });
  const efficiencies = SEGMENT_CLASSES.map(
    (of): MachineParameter => ({
      ...{ name: `${of} efficiency`, quantity: of, value: gpu.efficiency[of], unit: PERCENT },
      times: (factor) => withGpu({ efficiency: { ...gpu.efficiency, [of]: gpu.efficiency[of] * factor } }),
    }),
  );
  return [
    ...efficiencies,
    {
      ...{ name: 'peak compute', quantity: 'peak', value: gpu.peakFlops, unit: TFLOP_PER_S },
      times: (factor) => withGpu({ peakFlops: gpu.peakFlops * factor }),
    },
    {
      ...{ name: 'device memory rate', quantity: 'hbm', value: gpu.hbmBytesPerS, unit: GB_PER_S },
      times: (factor) => withGpu({ hbmBytesPerS: gpu.hbmBytesPerS * factor }),
    },
  ];
}

/** Compute that was measured depends on no efficiency and no peak. */
function measuredParameters(system: System): MachineParameter[] {
  const { computeSpeed } = system.gpu;
  return [
    {
      ...{ name: 'compute speed', quantity: 'speed', value: computeSpeed, unit: PERCENT },
      times: (factor) => ({ ...system, gpu: { ...system.gpu, computeSpeed: computeSpeed * factor } }),
    },
  ];
}

function copyParameters(system: System): MachineParameter[] {
  const { gpu } = system;
  const withEngine = (changed: Partial<CopyEngine>): System => ({
    ...system,
    gpu: { ...gpu, copyEngine: { ...gpu.copyEngine, ...changed } },
  });
  const { startUpS, gapS } = gpu.copyEngine;
  return [
    {
      ...{ name: 'copy start-up', quantity: 'startUp', value: startUpS, unit: MICROSECOND },
      times: (factor) => withEngine({ startUpS: startUpS * factor }),
    },
    {
      ...{ name: 'gap between chunks', quantity: 'gap', value: gapS, unit: MICROSECOND },
      times: (factor) => withEngine({ gapS: gapS * factor }),
    },
  ];
}

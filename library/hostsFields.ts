import type { Prediction } from '../documents/prediction.ts';
import { collectiveLimit } from '../model/physics/collectiveLimit.ts';
import { type Call, isNetworkFlow, phasesOf } from '../model/physics/collectivePhases.ts';
import { spreadOf } from '../model/physics/rankGroups.ts';
import { pairRates } from '../model/physics/rates.ts';
import type { System } from '../model/system/system.ts';
import { transportOf } from '../model/system/transport.ts';
import { collectiveIn, type Workload } from '../model/workload/workload.ts';

type HostsFields = NonNullable<Prediction['machine']['betweenHosts']>;

/** The collectives of a workload that leave a host, each once: how fast they are, what limits them, and what prefetch costs them. */
export function hostsFields(workload: Workload, system: System, transport: string): HostsFields | null {
  const { ranks } = workload;
  const flow = ranks > 1 && system.network !== null ? transportOf(system, transport, ranks) : null;
  if (flow?.kind !== 'flow') return null;
  const calls = new Map<string, Call>();
  for (const segment of [...new Set(workload.blocks)].flatMap(({ segments }) => segments)) {
    const call = collectiveIn(segment);
    if (call !== null) calls.set(JSON.stringify([call.collective, call.members, call.toNeighbour]), call);
  }
  return [...calls.values()].flatMap((call) =>
    phasesOf(system, flow, call, ranks).flatMap((phase) => {
      if (!isNetworkFlow(phase.transport)) return [];
      const rates = pairRates(system, ranks, phase.transport, call.collective);
      const limit = collectiveLimit(system, ranks, phase.transport, call.collective);
      return [
        {
          ...{ collective: call.collective, toNeighbour: call.toNeighbour === true },
          ...spreadOf(system, ranks, phase.transport.group),
          startUpS: phase.transport.latencyS,
          bytesPerS: rates.collectiveAlone,
          besideH2dBytesPerS: rates.collectiveShared,
          h2dBytesPerS: rates.h2dAlone,
          h2dBesideBytesPerS: rates.h2dShared,
          limit: limit.by === 'resource' ? limit.resource : `${limit.by} ${limit.transport}`,
        },
      ];
    }),
  );
}

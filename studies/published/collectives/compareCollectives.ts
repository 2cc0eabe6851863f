import type { CollectiveKind } from '../../../model/dit/kinds.ts';
import { phasesOf } from '../../../model/physics/collectivePhases.ts';
import { pairRates } from '../../../model/physics/rates.ts';
import { moved } from '../../../model/physics/variants/moved.ts';
import { buildSystem } from '../../../model/system/load.ts';
import type { System } from '../../../model/system/system.ts';
import { type FlowTransport, NET, transportOf } from '../../../model/system/transport.ts';
import { unknownOf } from '../../../model/system/unknowns.ts';
import { simulateCase } from '../../../sim/simulateCase.ts';
import type { CollectiveFigure, CollectiveMachine } from './readCollectives.ts';

/** A figure beside what both roads predict of it, seconds. Errors are predicted / published - 1 of the time. */
export interface ComparedCollective {
  figure: CollectiveFigure;
  ranks: number;
  publishedS: number;
  closedFormS: number;
  simulatedS: number;
  /** What the unknowns of the machine's rates and start-ups leave open. */
  intervalS: readonly [number, number];
  closedFormError: number;
  simulatedError: number;
}

/** GPUs of each host in all of them. */
const GPUS_PER_HOST = 8;

/** Predicts published figures, each on the machine that its data sheets describe. */
export function compareCollectives(figures: readonly CollectiveFigure[]): ComparedCollective[] {
  const systems = new Map<string, System>();
  return figures.map((figure) => {
    const key = JSON.stringify([figure.machine, figure.hosts]);
    const system = systems.get(key) ?? systemOf(figure.machine, figure.hosts);
    systems.set(key, system);
    return compared(figure, system);
  });
}

function compared(figure: CollectiveFigure, system: System): ComparedCollective {
  const ranks = figure.hosts * GPUS_PER_HOST;
  const { kind: collective } = figure;
  const sentBytes = Math.round(sentOf(collective, figure.size, ranks));
  const publishedS = figure.time ?? sentBytes / figure.busbw!;
  const closedFormS = aloneS(system, collective, sentBytes, ranks);
  const call = {
    kind: 'collective',
    collective,
    transport: NET,
    sentBytes,
    pieceBytes: null,
    calls: 1,
  } as const;
  const [simulatedS] = simulateCase(system, ranks, call).callS;
  const [slow, fast] = unknownOf(system, 'collectives').interval;
  const [short, long] = unknownOf(system, 'overheads').interval;
  const at = (rates: number, overheads: number) => {
    const other = moved(moved(system, 'collectives', rates, ranks), 'overheads', overheads, ranks);
    return aloneS(other, collective, sentBytes, ranks);
  };
  return {
    ...{ figure, ranks, publishedS, closedFormS, simulatedS: simulatedS! },
    intervalS: [at(fast, short), at(slow, long)],
    closedFormError: closedFormS / publishedS - 1,
    simulatedError: simulatedS! / publishedS - 1,
  };
}

/** Bytes that a rank sends, over whose time nccl-tests' bus bandwidth is. */
function sentOf(kind: CollectiveKind, size: number, ranks: number): number {
  return ((kind === 'all-reduce' ? 2 : 1) * size * (ranks - 1)) / ranks;
}

function aloneS(system: System, collective: CollectiveKind, sentBytes: number, ranks: number): number {
  const transport = transportOf(system, NET, ranks) as FlowTransport;
  return phasesOf(system, transport, { collective, sentBytes }, ranks).reduce((sum, phase) => {
    const { collectiveAlone } = pairRates(system, ranks, phase.transport, collective);
    return sum + phase.transport.latencyS + phase.sentBytes / collectiveAlone;
  }, 0);
}

/** So many hosts of a card with such NICs, in each of which collectives go as fast as published of one host. */
function systemOf({ card, nic, inHost }: CollectiveMachine, hosts: number): System {
  const file = `${hosts * GPUS_PER_HOST}x${card},hosts=${hosts},nic=${nic}`;
  const rate = (is: string) => ({ rate: { is, from: 'published', source: inHost.source } });
  const besideH2d = { collective: { is: 0.9, from: 'default' }, h2d: { is: 0.985, from: 'default' } };
  const value = {
    card: file,
    transports: {
      nvlink: { 'all-to-all': rate(inHost.rate), 'all-reduce': { ...rate(inHost.allReduce), besideH2d } },
    },
  };
  return buildSystem({ file, value, lines: 1, isEnded: true, place: () => ({ file }) });
}

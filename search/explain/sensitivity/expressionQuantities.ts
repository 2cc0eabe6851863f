import type { CopyQueue } from '../../../model/analytic/copyQueue.ts';
import type { ChunkRun } from '../../../model/analytic/copyRun.ts';
import type { StepQuantities } from '../../../model/analytic/quantities.ts';
import type { StagedBeside } from '../../../model/analytic/timeSlices.ts';
import type { CollectiveKind } from '../../../model/dit/kinds.ts';
import { type Retained, retained } from '../../../model/physics/besideCollective.ts';
import { isNetworkFlow } from '../../../model/physics/collectivePhases.ts';
import { noRoomS, segmentTimeS } from '../../../model/physics/compute.ts';
import { sourceBytesPerS } from '../../../model/physics/copySource.ts';
import { ranksPerGpu } from '../../../model/physics/linkShare.ts';
import { pairRates } from '../../../model/physics/rates.ts';
import type { StagedPieces } from '../../../model/physics/stagedCopy.ts';
import { portBytesPerS, withNetworkRate } from '../../../model/physics/variants/networkRate.ts';
import { withCollectiveRates } from '../../../model/physics/variants/scaled.ts';
import type { Plan } from '../../../model/plan/plan.ts';
import type { System } from '../../../model/system/system.ts';
import {
  collectiveTransport,
  type FlowTransport,
  type StagedCopyTransport,
} from '../../../model/system/transport.ts';
import type { ComputeSegment, Workload } from '../../../model/workload/workload.ts';
import { ExpressedRun } from './expressedRun.ts';
import { ExpressionArithmetic } from './expressionArithmetic.ts';
import { constant, type Laurent } from './laurent.ts';
import { segmentExpression } from './segmentExpression.ts';
import type { Symbols } from './symbols.ts';

/** Relative change of a rate that shows whether another one follows it. */
const LITTLE = 1e-6;

interface Moving {
  rate: Laurent;
  retained: Retained;
}

/** A machine's quantities as expressions in its numbers, each as what binds it here makes it. */
export class ExpressionQuantities implements StepQuantities<Laurent> {
  readonly arithmetic: ExpressionArithmetic;
  readonly engine: Symbols;
  readonly copies: Symbols;
  readonly latencyS: Laurent;
  readonly #symbols: Symbols;
  readonly #workload: Workload;
  readonly #system: System;
  readonly #plan: Plan;
  readonly #segments = new Map<ComputeSegment, Laurent>();
  readonly #kinds = new Map<FlowTransport, Map<CollectiveKind, Moving>>();
  #obstacle: string | null = null;

  constructor(workload: Workload, system: System, plan: Plan, symbols: Symbols) {
    this.arithmetic = new ExpressionArithmetic(symbols);
    this.engine = symbols;
    this.copies = symbols;
    this.latencyS = symbols.latencyS;
    this.#symbols = symbols;
    this.#workload = workload;
    this.#system = system;
    this.#plan = plan;
  }

  /** Why something that was asked for has no expression; null where all has. */
  get obstacle(): string | null {
    return this.#obstacle;
  }

  computeS(segment: ComputeSegment): Laurent {
    return this.#aloneS(segment).times(constant(ranksPerGpu(this.#system, this.#workload.ranks)));
  }

  noRoomS(segment: ComputeSegment): Laurent {
    const { gpu } = this.#system;
    return this.#aloneS(segment).times(constant(noRoomS(segment, gpu) / segmentTimeS(segment, gpu)));
  }

  #aloneS(segment: ComputeSegment): Laurent {
    const aloneS = this.#segments.get(segment) ?? segmentExpression(segment, this.#system.gpu, this.#symbols);
    this.#segments.set(segment, aloneS);
    return aloneS;
  }

  startUpOf(flow: FlowTransport): Laurent {
    const transport = collectiveTransport(this.#system, this.#plan, this.#workload.ranks);
    if (flow === transport) return this.latencyS;
    if (!isNetworkFlow(flow)) return constant(flow.latencyS);
    // Beyond the start-up of a call, what each message to another host adds.
    return this.latencyS.plus(constant(flow.latencyS - transport!.latencyS));
  }

  moving(transport: FlowTransport, kind: CollectiveKind): { rate: Laurent; retained: Retained } {
    const ofTransport = this.#kinds.get(transport) ?? new Map<CollectiveKind, Moving>();
    this.#kinds.set(transport, ofTransport);
    const moving = ofTransport.get(kind) ?? this.#movingOf(transport, kind);
    ofTransport.set(kind, moving);
    return moving;
  }

  #movingOf(transport: FlowTransport, kind: CollectiveKind): Moving {
    if (transport !== collectiveTransport(this.#system, this.#plan, this.#workload.ranks))
      return this.#movingOfGroup(transport, kind);
    const { bytesPerS } = transport.collectives[kind];
    const source = sourceBytesPerS(this.#system, this.#plan);
    const ratesOf = (flow: FlowTransport) =>
      pairRates(this.#system, this.#workload.ranks, flow, kind, source);
    const rates = ratesOf(transport);
    const faster = withCollectiveRates(transport, (rate) => ({
      ...rate,
      bytesPerS: rate.bytesPerS * (1 + LITTLE),
    }));
    // A rate that something else on the way holds back need not follow the transport's own.
    const follows = ratesOf(faster).collectiveAlone > rates.collectiveAlone * (1 + LITTLE / 2);
    const share = constant(rates.collectiveAlone / bytesPerS);
    return {
      rate: follows ? this.#symbols.rate(kind, bytesPerS).times(share) : constant(rates.collectiveAlone),
      retained: retained(rates),
    };
  }

  /** A flow among some of the ranks, or between hosts: it follows NICs and switches, or what the transport may do over them. */
  #movingOfGroup(flow: FlowTransport, kind: CollectiveKind): Moving {
    const system = this.#system;
    const source = sourceBytesPerS(system, this.#plan);
    const { ranks } = this.#workload;
    const rates = pairRates(system, ranks, flow, kind, source);
    const alone = rates.collectiveAlone;
    const moving = (rate: Laurent): Moving => ({ rate, retained: retained(rates) });
    if (!isNetworkFlow(flow)) return moving(constant(alone));
    const faster = pairRates(withNetworkRate(system, 1 + LITTLE), ranks, flow, kind, source);
    if (faster.collectiveAlone > alone * (1 + LITTLE / 2)) {
      const port = portBytesPerS(system);
      return moving(this.#symbols.networkRate(port).times(constant(alone / port)));
    }
    const transport = collectiveTransport(system, this.#plan, ranks) as FlowTransport;
    const { bytesPerS } = transport.collectives[kind];
    const isOwn = Math.abs(alone * flow.shares.between - bytesPerS) < LITTLE * bytesPerS;
    return moving(
      isOwn ? this.#symbols.rate(kind, bytesPerS).times(constant(alone / bytesPerS)) : constant(alone),
    );
  }

  stagedLink({ cacheBytes }: StagedCopyTransport, _: StagedPieces, __: Laurent): Symbols {
    if (cacheBytes > 0)
      this.#obstacle =
        "how much of what copy engines stage is read from the CPU's cache depends on the rates";
    return this.#symbols;
  }

  runOf(chunks: ChunkRun<Laurent>): ExpressedRun {
    return new ExpressedRun(this.#symbols, chunks);
  }

  besideTimeSlices(_: CopyQueue<Laurent>, { aloneS }: StagedBeside<Laurent>): Laurent {
    this.#obstacle = 'copy-engine collectives take turns with the prefetch, whole turns each';
    return aloneS;
  }
}

import type { StepProgram } from '../../model/program/stepProgram.ts';
import type { System } from '../../model/system/system.ts';
import { betweenRanks, type Transport } from '../../model/system/transport.ts';
import type { CompiledProgram } from './compiledProgram.ts';
import { EVENT } from './events.ts';
import type { CollectiveFlow, Links } from './links.ts';
import { distinctFlows, type MeetingPhase, meetingPhases } from './meetingPhases.ts';

/** What collectives need from the simulation around them. */
export interface CollectiveHost {
  readonly now: number;
  at(timeS: number, kind: typeof EVENT.collective, index: number): void;
  /** A flow is about to use this resource. */
  disturb(resource: number): void;
  /** A flow has started or ended. */
  flowsChange(): void;
  complete(op: number): void;
}

/**
 * Collectives that are flows over the links: one begins when its last rank has arrived, and goes through its phases, each a start-up
 * and a flow per receiving rank. Pauses between a copy engine's chunks are longer beside some of them.
 */
export class Collectives {
  /** Flows that links must have routes for. */
  readonly flows: readonly CollectiveFlow[];
  /** Seconds between back-to-back chunks at present. */
  gapS: number;
  readonly #host: CollectiveHost;
  readonly #members: CompiledProgram['meetings'];
  /** The flows of each collective, one after another, and which of them is the next to start. */
  readonly #phases: readonly MeetingPhase[][];
  readonly #nextPhase: Int32Array;
  /** By collective: ranks that have arrived, and flows of its phase that have not ended. */
  readonly #arrived: Int32Array;
  readonly #flowsLeft: Int32Array;
  /** The collectives that flow at present, with the pause between chunks that each makes. */
  readonly #flowing = new Map<number, number>();
  readonly #usualGapS: number;

  constructor(host: CollectiveHost, program: StepProgram, { meetings }: CompiledProgram, system: System) {
    this.#host = host;
    this.#members = meetings;
    this.#phases = meetingPhases(meetings, system, transportOf(program, meetings, system), program.groupSize);
    this.flows = distinctFlows(this.#phases);
    this.#nextPhase = new Int32Array(meetings.length);
    this.#arrived = new Int32Array(meetings.length);
    this.#flowsLeft = new Int32Array(meetings.length);
    this.#usualGapS = system.gpu.copyEngine.gapS;
    this.gapS = this.#usualGapS;
  }

  get count(): number {
    return this.#members.length;
  }

  /** A rank has got to a collective, which begins with the last of them. */
  arrive(meeting: number): void {
    if (++this.#arrived[meeting]! < this.#members[meeting]!.length) return;
    this.#arrived[meeting] = 0;
    this.#nextPhase[meeting] = 0;
    this.#startUp(meeting);
  }

  /** The start-up of a phase is over: its bytes move. */
  startPhase(meeting: number, links: Links): void {
    const phase = this.#phases[meeting]![this.#nextPhase[meeting]!]!;
    if (phase.bytes === 0) {
      this.#complete(meeting);
      return;
    }
    this.#nextPhase[meeting]! += 1;
    const parts = links.collective(phase);
    this.#flowsLeft[meeting] = parts.length;
    const { gapS } = phase.transport.collectives[phase.kind].besideH2d;
    this.#flowing.set(meeting, gapS ?? this.#usualGapS);
    this.#updateGap();
    this.#host.flowsChange();
    for (const part of parts) {
      for (const { resource } of links.routeUses[part.route]!) this.#host.disturb(resource);
      links.flows.start(this.#host.now, part.route, phase.bytes, part.bytesPerS, part.weight, meeting);
    }
  }

  /** A rank has received its part of a phase, which ends with the last of them. */
  flowDone(meeting: number): void {
    if (--this.#flowsLeft[meeting]! > 0) return;
    this.#flowing.delete(meeting);
    this.#updateGap();
    if (this.#nextPhase[meeting]! < this.#phases[meeting]!.length) this.#startUp(meeting);
    else this.#complete(meeting);
  }

  /** The start-up of a collective's next phase, after which its bytes move. */
  #startUp(meeting: number): void {
    const { transport } = this.#phases[meeting]![this.#nextPhase[meeting]!]!;
    this.#host.at(this.#host.now + transport.latencyS, EVENT.collective, meeting);
  }

  #complete(meeting: number): void {
    for (const { id } of this.#members[meeting]!) this.#host.complete(id);
  }

  #updateGap(): void {
    this.gapS = Math.max(this.#usualGapS, ...this.#flowing.values());
  }
}

/** The transport of all collectives of a program; undefined without any. */
function transportOf(
  { groupSize }: StepProgram,
  meetings: CompiledProgram['meetings'],
  system: System,
): Transport | undefined {
  const transports = [...new Set(meetings.map((ops) => ops[0]!.transport))];
  const found = system.transports.find((candidate) => candidate.name === transports[0]);
  const transport = found && betweenRanks(found, groupSize);
  if (transports.length > 1 || (meetings.length > 0 && transport?.kind !== 'flow'))
    throw new Error(`a program's flow collectives use one transport, got ${transports.join(', ')}`);
  return transport;
}

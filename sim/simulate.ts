import { breakEven } from '../model/analytic/breakEven.ts';
import type { StepReport, StepTimes } from '../model/analytic/report.ts';
import { clockOf, HIDDEN_SHARE, report } from '../model/analytic/stepReport.ts';
import { phasesOf } from '../model/physics/collectivePhases.ts';
import { bytesWithFill } from '../model/physics/linkShare.ts';
import { powerOf, stepEnergyJ, stepPowerW } from '../model/physics/power.ts';
import { copyRates, pairRates } from '../model/physics/rates.ts';
import { type StagedPieces, stagedCopyAloneS } from '../model/physics/stagedCopy.ts';
import { stagedLink } from '../model/physics/stagedLink.ts';
import { oneForAll } from '../model/physics/variants/symmetry.ts';
import { checkIssuedBytes, type Plan } from '../model/plan/plan.ts';
import { type FlatProgram, flatten } from '../model/program/flatProgram.ts';
import { lower } from '../model/program/lower.ts';
import type { CollectiveOp } from '../model/program/stepProgram.ts';
import type { Timeline } from '../model/program/timeline.ts';
import { verify } from '../model/program/verify.ts';
import type { System } from '../model/system/system.ts';
import { betweenRanks, type FlowTransport, transportOf } from '../model/system/transport.ts';
import type { Workload } from '../model/workload/workload.ts';
import { type CompiledProgram, compile } from './devices/compiledProgram.ts';
import { Engine } from './engine.ts';
import { isPrefetch, readyButForWeightsS } from './exposure.ts';
import type { SteadyStep } from './stepLedger.ts';
import { recordTimeline } from './timelineRecorder.ts';

export interface Simulation {
  report: StepReport;
  /** Whether one step repeated the one before, operation by operation. */
  steady: boolean;
  steps: number;
  timeline: Timeline | null;
}

export interface SimulateOptions {
  /** Record the steady step's intervals. */
  timeline?: boolean;
  /** Leave break-even points out; they come from the closed form and cost most of a call's time. */
  breakEven?: boolean;
  /**
   * Leave the verifier out, which takes longer than the simulation: only for a search among plans that simulates the one it
   * keeps again, with it.
   */
  verify?: boolean;
}

/** Rounds in which the clock and the step time that it depends on are brought into agreement. */
const CLOCK_ROUNDS = 12;

/**
 * Simulates a plan: lowers it, verifies the program, runs it until a step repeats, and reports that step.
 *
 * Where all ranks are alike and no timeline is asked for, one of them is simulated for all.
 */
export function simulate(
  workload: Workload,
  machine: System,
  plan: Plan,
  options: SimulateOptions = {},
): Simulation {
  const alike = options.timeline === true ? null : oneForAll(machine, workload.ranks, plan.transport);
  const system = alike ?? machine;
  // Pauses between chunks find room beside some segments and not beside others.
  const detail = options.timeline === true || plan.paceS > 0 ? 'segments' : 'windows';
  const program = lower(workload, system, plan, detail);
  const flat = flatten(program);
  const [violation] = options.verify === false ? [] : verify(program, flat);
  if (violation !== undefined) {
    throw new Error(
      `plan ${plan.name} lowers to a program that must not run: ${violation.rule}: ${violation.message}`,
    );
  }
  const { step, clock } = atSteadyClock(workload, system, plan, compile(program, flat));
  const times = stepTimes(flat, system, plan, step);
  return {
    report: report(
      workload,
      machine,
      plan,
      times,
      clock,
      options.breakEven === false ? undefined : breakEven(workload, machine, plan),
    ),
    steady: step.steady,
    steps: step.steps,
    timeline: options.timeline === true ? recordTimeline(program, system, step, clock) : null,
  };
}

/**
 * Runs at the clock that the closed form expects, then corrects it: while the power of the simulated step is off
 * the cap (or below it at a reduced clock), the clock moves by what energy per FLOP says.
 */
function atSteadyClock(workload: Workload, system: System, plan: Plan, compiled: CompiledProgram) {
  const program = compiled.source;
  const power = powerOf(workload, system);
  let clock = clockOf(workload, system, plan);
  for (let round = 0; ; round += 1) {
    const engine = new Engine(program, system, { clock, compiled });
    const step = engine.run();
    const prefetchedBytes = engine.prefetchedBytes(step.steps - 1) / program.ranks;
    checkIssuedBytes('the simulator', plan, workload.passes, prefetchedBytes);
    if (power === null) return { step, clock };
    const workW = stepPowerW(power, stepEnergyJ(workload, power), clock, step.stepTimeS) - power.idleW;
    // Where compute fills the step, power falls with one power of the clock more than energy does.
    const exponent = 1 / (power.energyExponent + 1);
    const next = Math.min(
      1,
      Math.max(power.minClock, clock * ((power.capW - power.idleW) / workW) ** exponent),
    );
    if (round === CLOCK_ROUNDS || Math.abs(next - clock) < HIDDEN_SHARE * 0.1) return { step, clock };
    clock = next;
  }
}

/** What the steady step's times say about rank 0: where its critical path went. */
function stepTimes(flat: FlatProgram, system: System, plan: Plan, step: SteadyStep): StepTimes {
  const program = flat.source;
  const times: StepTimes = {
    stepTimeS: step.stepTimeS,
    computeS: 0,
    collectiveS: 0,
    exposedPrefetchS: 0,
    collectiveInflationS: 0,
    prefetchS: 0,
  };
  const { startUpS, gapS } = system.gpu.copyEngine;
  const copy = copyRates(system, program.groupSize);
  const staged = stagedAlone(flat, system, plan);
  const begins = new Map<number, number>();
  const besideEndS = computeBesideEndS(flat, step);
  for (const stream of program.streams) {
    if (stream.rank !== 0 || !['compute', 'collective', 'copy'].includes(stream.kind)) continue;
    let before = -1;
    for (const id of stream.ops) {
      const op = program.ops[id]!;
      const startS = step.startS(id);
      const endS = step.endOf(id);
      if (op.kind === 'compute') times.computeS += endS - startS;
      if (op.kind === 'copy' && op.role === 'prefetch') {
        const chunks = Math.ceil(op.bytes / op.chunkBytes);
        times.prefetchS +=
          op.bytes / Math.min(copy.h2d, op.sourceBytesPerS) + startUpS + (chunks - 1) * (gapS + op.paceS);
      }
      if (op.kind === 'collective') {
        // Of a collective beside compute, what compute waits for when its own is done.
        const computeS = (besideEndS.get(op.group) ?? startS) - startS;
        const waitS = Math.max(0, endS - startS - computeS);
        times.collectiveS += waitS;
        times.collectiveInflationS +=
          waitS - Math.max(0, flowAloneS(op, system, program.groupSize) - computeS);
      }
      if (op.kind === 'mark' && op.role === 'collective-begin') begins.set(op.group, startS);
      if (op.kind === 'mark' && op.role === 'collective-end') {
        const seconds = endS - begins.get(op.group)!;
        times.collectiveS += seconds;
        // The closed form of a collective by itself is good to half a per cent; less than that is no inflation.
        times.collectiveInflationS += Math.max(0, seconds - (staged.get(op.group) ?? seconds));
      }
      if (stream.kind !== 'copy' && op.waits.some((wait) => isPrefetch(program.ops[wait.op]!))) {
        times.exposedPrefetchS += Math.max(0, startS - readyButForWeightsS(program, step, id, before));
      }
      before = id;
    }
  }
  return times;
}

/** When the last compute beside a collective of rank 0 ended, by the collective's number; nothing of those that compute waits for. */
function computeBesideEndS({ compute }: FlatProgram, step: SteadyStep): Map<number, number> {
  const ends = new Map<number, number>();
  for (const op of compute)
    if (op.rank === 0 && op.besideGroup !== undefined)
      ends.set(op.besideGroup, Math.max(ends.get(op.besideGroup) ?? 0, step.endOf(op.id)));
  return ends;
}

/** Seconds of a flow collective by itself on these links and this host. */
function flowAloneS(op: CollectiveOp, system: System, groupSize: number): number {
  const transport = transportOf(system, op.transport, groupSize) as FlowTransport;
  return phasesOf(system, transport, op, groupSize).reduce((sum, phase) => {
    const { collectiveAlone } = pairRates(system, groupSize, phase.transport, op.collective);
    return sum + phase.transport.latencyS + bytesWithFill(phase.transport, phase.sentBytes) / collectiveAlone;
  }, 0);
}

/** Seconds of each staged collective by itself. */
function stagedAlone(
  { source: { groupSize }, pieces: all }: FlatProgram,
  system: System,
  plan: Plan,
): Map<number, number> {
  const found = system.transports.find((candidate) => candidate.name === plan.transport);
  const transport = found && betweenRanks(found, groupSize);
  if (transport?.kind !== 'staged-copy') return new Map();
  const pieces = new Map<number, StagedPieces[]>();
  for (const op of all) {
    if (op.rank !== 0) continue;
    const exchanges = pieces.get(op.group) ?? [];
    const exchange = (exchanges[op.phase] ??= { pieceBytes: op.bytes, writes: 0, reads: 0 });
    exchange[op.direction === 'd2h' ? 'writes' : 'reads'] += 1;
    pieces.set(op.group, exchanges);
  }
  return new Map(
    [...pieces].map(([group, exchanges]) => [
      group,
      stagedCopyAloneS(transport, system.gpu.copyEngine, exchanges, (exchange) =>
        stagedLink(system, transport, groupSize, exchange),
      ),
    ]),
  );
}

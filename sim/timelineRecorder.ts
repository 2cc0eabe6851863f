import { arrivalsOf } from '../model/program/arrivals.ts';
import { collectiveOf } from '../model/program/labels.ts';
import type { Op, StepProgram } from '../model/program/stepProgram.ts';
import type { Interval, LinkSeries, Timeline } from '../model/program/timeline.ts';
import type { System } from '../model/system/system.ts';
import { Engine } from './engine.ts';
import { isPrefetch, readyButForWeightsS } from './exposure.ts';
import type { Recorder } from './recorder.ts';
import type { SteadyStep } from './stepLedger.ts';

/** Waits shorter than this are rounding, not waits. */
const SHORTEST_WAIT_S = 1e-9;

/**
 * The timeline of a steady step: runs the program again, as far as the step that was found, and keeps what
 * happened in it. Chunks appear on the track of their copy engine, waits for weights on a track of their own.
 */
export function recordTimeline(
  program: StepProgram,
  system: System,
  found: SteadyStep,
  clock: number,
): Timeline {
  const recording = new Recording();
  const engine = new Engine(program, system, { clock, recorder: recording });
  const step = engine.run({ exactSteps: found.steps });
  const from = step.previousEndS;
  const intervals = [
    ...operationIntervals(program, step),
    ...recording.chunkIntervals(program, from, step.endS),
  ].sort((a, b) => a.rank - b.rank || compare(a.track, b.track) || a.startS - b.startS);
  return {
    source: 'simulated',
    stepTimeS: step.endS - from,
    intervals,
    links: recording.linkSeries(engine, from, step.endS),
    arrivals: arrivalsOf(intervals, program),
  };
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

class Recording implements Recorder {
  readonly #chunks: { op: number; startS: number; endS: number; bytes: number }[] = [];
  readonly #samples: { timeS: number; values: number[] }[] = [];

  chunk(op: number, startS: number, endS: number, bytes: number): void {
    this.#chunks.push({ op, startS, endS, bytes });
  }

  rates(timeS: number, bytesPerS: readonly number[]): void {
    this.#samples.push({ timeS, values: [...bytesPerS] });
  }

  chunkIntervals(program: StepProgram, from: number, to: number): Interval[] {
    return this.#chunks
      .filter((chunk) => chunk.endS > from && chunk.startS < to)
      .map(({ op: id, startS, endS, bytes }) => {
        const op = program.ops[id]!;
        const copy = op.kind === 'copy' ? op : undefined;
        const insideS = Math.min(endS, to) - Math.max(startS, from);
        return {
          rank: op.rank,
          track: copy?.direction ?? 'h2d',
          name: op.label,
          category: copy?.role ?? 'prefetch',
          startS: Math.max(startS, from) - from,
          endS: Math.min(endS, to) - from,
          op: id,
          position: copy?.target?.position ?? op.position,
          // A chunk that the step's start or end cuts moved only its share in this step.
          bytes: endS > startS ? Math.round(bytes * (insideS / (endS - startS))) : bytes,
        };
      });
  }

  linkSeries(engine: Engine, from: number, to: number): LinkSeries[] {
    return engine.links.resources.map(({ name, capacity }, resource): LinkSeries => {
      const timeS: number[] = [];
      const bytesPerS: number[] = [];
      let before = 0;
      for (const sample of this.#samples) {
        const value = sample.values[resource]!;
        if (sample.timeS <= from) before = value;
        else if (sample.timeS < to && value !== (bytesPerS.at(-1) ?? before)) {
          timeS.push(sample.timeS - from);
          bytesPerS.push(value);
        }
      }
      return { name, capacityBytesPerS: capacity, timeS: [0, ...timeS], bytesPerS: [before, ...bytesPerS] };
    });
  }
}

const CATEGORY = { compute: 'compute', collective: 'collective', delay: 'host' } as const;

/** Operations that take time on their streams, and what each block waited for its weights. */
function operationIntervals(program: StepProgram, step: SteadyStep): Interval[] {
  const from = step.previousEndS;
  const intervals: Interval[] = [];
  const begins = new Map<string, number>();
  for (const stream of program.streams) {
    let before = -1;
    for (const id of stream.ops) {
      const op = program.ops[id]!;
      const startS = step.startS(id);
      const endS = step.endOf(id);
      const add = (track: string, name: string, category: Interval['category'], start: number, end: number) =>
        intervals.push({
          rank: op.rank,
          track,
          name,
          category,
          startS: start - from,
          endS: end - from,
          op: id,
          position: op.position,
          bytes: op.kind === 'collective' && category === 'collective' ? op.sentBytes : 0,
        });
      if (op.kind === 'compute' || op.kind === 'collective' || op.kind === 'delay') {
        // A host that runs ahead launches this step's work during the step before; what it does in this step is
        // the same, one step later.
        const stepS = step.endS - from;
        const shift = op.stream === 'host' ? Math.max(0, Math.ceil((from - startS) / stepS)) * stepS : 0;
        const end = Math.min(endS + shift, op.stream === 'host' ? step.endS : Number.POSITIVE_INFINITY);
        if (end > startS + shift) add(op.stream, op.label, CATEGORY[op.kind], startS + shift, end);
      } else if (op.kind === 'mark') {
        const key = `${op.rank} ${op.group}`;
        if (op.role === 'collective-begin') begins.set(key, startS);
        if (op.role === 'collective-end') {
          add(op.stream, collectiveOf(op.label, 'end'), 'collective', begins.get(key) ?? startS, endS);
        }
      }
      if (op.stream !== 'copy' && waitsForWeights(program, op)) {
        const ready = readyButForWeightsS(program, step, id, before);
        if (startS - ready > SHORTEST_WAIT_S) {
          add('waits', `${op.label}: waits for weights`, 'stall', ready, startS);
        }
      }
      before = id;
    }
  }
  return intervals;
}

function waitsForWeights(program: StepProgram, op: Op): boolean {
  return op.waits.some((wait) => isPrefetch(program.ops[wait.op]!));
}

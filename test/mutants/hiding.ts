import type { MutantGroup } from './mutant.ts';

const TERMS = ['test/model/analytic/closedFormTerms.test.ts'];

/** The closed form: its walk, pauses, schedule of issues, time slices and the queue of copies. */
export const HIDING: readonly MutantGroup[] = [
  {
    file: 'model/analytic/walk.ts',
    tests: TERMS,
    mutants: [
      {
        breaks: 'the chunk behind the last whole one has no pause',
        original: '(chunks - 1) * this.#betweenS;',
        mutated: '(chunks - 2) * this.#betweenS;',
      },
      {
        breaks: 'collectives drain nothing',
        original: "if (plan.yieldRule === 'drain') this.#drain(place, collectives, times);",
        mutated: '',
      },
      {
        breaks: 'a staged collective does not end the wait of the prefetch for the engine',
        original: "if (this.#transport!.kind === 'staged-copy') this.#sinceReadS = 0;",
        mutated: '',
      },
      {
        breaks: 'a paced stream gets no chunk beside attention',
        original: 'return [shutS, Math.min(shutS, oneChunkS)];',
        mutated: 'return [shutS, 0];',
      },
      {
        breaks: 'a paced stream finds room beside attention at once',
        original: 'return [shutS, Math.min(shutS, oneChunkS)];',
        mutated: 'return [0, 0];',
      },
      {
        breaks: 'ranks on one GPU compute as if each had it to itself',
        original: 'slowdownOf(gpu, segment.class, this.#clock) * this.#sharing',
        mutated: 'slowdownOf(gpu, segment.class, this.#clock)',
      },
      {
        breaks: 'exposed prefetch is not counted',
        original: 'times.exposedPrefetchS += seconds;',
        mutated: '',
      },
      {
        breaks: 'a slow source does not bound copies',
        original: 'Math.min(this.#copy.h2d, sourceBytesPerS(this.#system, this.#plan) / this.#sharing)',
        mutated: 'this.#copy.h2d',
      },
      {
        breaks: 'a copy that is issued during a launch is not held',
        original: 'const isHeld = this.#launchLeftS > 0 && this.#queue.empty;',
        mutated: 'const isHeld = false;',
      },
      {
        breaks: 'launches without a break are launches by themselves',
        original: 'launchHoldS(this.#launchingS, periodS) - launchHoldS(beforeS, periodS)',
        mutated: 'launchHoldS(this.#launchingS - beforeS, periodS)',
      },
      {
        breaks: 'pieces in the copy stream do not queue behind the chunks',
        original: 'Math.max(aloneS, busyS + reads * readS',
        mutated: 'Math.max(aloneS, reads * readS',
      },
      {
        breaks: 'pieces in the copy stream take no time of their own',
        original: 'seconds = Math.max(aloneS, busyS',
        mutated: 'seconds = Math.max(0, busyS',
      },
    ],
  },
  {
    file: 'model/physics/copyPauses.ts',
    tests: TERMS,
    mutants: [
      {
        breaks: 'an engine never goes to sleep',
        original: 'takingS(engine, isAwake(engine, restS, idle))',
        mutated: 'engine.gapS',
      },
      {
        breaks: 'the pause that was asked for has no overhead',
        original: 'paceS > 0 ? paceS + paceOverheadS : 0',
        mutated: 'paceS',
      },
      {
        breaks: 'a pause stands still while nothing is queued',
        original: 'Math.max(0, pacedS(engine, paceS) - streamS)',
        mutated: 'pacedS(engine, paceS)',
      },
      {
        breaks: 'a pause does not put the engine to sleep',
        original: 'return engineS + restS < startUpS;',
        mutated: 'return engineS < startUpS;',
      },
      {
        breaks: 'a launch longer than a chunk holds it by all of itself',
        original: 'launchS - periodS / 2',
        mutated: 'launchS',
      },
      {
        breaks: 'a launch shorter than a chunk holds it by half of itself, whenever it comes',
        original: 'launchS ** 2 / (2 * periodS)',
        mutated: 'launchS / 2',
      },
    ],
  },
  {
    file: 'model/analytic/issueSchedule.ts',
    tests: [...TERMS, 'test/model/analytic/issuedBytes.test.ts'],
    mutants: [
      {
        breaks: 'the bytes behind the last whole chunk are no chunk',
        original: 'Math.ceil(bytes / plan.chunkBytes)',
        mutated: 'Math.floor(bytes / plan.chunkBytes)',
      },
      {
        breaks: 'a slot that is still being read does not put a copy off',
        original: 'slotReader(streamed, ordinal, plan.slots, length) + 1 + later',
        mutated: 'Number.NEGATIVE_INFINITY',
      },
      {
        breaks: 'windows of plans that do not wait are held',
        original: "return plan.yieldRule === 'wait';",
        mutated: 'return true;',
      },
      {
        breaks: 'windows of plans that wait are copied from the start on',
        original: "return plan.yieldRule === 'wait';",
        mutated: 'return false;',
      },
    ],
  },
  {
    file: 'model/analytic/timeSlices.ts',
    tests: ['test/model/analytic/sliceSinceRead.test.ts', 'test/model/analytic/timeSlices.test.ts', ...TERMS],
    mutants: [
      {
        breaks: 'the time since the last read does not count',
        original: 'prefetchSliceS - staged.sinceReadS - writeS',
        mutated: 'prefetchSliceS - writeS',
      },
      {
        breaks: 'the prefetch stands still while the first piece is written',
        original: 'queue.alone(elapsedS);',
        mutated: '',
      },
    ],
  },
  {
    file: 'model/analytic/copyQueue.ts',
    tests: ['test/model/analytic/copyQueue.test.ts', ...TERMS],
    mutants: [
      {
        breaks: 'pauses of a copy do not count as left',
        original: 'sum + run.moveS + run.pauseS, 0);',
        mutated: 'sum + run.moveS, 0);',
      },
      {
        breaks: 'during a pause the collective has its share only',
        original: '(moveS * sharing.collective + pauseS) / lasts',
        mutated: 'sharing.collective',
      },
      {
        breaks: 'pauses are no longer beside a collective',
        original: 'return pauseS + chunks * longerPauseS;',
        mutated: 'return pauseS;',
      },
      {
        breaks: 'copies beside a collective have the link to themselves',
        original: 'const moveS = run.moveS / sharing.h2d;',
        mutated: 'const moveS = run.moveS;',
      },
      {
        breaks: 'what is left of a collective behind the copies takes no time',
        original: 'return { elapsedS: elapsed + restS,',
        mutated: 'return { elapsedS: elapsed,',
      },
      {
        breaks: 'a run that is half copied has all of its chunks left',
        original: 'run.chunks *= keep;',
        mutated: '',
      },
    ],
  },
  {
    file: 'model/physics/overlap.ts',
    tests: ['test/model/physics/overlap.test.ts'],
    mutants: [
      {
        breaks: 'compute and a send follow each other',
        original: 'const aloneS = Math.max(computeS, latencyS + moveS);',
        mutated: 'const aloneS = computeS + latencyS + moveS;',
      },
      {
        breaks: 'copies are free beside all of a send that compute covers',
        original: 'Math.min(roomS, spareS / costPerS)',
        mutated: 'roomS',
      },
      {
        breaks: 'what is free beside a send is there once more at its cost',
        original: 'roomS: roomS - unpaidS',
        mutated: 'roomS',
      },
    ],
  },
  {
    file: 'model/analytic/collectiveUnderWay.ts',
    tests: ['test/model/physics/overlap.test.ts'],
    mutants: [
      {
        breaks: 'a send does not start up',
        original: 'const startUpS = Math.min(seconds, this.#latencyS);\n    queue.alone(startUpS);',
        mutated: 'const startUpS = 0;\n    queue.alone(startUpS);',
      },
      {
        breaks: 'copies stop when a send is done',
        original: 'queue.alone(seconds - startUpS - elapsedS);',
        mutated: '',
      },
    ],
  },
  {
    file: 'model/workload/ring.ts',
    tests: ['test/model/workload/ring.test.ts'],
    mutants: [
      {
        breaks: 'a block sends its K and keeps its V',
        original: 'const blockBytes = 2 * keyRows',
        mutated: 'const blockBytes = keyRows',
      },
      {
        breaks: 'the last part sends as well',
        original: 'index === ring\n      ? [part(index), merge(index)]',
        mutated: 'index > ring\n      ? [part(index), merge(index)]',
      },
      {
        breaks: 'K and V go round to heads that are elsewhere',
        original: '/ (sp * tp);\n  const outputs',
        mutated: '/ tp;\n  const outputs',
      },
      {
        breaks: 'every attention is a ring, text or not',
        original: 'segment.kvRows === kv,',
        mutated: 'true,',
      },
    ],
  },
];

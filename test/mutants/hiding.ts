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
        original: 'arithmetic.times(this.#betweenS, chunks - 1)',
        mutated: 'arithmetic.times(this.#betweenS, chunks - 2)',
      },
      {
        breaks: 'collectives drain nothing',
        original: "if (plan.yieldRule === 'drain') this.#wait(this.#queue.leftBeforeS(place, collectives));",
        mutated: '',
      },
      {
        breaks: 'a staged collective does not end the wait of the prefetch for the engine',
        original:
          'this.#pass(this.#stagedCollective(transport, segment));\n    this.#sinceReadS = this.#none;',
        mutated: 'this.#pass(this.#stagedCollective(transport, segment));',
      },
      {
        breaks: 'a paced stream gets no chunk beside attention',
        original: 'return [shutS, arithmetic.smaller(shutS, arithmetic.plus(this.#betweenS, chunkS))];',
        mutated: 'return [shutS, this.#none];',
      },
      {
        breaks: 'a paced stream finds room beside attention at once',
        original: 'return [shutS, arithmetic.smaller(shutS, arithmetic.plus(this.#betweenS, chunkS))];',
        mutated: 'return [this.#none, this.#none];',
      },
      {
        breaks: 'a slow source does not bound copies',
        original: 'arithmetic.smaller(quantities.copies.h2d, arithmetic.constant(source))',
        mutated: 'quantities.copies.h2d',
      },
      {
        breaks: 'a copy that is issued during a launch is not held',
        original: 'const isHeld = arithmetic.magnitude(this.#launchLeftS) > 0 && this.#queue.empty;',
        mutated: 'const isHeld = false;',
      },
      {
        breaks: 'launches without a break are launches by themselves',
        original: 'arithmetic.minus(holdS, launchHoldS(arithmetic, beforeS, periodS))',
        mutated: 'launchHoldS(arithmetic, this.#launchingS - beforeS, periodS)',
      },
      {
        breaks: 'pieces in the copy stream do not queue behind the chunks',
        original: 'arithmetic.plus(busyS, arithmetic.times(readS, reads))',
        mutated: 'arithmetic.times(readS, reads)',
      },
      {
        breaks: 'pieces in the copy stream take no time of their own',
        original: 'seconds = arithmetic.larger(aloneS, arithmetic.plus(readsS, lostS));',
        mutated: 'seconds = arithmetic.plus(readsS, lostS);',
      },
    ],
  },
  {
    file: 'model/analytic/numberQuantities.ts',
    tests: TERMS,
    mutants: [
      {
        breaks: 'ranks on one GPU compute as if each had it to itself',
        original: 'slowdownOf(gpu, segment.class, this.#clock) * this.#sharing',
        mutated: 'slowdownOf(gpu, segment.class, this.#clock)',
      },
    ],
  },
  {
    file: 'model/analytic/stepTally.ts',
    tests: TERMS,
    mutants: [
      {
        breaks: 'exposed prefetch is not counted',
        original: 'this.#times.exposedPrefetchS += seconds;',
        mutated: '',
      },
      {
        breaks: 'blocks that are alike are counted once',
        original: 'this.#times[key] += times * (this.#times[key] - this.#marked[key]);',
        mutated: 'this.#times[key] += 0 * times;',
      },
    ],
  },
  {
    file: 'model/physics/copyPauses.ts',
    tests: TERMS,
    mutants: [
      {
        breaks: 'an engine never goes to sleep',
        original: 'takingIn(arithmetic, engine.startUpS, engine.gapS, isAwake)',
        mutated: 'engine.gapS',
      },
      {
        breaks: 'the pause that was asked for has no overhead',
        original: 'paceS > 0 ? paceS + paceOverheadS : 0',
        mutated: 'paceS',
      },
      {
        breaks: 'a pause stands still while nothing is queued',
        original: 'arithmetic.minus(arithmetic.constant(pausedS), streamS),',
        mutated: 'arithmetic.constant(pausedS),',
      },
      {
        breaks: 'a pause does not put the engine to sleep',
        original: 'arithmetic.magnitude(engineS) + arithmetic.magnitude(restS)',
        mutated: 'arithmetic.magnitude(engineS)',
      },
      {
        breaks: 'a launch longer than a chunk holds it by all of itself',
        original: 'arithmetic.minus(arithmetic.constant(launchS), arithmetic.times(periodS, 1 / 2))',
        mutated: 'arithmetic.constant(launchS)',
      },
      {
        breaks: 'a launch shorter than a chunk holds it by half of itself, whenever it comes',
        original: "arithmetic.over(launchS ** 2 / 2, arithmetic.divisor('period', periodS))",
        mutated: 'arithmetic.constant(launchS / 2)',
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
    file: 'model/analytic/copyRun.ts',
    tests: ['test/model/analytic/copyQueue.test.ts', ...TERMS],
    mutants: [
      {
        breaks: 'pauses of a copy do not count as left',
        original: 'return beforeS + this.#moveS + this.#pauseS;',
        mutated: 'return beforeS + this.#moveS;',
      },
      {
        breaks: 'during a pause the collective has its share only',
        original: 'return ((this.#moveS / h2d) * collective + this.#pausesS(longerPauseS)) / lastsS;',
        mutated: 'return collective;',
      },
      {
        breaks: 'pauses are no longer beside a collective',
        original: 'return this.#pauseS + this.#chunks * longerPauseS;',
        mutated: 'return this.#pauseS;',
      },
      {
        breaks: 'copies beside a collective have the link to themselves',
        original: 'return this.#moveS / h2d + this.#pausesS(longerPauseS);',
        mutated: 'return this.#moveS + this.#pausesS(longerPauseS);',
      },
      {
        breaks: 'a run that is half copied has all of its chunks left',
        original: 'this.#chunks *= keep;',
        mutated: '',
      },
    ],
  },
  {
    file: 'model/analytic/copyQueue.ts',
    tests: ['test/model/analytic/copyQueue.test.ts', ...TERMS],
    mutants: [
      {
        breaks: 'what is left of a collective behind the copies takes no time',
        original: 'elapsedS: arithmetic.plus(elapsedS, restS),',
        mutated: 'elapsedS,',
      },
      {
        breaks: 'a run that has ended takes no time of what passes',
        original: 'left = arithmetic.minus(left, lastsS);',
        mutated: '',
      },
    ],
  },
  {
    file: 'search/explain/sensitivity/expressedRun.ts',
    tests: ['test/search/explain/sensitivity/expressedRun.test.ts'],
    mutants: [
      {
        breaks: 'an expressed run beside a collective passes as if alone',
        original: 'this.#rates(sharing).copying.times(seconds)',
        mutated: 'seconds',
      },
      {
        breaks: 'pauses of an expressed run are no longer beside a collective',
        original: 'pauseS.plus(longerPauseS.times(constant(chunks)))',
        mutated: 'pauseS',
      },
      {
        breaks: 'an expressed run that is half copied has all of its chunks left',
        original: 'this.#whole.chunks * (this.#leftS.value / this.#wholeS.value)',
        mutated: 'this.#whole.chunks',
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
        original: 'const startUpS = this.#startUp(seconds);',
        mutated: 'const startUpS = arithmetic.constant(0);',
      },
      {
        breaks: 'copies stop when a send is done',
        original: 'queue.alone(arithmetic.minus(besideS, elapsedS));',
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

import type { MutantGroup } from './mutant.ts';

/** The simulated devices: copy engines, their runs by the clock, links. */
export const DEVICES: readonly MutantGroup[] = [
  {
    file: 'model/physics/copyPauses.ts',
    tests: ['test/sim/devices/copyEngines.test.ts'],
    mutants: [
      {
        breaks:
          'a pause beside a collective that is longer than a start-up does not count before a first chunk',
        original: 'arithmetic.larger(startUpS, gapS)',
        mutated: 'startUpS',
      },
      {
        breaks: 'chunks without a pause have its overhead',
        original: 'paceS > 0 ? paceS + paceOverheadS : 0',
        mutated: 'paceS + paceOverheadS',
      },
    ],
  },
  {
    file: 'sim/devices/copyEngines.ts',
    tests: ['test/sim/devices/copyEngines.test.ts'],
    mutants: [
      {
        breaks: 'an engine that stood idle for just a start-up is awake',
        original: 'const awake = now - this.#lastEnd[engine]! < this.#timing.startUpS * (1 - TIE);',
        mutated: 'const awake = now - this.#lastEnd[engine]! < this.#timing.startUpS * (1 + TIE);',
      },
      {
        breaks: 'an engine goes to sleep at once',
        original: 'const awake = now - this.#lastEnd[engine]! < this.#timing.startUpS * (1 - TIE);',
        mutated: 'const awake = now === this.#lastEnd[engine]!;',
      },
      {
        breaks: 'a start-up is paid behind every copy',
        original: 'takingS(this.#timing, awake, this.#host.gapS)',
        mutated: 'takingS(this.#timing, false, this.#host.gapS)',
      },
      {
        breaks: 'a copy that had to wait for an event goes on with the turn of its stream',
        original: 'if (waits && this.#slices.active[engine] === channel) this.#slices.over[engine] = 1;',
        mutated: '',
      },
      {
        breaks: 'every copy ends the turn of its stream',
        original: 'if (waits && this.#slices.active[engine] === channel) this.#slices.over[engine] = 1;',
        mutated: 'if (this.#slices.active[engine] === channel) this.#slices.over[engine] = 1;',
      },
      {
        breaks: 'a turn ends only between chunks',
        original: 'if (this.#phase[engine] !== MOVING || !this.#slices.othersReady(engine)) return;',
        mutated: 'return;',
      },
      {
        breaks: 'a turn ends though no other stream is ready',
        original: 'if (this.#phase[engine] !== MOVING || !this.#slices.othersReady(engine)) return;',
        mutated: 'if (this.#phase[engine] !== MOVING) return;',
      },
      {
        breaks: 'a chunk that ends with its turn waits a round for no byte',
        original: '< NOTHING_LEFT_BYTES) return;',
        mutated: '< 0) return;',
      },
      {
        breaks: 'a pause that was asked for has no overhead',
        original: 'pacedS(this.#timing, run.paceS)',
        mutated: 'run.paceS',
      },
      {
        breaks: 'a pause finds room at once',
        original: 'this.#host.roomAtS(channel) + pace[channel]!',
        mutated: 'this.#host.now + pace[channel]!',
      },
      {
        breaks: 'runs that launches may hold go by the clock',
        original: 'pausable[channel] === 1 ||\n',
        mutated: '',
      },
      {
        breaks: 'paced runs go by the clock though compute may leave them no room',
        original: '(this.#host.mayShut && pace[channel]! > 0) ||\n',
        mutated: '',
      },
      {
        breaks: 'a run goes by the clock though another stream is ready',
        original: ' ||\n      this.#slices.othersReady(engine)\n    )',
        mutated: ')',
      },
      {
        breaks: 'a pause as long as a start-up does not put the engine to sleep',
        original: 'takingS(this.#timing, this.#channels.pace[channel]! < this.#timing.startUpS)',
        mutated: 'takingS(this.#timing, this.#channels.pace[channel]! <= this.#timing.startUpS)',
      },
      {
        breaks: 'a run by the clock has moved nothing of its chunk when a collective comes',
        original: 'const moved = Math.min((now - startS) * run.bytesPerS, chunkLeft);',
        mutated: 'const moved = 0;',
      },
      {
        breaks: 'a run by the clock keeps the engine in a pause that was asked for',
        original: 'if (now < wakesS) {',
        mutated: 'if (false) {',
      },
      {
        breaks: 'a run by the clock in a gap moves bytes',
        original: '} else if (now < startS) {',
        mutated: '} else if (false) {',
      },
      {
        breaks: 'a run by the clock does not say when its last chunk ended',
        original: 'if (previousEndS !== null) this.#lastEnd[engine] = previousEndS;',
        mutated: '',
      },
    ],
  },
  {
    file: 'sim/devices/copyChannels.ts',
    tests: ['test/sim/devices/copyEngines.test.ts'],
    mutants: [
      {
        breaks: 'the bytes of a chunk that was set aside are moved again',
        original: 'this.chunkLeft[channel]! -= bytes;',
        mutated: '',
      },
      {
        breaks: 'a slow source does not bound a copy',
        original: 'Math.min(bytesPerS, run.sourceBytesPerS)',
        mutated: 'bytesPerS',
      },
      {
        breaks: 'a launch holds no chunk',
        original: '!(this.pausable[channel] === 1 && this.#host.held(channel))',
        mutated: 'true',
      },
      {
        breaks: 'a launch holds all chunks',
        original: '!(this.pausable[channel] === 1 && this.#host.held(channel))',
        mutated: '!this.#host.held(channel)',
      },
      {
        breaks: 'a chunk begins in the pause that was asked for',
        original: 'this.blockedUntil[channel]! <= this.#host.now &&',
        mutated: '',
      },
    ],
  },
  {
    file: 'sim/devices/timeSlices.ts',
    tests: ['test/sim/devices/copyEngines.test.ts'],
    mutants: [
      {
        breaks: 'a turn that nobody can end keeps a step from being steady',
        original: 'return this.#channelsOf[engine]!.length > 1\n      ?',
        mutated: 'return true\n      ?',
      },
      {
        breaks: 'another stream goes on with the turn of the one before',
        original: 'if (channel !== this.active[engine]! || this.over[engine] === 1 || !awake) {',
        mutated: 'if (this.over[engine] === 1 || !awake) {',
      },
      {
        breaks: 'the present stream is served beyond its turn',
        original: 'if (active >= 0 && !turnEnds && this.#channels.runnable(active)) return active;',
        mutated: 'if (active >= 0 && this.#channels.runnable(active)) return active;',
      },
      {
        breaks: 'streams take turns from the first on, not from the present one',
        original: 'channels[(start + step + channels.length) % channels.length]!',
        mutated: 'channels[(step - 1) % channels.length]!',
      },
    ],
  },
  {
    file: 'sim/devices/undisturbedRuns.ts',
    tests: ['test/sim/devices/copyEngines.test.ts'],
    mutants: [
      {
        breaks: 'a run goes by the clock on a link that a collective uses',
        original: 'if (this.#flows.activeOn(resource) > 0 || this.#aloneOn[resource]! >= 0) return false;',
        mutated: 'if (this.#aloneOn[resource]! >= 0) return false;',
      },
    ],
  },
  {
    file: 'sim/devices/undisturbedRun.ts',
    tests: ['test/sim/devices/copyEngines.test.ts'],
    mutants: [
      {
        breaks: 'the last chunk of a run, which is not whole, has no pause before it',
        original: 'Math.ceil((run.left - run.firstLeft) / run.chunk - 1e-9)',
        mutated: 'Math.floor((run.left - run.firstLeft) / run.chunk)',
      },
      {
        breaks: 'a run has one pause more than it has chunks behind the first',
        original: 'further * run.betweenS;',
        mutated: '(further + 1) * run.betweenS;',
      },
      {
        breaks: 'a run begins without its first pause',
        original: 'return run.fromS + run.firstPauseS + run.left',
        mutated: 'return run.fromS + run.left',
      },
      {
        breaks: 'a run stands one chunk further than it is',
        original: 'Math.floor((now - firstEndS) / periodS)',
        mutated: 'Math.ceil((now - firstEndS) / periodS)',
      },
      {
        breaks: 'the bytes of the first chunk are left when it has ended',
        original: 'const left = run.left - run.firstLeft - whole * run.chunk;',
        mutated: 'const left = run.left - whole * run.chunk;',
      },
      {
        breaks: 'the last chunk is whole',
        original: 'chunkLeft: Math.min(run.chunk, left),',
        mutated: 'chunkLeft: run.chunk,',
      },
    ],
  },
  {
    file: 'sim/devices/links.ts',
    tests: ['test/sim/devices/links.test.ts', 'test/sim/goldenTimeline.test.ts', 'test/sim/probe.test.ts'],
    mutants: [
      {
        breaks: 'a link that all its users together could fill is left out',
        original: 'most <= capacity * (1 + 1e-9) && !Number',
        mutated: 'most <= 2 * capacity && !Number',
      },
      {
        breaks: 'what a flow takes of a link does not count in what may be asked of it',
        original: '(most.get(resource) ?? 0) + coefficient * rate',
        mutated: '(most.get(resource) ?? 0) + rate',
      },
      {
        breaks: 'of several collectives the least demanding counts',
        original: 'Math.max(most.get(resource) ?? 0, coefficient * bytesPerS)',
        mutated: 'Math.min(most.get(resource) ?? Number.POSITIVE_INFINITY, coefficient * bytesPerS)',
      },
      {
        breaks: 'a collective weighs as much as a copy',
        original: 'weight: flowWeight(transport, kind, h2dRates[rank]!),',
        mutated: 'weight: 1,',
      },
      {
        breaks: 'copies to the host go by the way down',
        original: "d2h: copyUses(system, gpu, 'up'),",
        mutated: "d2h: copyUses(system, gpu, 'down'),",
      },
    ],
  },
  {
    file: 'sim/devices/occupancy.ts',
    tests: ['test/sim/devices/copyEngines.test.ts', 'test/sim/goldenTimeline.test.ts'],
    mutants: [
      {
        breaks: 'compute behind one that leaves no room leaves none either',
        original: 'untilS: startS + this.#noRoomS[op]! });',
        mutated: 'untilS: startS + 2 * this.#noRoomS[op]! });',
      },
    ],
  },
  {
    file: 'sim/engine.ts',
    tests: ['test/sim/devices/copyEngines.test.ts', 'test/sim/goldenTimeline.test.ts'],
    mutants: [
      {
        breaks: 'a launch is never over',
        original: 'this.#launching[compiled.rankOf[op]!]! -= 1;',
        mutated: '',
      },
    ],
  },
  {
    file: 'sim/devices/collectives.ts',
    tests: ['test/sim/devices/copyEngines.test.ts', 'test/sim/goldenTimeline.test.ts'],
    mutants: [
      {
        breaks: 'a collective makes no pause between chunks longer',
        original: 'this.gapS = Math.max(this.#usualGapS, ...this.#flowing.values());',
        mutated: 'this.gapS = this.#usualGapS;',
      },
      {
        breaks: 'a collective starts with the first rank that arrives',
        original: 'if (++this.#arrived[meeting]! < this.#members[meeting]!.length) return;',
        mutated: 'if (++this.#arrived[meeting]! < 1) return;',
        tests: ['test/sim/devices/links.test.ts'],
      },
      {
        breaks: 'a collective is done with the first rank that has received its part',
        original: 'if (--this.#flowsLeft[meeting]! > 0) return;',
        mutated: 'if (--this.#flowsLeft[meeting]! < 0) return;',
        tests: ['test/sim/devices/links.test.ts'],
      },
      {
        breaks: 'a collective starts at once',
        original: 'this.#host.at(this.#host.now + transport.latencyS, EVENT.collective, meeting);',
        mutated: 'this.#host.at(this.#host.now, EVENT.collective, meeting);',
        tests: ['test/sim/devices/links.test.ts'],
      },
    ],
  },
  {
    file: 'sim/streams.ts',
    tests: ['test/sim/devices/copyEngines.test.ts', 'test/sim/goldenTimeline.test.ts'],
    mutants: [
      {
        breaks: 'a wait for the step before is one for this step',
        original: 'this.step[stream]! - waitAgo[wait]!',
        mutated: 'this.step[stream]!',
      },
    ],
  },
  {
    file: 'sim/lockstepCase.ts',
    tests: ['test/sim/lockstepCase.test.ts'],
    mutants: [
      {
        breaks: 'alike chunks are skipped behind the calls, too',
        original: 'if (this.#calls > 0 && this.#callEnds.length === this.#calls) return;',
        mutated: '',
      },
      {
        breaks: 'chunks are skipped past the start of a call',
        original: 'Math.floor((this.#callAtS - this.#now) / periodS) - 1',
        mutated: 'Math.floor((this.#callAtS - this.#now) / periodS) + 2',
      },
      {
        breaks: 'chunks are skipped past the end of a call',
        original: 'Math.floor(this.#flows.leftAt(this.#now, part) / bytes) - 1',
        mutated: 'Math.floor(this.#flows.leftAt(this.#now, part) / bytes) + 2',
      },
      {
        breaks: 'calls get on during pauses only',
        original: 'const bytes = count * (pauseS * waiting[part]! + moveS * moving[part]!);',
        mutated: 'const bytes = count * pauseS * waiting[part]!;',
      },
      {
        breaks: 'a paced stream never sleeps',
        original: 'return this.#paceS + takingS(this.#engine, awake, gapS);',
        mutated: 'return this.#paceS + gapS;',
      },
    ],
  },
];

import type { MutantGroup } from './mutant.ts';

const TESTS = ['test/model/plan/tools/toolPlan.test.ts'];

/** Other tools' settings as plans, and what a plan copies beside its blocks. */
export const TOOLS: readonly MutantGroup[] = [
  {
    file: 'model/physics/copySource.ts',
    tests: TESTS,
    mutants: [
      {
        breaks: 'copies outside of blocks are made once a step',
        original: 'return passes * serialCopies',
        mutated: 'return serialCopies',
      },
      {
        breaks: 'copies outside of blocks are all from pinned memory',
        original: "memory === 'pageable' ? ",
        mutated: 'memory.length === 0 ? ',
      },
      {
        breaks: 'copies out go to memory that was touched before',
        original: 'd2h: pageableOutBytesPerS',
        mutated: 'd2h: pageableBytesPerS',
      },
      {
        breaks: 'a tool that pins copies as slowly as from pageable memory',
        original: "source === undefined ? sequential : source === 'pageable'",
        mutated: 'sequential',
      },
    ],
  },
  {
    file: 'model/presets/tools/toolPlan.ts',
    tests: TESTS,
    mutants: [
      {
        breaks: 'weights in pageable memory are not said',
        original: "if (plan.source !== 'pageable') return [];",
        mutated: "if (plan.source !== 'pinned') return [];",
      },
    ],
  },
  {
    file: 'model/analytic/doubt.ts',
    tests: ['test/model/analytic/doubt.test.ts'],
    mutants: [
      {
        breaks: 'a number that was set by hand decides',
        original: 'source === SET_BY_HAND ? CERTAINTY.length : CERTAINTY.indexOf(from)',
        mutated: 'CERTAINTY.indexOf(source === SET_BY_HAND ? from : from)',
      },
    ],
  },
  {
    file: 'model/presets/tools/toolText.ts',
    tests: TESTS,
    mutants: [
      {
        breaks: 'the last of two values counts',
        original: 'if (given.has(key)) throw',
        mutated: 'if (given.has(key) && false) throw',
      },
      {
        breaks: "the tool's defaults stand in a text",
        original: 'String(value) === knob.usual',
        mutated: 'String(value) !== knob.usual',
      },
    ],
  },
  {
    file: 'model/presets/tools/names.ts',
    tests: TESTS,
    mutants: [
      {
        breaks: "a setting of ComfyUI's own goes to the wrapper",
        original: 'ofNative === undefined && model !== null && isWan(model)',
        mutated: 'model !== null && isWan(model)',
      },
    ],
  },
  {
    file: 'model/presets/tools/wanFamily.ts',
    tests: [...TESTS, 'test/model/plan/tools/wanFamily.test.ts'],
    mutants: [
      {
        breaks: 'any video model is a Wan',
        original: 'segments.some((segment) => holdsTable(segment, 6 * hidden)) &&',
        mutated: '',
      },
      {
        breaks: 'blocks without cross-attention are a Wan',
        original: 'cross.length > 0 &&',
        mutated: '',
      },
    ],
  },
  {
    file: 'model/presets/tools/sglang.ts',
    tests: [...TESTS, 'test/search/peers/sglang.test.ts'],
    mutants: [
      {
        breaks: 'halves round up',
        original: 'rounded - value === 0.5 && rounded % 2 === 1 ? rounded - 1 : rounded',
        mutated: 'rounded',
      },
      {
        breaks: 'bursts that reload blocks are plans',
        original: 'if (lists.some((list) => reloads(settings, list)))',
        mutated: 'if (lists.every(() => false))',
      },
      {
        breaks: 'passes begin before their copies have landed',
        original: 'drainAtPassStart: true',
        mutated: 'drainAtPassStart: false',
      },
    ],
  },
  {
    file: 'model/presets/tools/diffusers.ts',
    tests: [...TESTS, 'test/search/peers/diffusers.test.ts'],
    mutants: [
      {
        breaks: 'the first block of a pass is fetched in the one before',
        original: 'Math.max(0, block - 1)',
        mutated: 'block - 1',
      },
      {
        breaks: 'modules outside the blocks stay',
        original: 'if (stream) return { order: oneAhead(workload.blocks.length), serialCopies: outside };',
        mutated: 'if (stream) return { order: oneAhead(workload.blocks.length) };',
      },
    ],
  },
];

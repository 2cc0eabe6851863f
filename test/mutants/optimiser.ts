import type { MutantGroup } from './mutant.ts';

/** The optimiser: pages, bounds, ties and caps. */
export const OPTIMISER: readonly MutantGroup[] = [
  {
    file: 'search/sharedPages.ts',
    tests: ['test/search/sharedPages.test.ts'],
    mutants: [
      {
        breaks: 'with two buffers blocks that keep a page more are spread',
        original: "return slots <= 2 ? 'front' : 'spread';",
        mutated: "return slots < 2 ? 'front' : 'spread';",
      },
      {
        breaks: 'one block more than there are pages keeps one',
        original: "if (arrangement === 'front') return place < more;",
        mutated: "if (arrangement === 'front') return place <= more;",
      },
      {
        breaks: 'spread blocks begin behind the first',
        original: 'return Math.ceil(((place + 1) * more) / blocks) > Math.ceil((place * more) / blocks);',
        mutated: 'return Math.floor(((place + 1) * more) / blocks) > Math.floor((place * more) / blocks);',
      },
    ],
  },
  {
    file: 'search/divisions.ts',
    tests: ['test/search/sharedPages.test.ts'],
    mutants: [
      {
        breaks: 'a page more is taken from the front of what is copied',
        original: `  return [...windowBytes]
    .reverse()`,
        mutated: '  return [...windowBytes]',
      },
      {
        breaks: 'what one window lacked is not taken from the one before it',
        original: 'left -= taken;\n      return held - taken;',
        mutated: 'left = 0;\n      return held - taken;',
      },
    ],
  },
  {
    file: 'search/planPool.ts',
    tests: ['test/search/planPool.test.ts'],
    mutants: [
      {
        breaks: 'a plan that is faster by less than a tie wins',
        original: 'if (ratio < 1 - TIE) return true;',
        mutated: 'if (ratio < 1) return true;',
      },
      {
        breaks: 'a plan that is slower by more than a tie may win',
        original: 'const isTied = stepTimeS <= this.#leastS * (1 + TIE);',
        mutated: 'const isTied = stepTimeS <= this.#leastS * (1 + 4 * TIE);',
        reason: 'the comparison with the best plan refuses it as well, unless a chain of ties leads there',
      },
      {
        breaks: 'the plan that loses more on a slower link wins',
        original: 'if (stressed < 1 - STRESSED_TIE) return true;',
        mutated: 'if (stressed < 1 - STRESSED_TIE) return false;',
      },
      {
        breaks: 'a slower link decides where copies are waited for',
        original: 'if (isHidden(one.report) && isHidden(other.report)) {',
        mutated: 'if (isHidden(one.report) || !isHidden(other.report)) {',
      },
      {
        breaks: 'where copies are waited for, a page less wins over time',
        original: 'Math.abs(memory) < MEMORY_LEVEL_BYTES) return ratio < 1;',
        mutated: 'Math.abs(memory) < 0) return ratio < 1;',
      },
      {
        breaks: 'of equally fast plans the one in more memory wins',
        original: 'if (memory !== 0) return memory < 0;',
        mutated: 'if (memory !== 0) return memory > 0;',
      },
      {
        breaks: 'fewer copies win over any time within a tie',
        original: 'return Math.abs(ratio - 1) > COPIES_TIE ? ratio < 1',
        mutated: 'return Math.abs(ratio - 1) > TIE ? ratio < 1',
      },
      {
        breaks: 'candidates that do not fit the caps are taken',
        original: 'if (!fits(workload, system, plan, this.#caps) || !this.#isNew(plan)) continue;',
        mutated: 'if (!this.#isNew(plan)) continue;',
      },
      {
        breaks: 'a candidate whose bound is better than the best plan is passed over',
        original: 'if (this.best !== null && boundS >= this.best.report.stepTimeS * (1 - TIE)) continue;',
        mutated: 'if (this.best !== null && boundS >= this.best.report.stepTimeS * (1 - 4 * TIE)) continue;',
      },
      {
        breaks: "a candidate's own bound counts for nothing",
        original: 'const boundS = Math.max(boundOf(plan), leastS(plan.transport));',
        mutated: 'const boundS = leastS(plan.transport);',
      },
      {
        breaks: 'the bound of a transport counts for nothing',
        original: 'const boundS = Math.max(boundOf(plan), leastS(plan.transport));',
        mutated: 'const boundS = boundOf(plan);',
      },
    ],
  },
  {
    file: 'search/planBounds.ts',
    tests: ['test/search/planPool.test.ts'],
    mutants: [
      {
        breaks: 'copies that overlap nothing are bounded as if they did',
        original: 'return sequential\n',
        mutated: 'return !sequential\n',
      },
    ],
  },
  {
    file: 'search/streamProgram.ts',
    tests: ['test/search/mixedResidents.test.ts'],
    mutants: [
      {
        breaks: 'all blocks of a class keep alike',
        original: "const membersOf = (of: number) => (aim.least === 'time' ?",
        mutated: "const membersOf = (of: number) => (aim.least !== 'time' ?",
      },
    ],
  },
  {
    file: 'search/searchSpace.ts',
    tests: ['test/search/mixedResidents.test.ts'],
    mutants: [
      {
        breaks: 'the space counts one number of pages too few',
        original: 'return product * (members * most + 2);',
        mutated: 'return product * (members * most + 1);',
      },
    ],
  },
  {
    file: 'search/neighbours.ts',
    tests: ['test/search/mixedResidents.test.ts'],
    mutants: [
      {
        breaks: 'what the caps leave is not tried',
        original: ', sparePages].filter(',
        mutated: '].filter(',
      },
      {
        breaks: 'an exchange gives back twice what it took',
        original: 'keptPages(one, workload, partners, -pages)',
        mutated: 'keptPages(one, workload, partners, -2 * pages)',
      },
    ],
  },
];

import type { MutantGroup } from './mutant.ts';

/** Bounds that the optimiser holds its choices against. */
export const OPTIMIZE: readonly MutantGroup[] = [
  {
    file: 'search/pooledBound.ts',
    tests: ['test/search/boundTerms.test.ts'],
    mutants: [
      {
        breaks: 'only one expert has to fit',
        original: 'if (gpuBytes >= experts * all) return 0;',
        mutated: 'if (gpuBytes >= all) return 0;',
      },
      {
        breaks: 'buffers take nothing from residents',
        original: '(gpuBytes - slots * buffer) / experts',
        mutated: 'gpuBytes / experts',
      },
      {
        breaks: 'residents of all experts take as much as those of one',
        original: '(gpuBytes - slots * buffer) / experts',
        mutated: '(gpuBytes - slots * buffer)',
      },
      {
        breaks: 'a block streams more than it has',
        original: 'Math.min(size, buffer), 0) - least',
        mutated: 'buffer, 0) - least',
      },
      {
        breaks: 'buffers are as large as a block',
        original: 'below + ((buffer - below) * -low) / (high - low)',
        mutated: 'buffer',
      },
      {
        breaks: 'free seconds are not used',
        original: 'left -= freeS;',
        mutated: '',
      },
      {
        breaks: 'the dearest room beside collectives is used first',
        original: 'sort((a, b) => a.costPerS - b.costPerS)',
        mutated: 'sort((a, b) => b.costPerS - a.costPerS)',
      },
      {
        breaks: 'a room beside a collective has no end',
        original: 'Math.min(left, roomS)',
        mutated: 'left',
      },
      {
        breaks: 'copies that find no room cost nothing',
        original: 'return seconds + Math.max(0, left);',
        mutated: 'return seconds;',
      },
      {
        breaks: 'room to spare makes a pass shorter',
        original: 'return seconds + Math.max(0, left);',
        mutated: 'return seconds + left;',
      },
    ],
  },
];

import type { MutantGroup } from './mutant.ts';

/** What of a collective crosses the network between hosts, and by which links. */
export const HOSTS: readonly MutantGroup[] = [
  {
    file: 'model/physics/networkShares.ts',
    tests: ['test/model/physics/networkShares.test.ts'],
    mutants: [
      {
        breaks: 'all peers of an all-to-all are on other hosts',
        original: 'between: (ranks - perHost) / (ranks - 1),',
        mutated: 'between: 1,',
      },
      {
        breaks: 'an all-reduce of two hosts goes round rings',
        original: 'if (hosts > 2) return',
        mutated: 'if (hosts > 1) return',
      },
      {
        breaks: 'a rank exchanges with the same index of its own host as well',
        original: 'between: (held * (hosts - 1)) / hosts',
        mutated: 'between: held',
      },
    ],
  },
  {
    file: 'model/physics/networkRoutes.ts',
    tests: ['test/model/physics/networkRoutes.test.ts'],
    mutants: [
      {
        breaks: 'bytes of a direct NIC cross host memory, too',
        original: 'if (direct) return along(pathBetween(tree, gpu, node));',
        mutated: '',
      },
      {
        breaks: 'GPUs with several NICs send all of it over each',
        original: 'coefficient: coefficient / length',
        mutated: 'coefficient',
      },
      {
        breaks: 'messages are handed to the rail over host memory',
        original: "railOptimized && inHost?.path === 'nvlink' ?",
        mutated: 'railOptimized ?',
      },
    ],
  },
  {
    file: 'model/physics/rankGroups.ts',
    tests: ['test/model/physics/networkShares.test.ts'],
    mutants: [
      {
        breaks: 'a group of a stride lies in one host',
        original: 'if (stride % gpus === 0) return { hosts: group.ranks, perHost: 1 };',
        mutated: '',
      },
    ],
  },
];

import type { CommandGroup } from '../../command.ts';

export const command: CommandGroup = {
  description: 'measure whole grids of steps, and make datasets of what was measured',
  commands: {
    list: () => import('./list/command.ts'),
    run: () => import('./run/command.ts'),
    bundle: () => import('./bundle/command.ts'),
    collect: () => import('./collect/command.ts'),
    timeline: () => import('./timeline/command.ts'),
    parquet: () => import('./parquet/command.ts'),
    compare: () => import('./compare/command.ts'),
    arena: () => import('./arena/command.ts'),
  },
};

import type { CommandGroup } from '../../command.ts';

export const command: CommandGroup = {
  description: 'draw predictions beside measurements',
  commands: {
    'predicted-vs-measured': () => import('./predictedVsMeasured/command.ts'),
    'published-steps': () => import('./publishedSteps/command.ts'),
    front: () => import('./front/command.ts'),
    timeline: () => import('./timeline/command.ts'),
  },
};

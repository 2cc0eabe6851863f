import type { CommandGroup } from '../../command.ts';

export const command: CommandGroup = {
  description: 'draw predictions, beside measurements and by themselves',
  commands: {
    'predicted-vs-measured': () => import('./predictedVsMeasured/command.ts'),
    errors: () => import('./errors/command.ts'),
    'published-steps': () => import('./publishedSteps/command.ts'),
    front: () => import('./front/command.ts'),
    timeline: () => import('./timeline/command.ts'),
    block: () => import('./block/command.ts'),
    tokens: () => import('./tokens/command.ts'),
    memory: () => import('./memory/command.ts'),
    sensitivity: () => import('./sensitivity/command.ts'),
    roofline: () => import('./roofline/command.ts'),
    contention: () => import('./contention/command.ts'),
    residuals: () => import('./residuals/command.ts'),
    nodes: () => import('./nodes/command.ts'),
    sweep: () => import('./sweep/command.ts'),
  },
};

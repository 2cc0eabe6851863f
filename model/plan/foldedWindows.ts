import type { Workload } from '../workload/workload.ts';
import type { Plan } from './plan.ts';
import { issuerOf, windowsOf } from './windows.ts';

/**
 * The same plan for a workload whose blocks have fewer windows, as one rank's have that meets no other: what was for windows
 * that are not there goes with the last one that is.
 */
export function foldedWindows(plan: Plan, { blocks }: Workload): Plan {
  return {
    ...plan,
    blocks: plan.blocks.map((planned) => {
      const { issueAt, windowBytes } = planned;
      const windows = windowsOf(blocks[issuerOf(issueAt, blocks.length)]!);
      if (windowBytes.length <= windows) return planned;
      const rest = windowBytes.slice(windows).reduce((sum, bytes) => sum + bytes, 0);
      const kept = windowBytes.slice(0, windows);
      return { ...planned, windowBytes: [...kept.slice(0, -1), kept.at(-1)! + rest] };
    }),
  };
}

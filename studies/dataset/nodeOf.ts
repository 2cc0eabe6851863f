import { basename, dirname, resolve } from 'node:path';
import type { StepRun } from './stepFormat.ts';

/** What a node is called whose records do not name it: as the folder of their file. */
export function nodeOfFolder(file: string): string {
  return basename(dirname(resolve(file)));
}

/**
 * Who measured a step: its node, or its nodes where they were several.
 *
 * @param file that the step was read from.
 * @example nodeOfStep({ node: 'a', nodes: ['a', 'a', 'b', 'b'] }, 'x/steps.jsonl') // 'a+b'
 */
export function nodeOfStep({ node, nodes }: Pick<StepRun, 'node' | 'nodes'>, file: string): string {
  return nodes === undefined ? (node ?? nodeOfFolder(file)) : [...new Set(nodes)].join('+');
}

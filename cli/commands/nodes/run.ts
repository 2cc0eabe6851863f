import { compareNodes } from '../../../studies/nodes/compareNodes.ts';
import { measuredNodes } from '../../../studies/nodes/nodeSources.ts';
import { jsonText, type Output } from '../../output.ts';
import type { NodesFlags } from './command.ts';
import { nodesText } from './nodesText.ts';

/** Compares nodes. Returns the exit code: 1 where one is ill and that is to fail. */
export function run(places: readonly string[], flags: NodesFlags, output: Output): number {
  const { nodes, notes } = measuredNodes(places);
  const comparison = compareNodes(nodes);
  for (const note of notes) output.diagnostic(`note: ${note}\n`);
  output.result(flags.json ? jsonText(comparison) : nodesText(comparison, output.layout));
  const isIll = comparison.findings.some(({ standing }) => standing === 'ill');
  return isIll && flags.failOnIll ? 1 : 0;
}

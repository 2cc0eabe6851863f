import { stringify } from 'yaml';
import type { CopyReading } from './importedReading.ts';
import type { ImportedNode, ImportedTree } from './importedTree.ts';

/**
 * What a topology does not tell, as in the machine files that ship: payload per direction, and reads plus
 * writes.
 */
const SOCKET_LINK = '100 GB/s';
const SOCKET_MEMORY = '350 GB/s';
const GIGA = 1e9;

/**
 * `gpus` and `tree` of a machine file as YAML lines. Links get generation and lanes from the topology.
 * `copies` of one GPU alone by its copy engine replace the rates that those give, if GPU numbers mean the
 * same in both files. What neither says is marked `default`, or left for the user with a comment, and then
 * the loader asks for it.
 */
export function treeYaml(tree: ImportedTree, copies: readonly CopyReading[] = []): string {
  const lines = [
    `# from ${tree.writer} ${tree.file}`.replaceAll(/[\r\n]/g, ' '),
    `gpus: [${tree.gpus.join(', ')}]`,
    'tree:',
    ...tree.nodes.map((node) => nodeLine(node, copies)),
  ];
  return `${lines.join('\n')}\n`;
}

function nodeLine(node: ImportedNode, copies: readonly CopyReading[]): string {
  const guess = (is: string) => ({ is, from: 'default', source: 'not in the topology' });
  const hasLink = node.parent !== null;
  const isSocket = node.kind === 'socket';
  const down = isSocket && hasLink ? guess(SOCKET_LINK) : measuredRate(node, 'h2d', copies);
  const up = isSocket && hasLink ? guess(SOCKET_LINK) : measuredRate(node, 'd2h', copies);
  const value = {
    ...(hasLink && { parent: node.parent }),
    ...(node.pcie !== null && { pcie: node.pcie }),
    ...(down !== null && { down }),
    ...(up !== null && { up }),
    ...(isSocket && { memory: guess(SOCKET_MEMORY) }),
  };
  const hasRates = node.pcie !== null || (down !== null && up !== null);
  const missing = hasLink && !hasRates ? 'give pcie: {gen, lanes}, or down and up' : '';
  const comment = [node.comment, missing].filter((text) => text !== '').join('; ');
  const flow = stringify(value, {
    collectionStyle: 'flow',
    flowCollectionPadding: false,
    lineWidth: 0,
  }).trim();
  return `  ${node.id}: ${flow}${comment === '' ? '' : ` # ${comment}`}`;
}

function measuredRate(node: ImportedNode, direction: 'h2d' | 'd2h', copies: readonly CopyReading[]) {
  const reading = copies.find(
    (copy) =>
      node.id === `gpu${copy.gpu}` &&
      copy.direction === direction &&
      copy.by === 'copy-engine' &&
      copy.gpusAtOnce === 1,
  );
  if (reading === undefined) return null;
  return {
    is: `${reading.bytesPerS / GIGA} GB/s`,
    from: 'measured',
    source: `nvbandwidth, ${reading.source}`,
  };
}

import { stringify } from 'yaml';
import { C2C_DOWN, C2C_MEMORY, C2C_UP } from './c2cRates.ts';
import type { CopyReading } from './importedReading.ts';
import type { ImportedNode, ImportedTree, PcieLink, TreeNumber } from './importedTree.ts';

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
    ...tree.nodes.map((node) => nodeLine(node, tree, copies)),
  ];
  return `${lines.join('\n')}\n`;
}

function nodeLine(node: ImportedNode, tree: ImportedTree, copies: readonly CopyReading[]): string {
  const value = nodeValue(node, tree, copies);
  const hasRates = value.pcie !== undefined || (value.down !== undefined && value.up !== undefined);
  const missing = node.parent !== null && !hasRates ? 'give pcie: {gen, lanes}, or down and up' : '';
  const comment = [node.comment, missing].filter((text) => text !== '').join('; ');
  const flow = stringify(value, {
    collectionStyle: 'flow',
    flowCollectionPadding: false,
    lineWidth: 0,
  }).trim();
  return `  ${node.id}: ${flow}${comment === '' ? '' : ` # ${comment}`}`;
}

/** A node as a machine file's `tree` has it. */
export interface NodeValue {
  parent?: string;
  pcie?: PcieLink;
  down?: TreeNumber;
  up?: TreeNumber;
  memory?: TreeNumber;
}

/** What the files say of a node and of the link to its parent; without rates where they say none. */
export function nodeValue(
  node: ImportedNode,
  { nodes }: Pick<ImportedTree, 'nodes'>,
  copies: readonly CopyReading[],
): NodeValue {
  const hasLink = node.parent !== null;
  const isSocket = node.kind === 'socket';
  const rateOf = (direction: 'h2d' | 'd2h') => {
    if (isSocket) return hasLink ? guess(SOCKET_LINK) : null;
    const published = direction === 'h2d' ? C2C_DOWN : C2C_UP;
    return measuredRate(node, direction, copies) ?? (node.c2c === true ? published : null);
  };
  const [down, up] = [rateOf('h2d'), rateOf('d2h')];
  const isOfC2c = nodes.some(({ parent, c2c }) => parent === node.id && c2c === true);
  return {
    ...(node.parent !== null && { parent: node.parent }),
    ...(node.pcie !== null && node.c2c !== true && { pcie: node.pcie }),
    ...(down !== null && { down }),
    ...(up !== null && { up }),
    ...(isSocket && { memory: isOfC2c ? C2C_MEMORY : guess(SOCKET_MEMORY) }),
  };
}

function guess(is: string): TreeNumber {
  return { is, from: 'default', source: 'not in the topology' };
}

function measuredRate(
  node: ImportedNode,
  direction: 'h2d' | 'd2h',
  copies: readonly CopyReading[],
): TreeNumber | null {
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

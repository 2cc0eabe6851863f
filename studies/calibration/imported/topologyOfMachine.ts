import { type Document, isMap, parseDocument } from 'yaml';
import { pcieBytesPerS } from '../../../model/system/pcie.ts';
import type { System } from '../../../model/system/system.ts';
import { C2C_DOWN, C2C_UP } from '../../imports/c2cRates.ts';
import type { CopyReading } from '../../imports/importedReading.ts';
import type { ImportedNode, ImportedTree, TreeNumber } from '../../imports/importedTree.ts';
import { type NodeValue, nodeValue } from '../../imports/treeYaml.ts';
import type { FittedEntry } from '../machineValues.ts';

interface MachineTree {
  text: string;
  /** Numbers besides the tree's that the topology decides. */
  entries: Map<string, FittedEntry>;
  notes: string[];
}

/** What a machine's own tree has of a GPU's link, and of host memory. */
type OldTree = Record<string, Record<string, unknown> & { parent?: string; memory?: unknown }>;

/**
 * A machine's file with the GPUs and the tree of a topology. A link whose rate the topology does not give is a GPU's of the machine,
 * as a default, and so is host memory.
 */
export function withTopology(
  text: string,
  nearest: System,
  { tree }: { tree: ImportedTree | null; copies: readonly CopyReading[] },
): MachineTree {
  const document = parseDocument(text);
  const old = document.toJS().tree as OldTree;
  const entries = new Map<string, FittedEntry>();
  if (tree === null) {
    // Each GPU is to have its own numbers: no two share a node by an alias.
    setTree(document, old);
    return { text: document.toString({ lineWidth: 0 }), entries, notes: [] };
  }
  const isSame = tree.gpus.length === nearest.gpus.length;
  const link = old[nearest.gpus[0]!]!;
  const memory = Object.values(old).find((node) => node.memory !== undefined)!;
  const from = `as ${nearest.id}`;
  const nodes = tree.nodes.map((node) => [node.id, machineNode(node, tree, { link, memory, from })]);
  document.set('gpus', document.createNode(tree.gpus, { flow: true }));
  setTree(document, Object.fromEntries(nodes));
  if (!isSame) document.set('name', `${tree.gpus.length}x ${nearest.gpu.name}`);
  document.set('peer', 'real');
  if (tree.nodes.some(({ c2c }) => c2c === true)) {
    entries.set('gpu.copyEngine.h2d', C2C_DOWN);
    entries.set('gpu.copyEngine.d2h', C2C_UP);
    for (const [key, entry] of entries)
      document.setIn(key.split('.'), document.createNode(entry, { flow: true }));
  }
  const notes = [
    `GPUs and tree are those of ${tree.file}; what it gives no rate is ${from}`,
    ...tooWideFor(tree, nearest),
  ];
  return { text: document.toString({ lineWidth: 0 }), entries, notes };
}

function setTree(document: Document, tree: Record<string, unknown>): void {
  const node = document.createNode(tree, { aliasDuplicateObjects: false });
  if (isMap(node)) for (const { value } of node.items) if (isMap(value)) value.flow = true;
  document.set('tree', node);
}

function machineNode(
  node: ImportedNode,
  tree: ImportedTree,
  { link, memory, from }: { link: OldTree[string]; memory: OldTree[string]; from: string },
): object {
  const value: NodeValue = nodeValue(node, tree, []);
  const asDefault = (entry: unknown) => ({ is: (entry as TreeNumber).is, from: 'default', source: from });
  const defaults = (of: Record<string, unknown>, keys: readonly string[]) =>
    Object.fromEntries(keys.flatMap((key) => (of[key] === undefined ? [] : [[key, asDefault(of[key])]])));
  if (node.kind === 'socket') {
    if (value.memory?.from !== 'default') return value;
    return { ...value, ...defaults(memory, ['memory', 'reads', 'writes', 'sharpness', 'writeWeight']) };
  }
  if (node.parent === null || value.pcie !== undefined || value.down !== undefined) return value;
  return {
    ...value,
    ...(link.pcie !== undefined && { pcie: link.pcie }),
    ...defaults(link, ['down', 'up', ...(node.kind === 'gpu' ? ['duplex'] : [])]),
  };
}

/** Copies never run faster than the machine's copy engine, whatever link a topology gives them. */
function tooWideFor(tree: ImportedTree, { id, gpu: { copyEngine } }: System): string[] {
  const generations = tree.nodes.flatMap(({ kind, pcie }) => (kind === 'gpu' && pcie !== null ? [pcie] : []));
  const rates = generations.map(({ gen, lanes }) => pcieBytesPerS(gen, lanes, 'down'));
  const fastest = Math.max(0, ...rates);
  if (fastest <= 1.1 * copyEngine.h2dBytesPerS) return [];
  return [
    `links of the topology carry ${(fastest / 1e9).toFixed(1)} GB/s, and ${id} copies ${(copyEngine.h2dBytesPerS / 1e9).toFixed(1)}: ` +
      'give the output of nvbandwidth, or a machine with this link',
  ];
}

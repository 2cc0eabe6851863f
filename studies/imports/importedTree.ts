import type { PcieGeneration } from '../../model/system/pcie.ts';
import type { Provenance } from '../../model/system/system.ts';

/** Width and generation of a PCIe link, as a machine file has them. */
export interface PcieLink {
  gen: PcieGeneration;
  lanes: 1 | 2 | 4 | 8 | 16;
}

/** A number with its unit, as a machine file has it. */
export interface TreeNumber {
  is: string;
  from: Provenance;
  source: string;
}

/** A node of an imported PCIe tree; its link is the one to its parent. */
export interface ImportedNode {
  id: string;
  kind: 'fabric' | 'socket' | 'bridge' | 'switch' | 'gpu';
  /** Null at the top. */
  parent: string | null;
  /** Null where the file does not say, and where the link is none of PCIe. */
  pcie: PcieLink | null;
  /** Of a GPU that reaches its host over NVLink-C2C; then `pcie` says nothing of what copies get. */
  c2c?: true;
  /** What the node is in the file, such as its bus id. */
  comment: string;
}

/** NVLinks between a GPU and a peer: another GPU of the tree, or whatever the file calls its other end. */
export interface NvlinkBond {
  gpu: string;
  peer: string;
  links: number;
}

/** GPUs and PCIe tree of a machine as another tool saw them. */
export interface ImportedTree {
  file: string;
  /** What wrote the file, for provenance: `NCCL topology file`. */
  writer: string;
  /** Node of each GPU, in the order of their numbers. */
  gpus: string[];
  /** Parents before children. */
  nodes: ImportedNode[];
  nvlinks: NvlinkBond[];
  /** What was left out or is doubtful, with its place. */
  notes: string[];
}

/** The node above all sockets; null where there is one socket, which is the top itself. */
export function fabricOver(sockets: number): ImportedNode | null {
  if (sockets < 2) return null;
  return { id: 'fabric', kind: 'fabric', parent: null, pcie: null, comment: 'between the sockets' };
}

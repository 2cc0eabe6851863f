import { type PathName, within } from '../../model/system/matrixCell.ts';
import { fabricOver, type ImportedNode } from './importedTree.ts';

/**
 * The tree that the paths between GPUs describe, without rates: GPUs no further apart than a host bridge, or
 * a switch, get one node above them: a host bridge's GPUs may share its link or have a port of it each, and the slower is taken.
 * A level of NUMA nodes or inner switches that holds the same GPUs as the one around it is left out.
 *
 * `paths[a][b]` is the path between two GPUs; `numa` names the socket of each where the matrix says it.
 */
export function treeOfPairs(
  gpus: readonly string[],
  paths: readonly (readonly PathName[])[],
  numa: readonly (string | null)[],
): ImportedNode[] {
  const nodes: ImportedNode[] = [];
  const all = gpus.map((_, index) => index);
  const groups = (members: readonly number[], reach: PathName): number[][] => {
    const found: number[][] = [];
    for (const member of members) {
      const group = found.find(([first]) => within(paths[first!]![member]!, reach));
      if (group === undefined) found.push([member]);
      else group.push(member);
    }
    return found;
  };
  const counts = { bridge: 0, switch: 0 };
  const add = (
    kind: 'bridge' | 'switch',
    parent: string,
    members: readonly number[],
    comment: string,
  ): string => {
    const id = `${kind}${counts[kind]++}`;
    nodes.push({ id, kind, parent, pcie: null, comment: `${comment} of ${namesOf(members, gpus)}` });
    return id;
  };
  const addGpus = (parent: string, members: readonly number[]): void => {
    for (const member of members) {
      nodes.push({ id: gpus[member]!, kind: 'gpu', parent, pcie: null, comment: '' });
    }
  };
  const addSwitches = (parent: string, members: readonly number[]): void => {
    for (const group of groups(members, 'PXB')) {
      const outer = group.length > 1 ? add('switch', parent, group, 'switch') : parent;
      for (const inner of groups(group, 'PIX')) {
        const isLevel = inner.length > 1 && inner.length < group.length;
        addGpus(isLevel ? add('switch', outer, inner, 'inner switch') : outer, inner);
      }
    }
  };
  const sockets = groups(all, 'NODE');
  const fabric = fabricOver(sockets.length);
  if (fabric !== null) nodes.push(fabric);
  sockets.forEach((members, index) => {
    const id = `socket${index}`;
    const where = numa[members[0]!];
    const comment = where == null ? 'NUMA node not known' : `NUMA node ${where}`;
    nodes.push({ id, kind: 'socket', parent: fabric === null ? null : fabric.id, pcie: null, comment });
    for (const group of groups(members, 'PHB')) {
      const isShared = groups(group, 'PXB').length > 1;
      addSwitches(isShared ? add('bridge', id, group, 'host bridge') : id, group);
    }
  });
  return nodes;
}

function namesOf(members: readonly number[], gpus: readonly string[]): string {
  return members.map((member) => gpus[member]).join(', ');
}

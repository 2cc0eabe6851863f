import type { MeasuredRun } from '../../measure/readMeasurement.ts';
import { grouped } from '../../model/input/grouped.ts';
import type { StepRun } from '../dataset/stepRecords.ts';
import { gpuOf } from './calibrationReadings.ts';
import type { NodeGpu } from './quantity.ts';

/** What records say of a node beside what they measured. Several values stand for a node that was changed in between. */
export interface NodeFacts {
  /** What makes nodes of one kind: measurements of others are not compared. */
  kind: { gpu: Set<string>; driver: Set<string>; link: Set<string> };
  /** What may differ between nodes of one kind, and is then said. */
  other: {
    firmware: Set<string>;
    CUDA: Set<string>;
    libraries: Set<string>;
    NCCL: Set<string>;
    runtime: Set<string>;
  };
  /** Links that run with fewer lanes than they could. */
  narrow: { gpu: NodeGpu; lanes: number; mostLanes: number }[];
}

export function noFacts(): NodeFacts {
  const none = () => new Set<string>();
  return {
    kind: { gpu: none(), driver: none(), link: none() },
    other: { firmware: none(), CUDA: none(), libraries: none(), NCCL: none(), runtime: none() },
    narrow: [],
  };
}

export function addRun({ kind, other, narrow }: NodeFacts, measured: MeasuredRun): void {
  const { run } = measured;
  for (const [rank, { name, driver, cuda, vbios, link }] of run.devices.entries()) {
    kind.gpu.add(name);
    kind.driver.add(driver);
    other.CUDA.add(cuda);
    if (vbios !== undefined) other.firmware.add(vbios);
    if (link === undefined) continue;
    kind.link.add(`PCIe ${link.mostGeneration} x${link.mostLanes}`);
    const gpu = gpuOf(measured, rank);
    const isKnown = narrow.some((one) => one.gpu.pciBus === gpu?.pciBus);
    if (gpu !== null && link.lanes > 0 && link.lanes < link.mostLanes && !isKnown)
      narrow.push({ gpu, lanes: link.lanes, mostLanes: link.mostLanes });
  }
  other.libraries.add(run.libraries);
  if (run.nccl !== '') other.NCCL.add(run.nccl);
  if (run.runtime !== undefined) other.runtime.add(run.runtime);
}

export function addStep({ kind, other }: NodeFacts, { device, libraries, runtime }: StepRun): void {
  kind.gpu.add(device.name);
  kind.driver.add(device.driver);
  other.CUDA.add(device.cuda);
  const [ofCompute, nccl] = libraries.split(', NCCL ');
  other.libraries.add(ofCompute!);
  if (nccl !== undefined) other.NCCL.add(nccl);
  if (runtime !== '') other.runtime.add(runtime);
}

/** Nodes of one kind, and what tells the kind. */
export interface Kind<Node> {
  name: string;
  nodes: Node[];
}

/**
 * Nodes by kind, the largest first: GPU, driver, and what the link could be, which counts where all nodes say it.
 *
 * @example kindsOf(nodes)[0].name // 'NVIDIA H200, driver 580.95, PCIe 5 x16'
 */
export function kindsOf<Node extends { facts: NodeFacts }>(nodes: readonly Node[]): Kind<Node>[] {
  const sayLink = nodes.every(({ facts }) => facts.kind.link.size > 0);
  const nameOf = ({ facts: { kind } }: Node) =>
    [text(kind.gpu), `driver ${text(kind.driver)}`, ...(sayLink ? [text(kind.link)] : [])].join(', ');
  return [...grouped(nodes, nameOf)]
    .map(([name, own]) => ({ name, nodes: own }))
    .sort((a, b) => b.nodes.length - a.nodes.length || (a.name < b.name ? -1 : 1));
}

/** What nodes of one kind differ in, a line for each thing; what a node does not say is no difference. */
export function differencesOf(nodes: readonly { name: string; facts: NodeFacts }[]): string[] {
  const [first] = nodes;
  return (Object.keys(first!.facts.other) as (keyof NodeFacts['other'])[]).flatMap((what) => {
    const said = nodes.filter(({ facts }) => facts.other[what].size > 0);
    const groups = [...grouped(said, ({ facts }) => text(facts.other[what]))];
    if (groups.length < 2) return [];
    const list = groups.map(([value, own]) => `${value} on ${own.map(({ name }) => name).join(', ')}`);
    return [`${what} differs: ${list.join('; ')}`];
  });
}

function text(values: ReadonlySet<string>): string {
  return [...values].sort().join(' and ');
}

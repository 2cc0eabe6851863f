import { shown, UserError } from '../../model/input/userError.ts';
import { fabricOver, type ImportedNode, type ImportedTree } from './importedTree.ts';
import { addImpliedGpus } from './ncclImpliedGpus.ts';
import { pcieLinkOf } from './ncclPcieLink.ts';
import { isPartOfBroadcomSwitch } from './ncclSwitch.ts';
import { checkElements, required } from './ncclTopologyFormat.ts';
import { type ImportedText, readImportedText } from './text/importedText.ts';
import { parseXml, type XmlElement } from './text/xmlElements.ts';

/**
 * The PCIe tree from the XML that NCCL writes with NCCL_TOPO_DUMP_FILE: a node for each `cpu` (a NUMA node,
 * called socket here), switch and GPU; GPUs are `gpu` and NCCL's device number. Whatever has no GPU below it
 * becomes a note.
 *
 * @throws UserError with file and line of an element that NCCL does not write, a GPU that is listed twice,
 * ranks of more than one host, and of a file that is cut short or has no GPU.
 */
export function readNcclTopology(file: string): ImportedTree {
  return ncclTopology(readImportedText(file));
}

/** As readNcclTopology, for text that is already in memory. */
export function ncclTopology(source: ImportedText): ImportedTree {
  const { file } = source;
  const system = parseXml(source);
  checkElements(system, file);
  const implied = system.children.some(hasGpu) ? 0 : addImpliedGpus(system);
  const sockets = system.children.filter(hasGpu);
  if (sockets.length === 0) {
    throw new UserError(
      'has no <gpu>, and no <pci> of class 0x0302xx; dump it from a run on GPUs, or give the file of a machine with some',
      { file, line: system.line },
    );
  }
  checkOneHost(sockets, file);
  const walk = new TreeWalk(file);
  if (implied > 0)
    walk.notes.push(
      `${file}:${system.line}: has no <gpu>, as the files that providers give to NCCL; its ${implied} <pci> of a GPU's class ` +
        'are numbered in the order of their bus ids',
    );
  for (const cpu of system.children) walk.addSocket(cpu, sockets.length);
  const fabric = fabricOver(sockets.length);
  const gpus = [...walk.gpus.entries()].sort(([a], [b]) => a - b).map(([, id]) => id);
  return {
    file,
    writer: 'NCCL topology file',
    gpus,
    nodes: fabric === null ? walk.nodes : [fabric, ...walk.nodes],
    nvlinks: walk.nvlinks.map(({ peer, ...bond }) => ({ ...bond, peer: walk.gpuOfBusId.get(peer) ?? peer })),
    notes: walk.notes,
  };
}

/** Collects the nodes in the file's order. */
class TreeWalk {
  readonly nodes: ImportedNode[] = [];
  /** Tree node by NCCL's device number. */
  readonly gpus = new Map<number, string>();
  readonly gpuOfBusId = new Map<string, string>();
  readonly nvlinks: ImportedTree['nvlinks'] = [];
  readonly notes: string[] = [];
  readonly #file: string;
  readonly #sockets = new Set<string>();
  #switches = 0;

  constructor(file: string) {
    this.#file = file;
  }

  addSocket(cpu: XmlElement, sockets: number): void {
    const numa = required(cpu, 'numaid', this.#file);
    if (!/^(-1|\d+)$/.test(numa)) {
      throw new UserError(`numaid: expected a number, got ${shown(numa)}; dump the file again`, {
        file: this.#file,
        line: cpu.line,
      });
    }
    if (!hasGpu(cpu)) {
      this.#note(cpu, `cpu ${numa} has no GPU below it; left out`);
      return;
    }
    const id = numa === '-1' ? 'socket' : `socket${numa}`;
    const parent = sockets > 1 ? 'fabric' : null;
    if (this.#sockets.has(id)) {
      throw new UserError(`numaid ${shown(numa)} is listed twice; dump the file again`, {
        file: this.#file,
        line: cpu.line,
      });
    }
    this.#sockets.add(id);
    this.nodes.push({ id, kind: 'socket', parent, pcie: null, comment: `NUMA node ${numa}` });
    this.#addChildren(cpu, id);
  }

  #addChildren(element: XmlElement, parent: string): void {
    for (const child of element.children) {
      if (child.name === 'pci') this.#addPci(child, element, parent);
      else if (child.name === 'nic') this.#note(child, 'nic has no GPU below it; left out');
      else if (child.name === 'pcilink')
        this.#note(child, 'pcilink between switches is outside the tree; left out');
    }
  }

  #addPci(pci: XmlElement, above: XmlElement, parent: string): void {
    const busId = required(pci, 'busid', this.#file);
    if (!hasGpu(pci)) {
      this.#note(pci, `pci ${busId} has no GPU below it; left out`);
      return;
    }
    const gpus = pci.children.filter(({ name }) => name === 'gpu');
    if (gpus.length > 1) {
      throw new UserError(
        `pci ${busId} has ${gpus.length} GPUs; expected one GPU a device, without partitions`,
        {
          file: this.#file,
          line: gpus[1]!.line,
        },
      );
    }
    if (gpus.length === 0 && isPartOfBroadcomSwitch(pci, above)) {
      this.#note(
        pci,
        `pci ${busId} is an inner part of the switch of line ${above.line}; taken as one with it`,
      );
      this.#addChildren(pci, parent);
      return;
    }
    const link = pcieLinkOf(pci);
    if ('unknown' in link) this.#note(pci, `pci ${busId}: ${link.unknown}; give this link's rates by hand`);
    const pcie = 'unknown' in link ? null : link;
    if (gpus.length === 1) {
      const id = this.#addGpu(gpus[0]!, busId);
      const isC2c = gpus[0]!.children.some(({ name }) => name === 'c2c');
      this.nodes.push({ id, kind: 'gpu', parent, pcie, ...(isC2c && { c2c: true }), comment: busId });
      return;
    }
    const id = `switch${this.#switches++}`;
    this.nodes.push({ id, kind: 'switch', parent, pcie, comment: busId });
    this.#addChildren(pci, id);
  }

  #addGpu(gpu: XmlElement, busId: string): string {
    const place = { file: this.#file, line: gpu.line };
    const text = required(gpu, 'dev', this.#file);
    if (!/^\d+$/.test(text)) {
      throw new UserError(
        `gpu dev: expected a device number, got ${shown(text)}; dump the file again`,
        place,
      );
    }
    const dev = Number(text);
    if (this.gpus.has(dev)) throw new UserError(`gpu dev ${dev} is listed twice; dump the file again`, place);
    const id = `gpu${dev}`;
    this.gpus.set(dev, id);
    this.gpuOfBusId.set(busId.toLowerCase(), id);
    for (const child of gpu.children) {
      if (child.name === 'c2c') {
        this.#note(
          child,
          `${id} reaches its host over NVLink-C2C besides PCIe; its rates are those published of a GH200`,
        );
        continue;
      }
      const count = required(child, 'count', this.#file);
      if (!/^[1-9]\d*$/.test(count)) {
        throw new UserError(
          `nvlink count: expected a number of links, got ${shown(count)}; dump the file again`,
          {
            file: this.#file,
            line: child.line,
          },
        );
      }
      const peer = required(child, 'target', this.#file).toLowerCase();
      this.nvlinks.push({ gpu: id, peer, links: Number(count) });
    }
    return id;
  }

  #note(element: XmlElement, text: string): void {
    this.notes.push(`${this.#file}:${element.line}: ${text}`);
  }
}

function hasGpu(element: XmlElement): boolean {
  return element.name === 'gpu' || element.children.some(hasGpu);
}

function checkOneHost(sockets: readonly XmlElement[], file: string): void {
  const [first, ...others] = sockets;
  const other = others.find((cpu) => cpu.attributes.host_hash !== first!.attributes.host_hash);
  if (other === undefined) return;
  throw new UserError(
    `host_hash ${shown(other.attributes.host_hash ?? null)} is another host than that of ` +
      `line ${first!.line}; a machine is one host: dump the file from a run on one`,
    { file, line: other.line },
  );
}

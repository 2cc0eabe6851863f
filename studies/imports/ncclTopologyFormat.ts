import { shown, UserError } from '../../model/input/userError.ts';
import type { XmlElement } from './text/xmlElements.ts';

/** Elements of NCCL's topology XML and what may stand in each (src/graph/xml.cc of NCCL 2.19 to 2.30). */
const CHILDREN: Readonly<Record<string, readonly string[]>> = {
  system: ['cpu'],
  cpu: ['pci', 'nic'],
  pci: ['pci', 'gpu', 'nic', 'net', 'pcilink'],
  gpu: ['nvlink', 'c2c'],
  nic: ['net', 'gin', 'rma'],
  net: [],
  gin: [],
  rma: [],
  nvlink: [],
  c2c: [],
  pcilink: [],
};

/**
 * Checks the names of all elements, and where they stand.
 *
 * @throws UserError with file and line of one that NCCL does not write, or of another version of the format.
 */
export function checkElements(root: XmlElement, file: string): void {
  if (root.name !== 'system') {
    throw new UserError(`element <${root.name}>: expected <system>, as NCCL_TOPO_DUMP_FILE gives it`, {
      file,
      line: root.line,
    });
  }
  const version = required(root, 'version', file);
  if (version !== '1') {
    throw new UserError(`version ${shown(version)}: expected "1", the format of NVIDIA's NCCL`, {
      file,
      line: root.line,
    });
  }
  checkChildren(root, file);
}

function checkChildren(element: XmlElement, file: string): void {
  const allowed = CHILDREN[element.name]!;
  for (const child of element.children) {
    if (!allowed.includes(child.name)) {
      const expected = allowed.length === 0 ? 'nothing' : allowed.map((name) => `<${name}>`).join(', ');
      throw new UserError(`element <${child.name}> in <${element.name}>: expected ${expected}`, {
        file,
        line: child.line,
      });
    }
    checkChildren(child, file);
  }
}

/** An attribute that must be there. */
export function required(element: XmlElement, attribute: string, file: string): string {
  const value = element.attributes[attribute];
  if (value !== undefined) return value;
  throw new UserError(`<${element.name}> has no ${attribute}; dump the file again`, {
    file,
    line: element.line,
  });
}

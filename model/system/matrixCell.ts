/** PCIe paths of the legend of `nvidia-smi topo -m`, the shortest first. */
export const PATHS = ['PIX', 'PXB', 'PHB', 'NODE', 'SYS'] as const;

export type PathName = (typeof PATHS)[number];

/** A cell of the matrix. */
export type MatrixCell = { text: string } & (
  | { kind: 'self' }
  | { kind: 'path'; path: PathName }
  | { kind: 'nvlink'; links: number }
);

/** What drivers before 390 or so called SYS. */
const OLD_SYS = 'SOC';

/** A cell from its text; null for what the legend does not have. */
export function matrixCell(text: string): MatrixCell | null {
  if (text === 'X') return { text, kind: 'self' };
  const path = text === OLD_SYS ? 'SYS' : PATHS.find((name) => name === text);
  if (path !== undefined) return { text: path, kind: 'path', path };
  const links = /^NV([1-9]\d*)$/.exec(text)?.[1];
  return links === undefined ? null : { text, kind: 'nvlink', links: Number(links) };
}

/** Whether one path reaches no further than another. */
export function within(path: PathName, reach: PathName): boolean {
  return PATHS.indexOf(path) <= PATHS.indexOf(reach);
}

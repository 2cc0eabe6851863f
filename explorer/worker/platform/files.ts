import type { FileStatus, Files } from '../../../model/input/files.ts';
import type { GivenFile } from '../../protocol.ts';

/** The package's own YAML files by their path in it; scripts/explorer.mjs puts them here. */
declare const PACKAGE_FILES: Readonly<Record<string, string>>;

/** Reads a part of a file of the user's at once, which only workers may. */
interface BlobReader {
  readAsArrayBuffer(blob: Blob): ArrayBuffer;
}
declare const FileReaderSync: new () => BlobReader;

/** In place of the package's folder; no file that a user gives has a slash in its name. */
export const PACKAGE = '/chunkflow';

const given = new Map<string, GivenFile>();

/** Makes a file known by its name, in place of one that had it before. */
export function giveFile(name: string, content: GivenFile): void {
  given.set(name, content);
}

export function forgetFile(name: string): void {
  given.delete(name);
}

/** Files that the package ships and those that the user gave, in place of model/input/files.ts. */
export const files: Files = {
  exists: (path) => known(path) !== undefined || namesIn(path).length > 0,
  status: (path): FileStatus => {
    if (namesIn(path).length > 0) return { bytes: 0, isFile: false, isFolder: true };
    return { bytes: sizeOf(opened(path)), isFile: true, isFolder: false };
  },
  text: (path) => {
    const content = opened(path);
    if (typeof content === 'string') return content;
    const bytes = content instanceof Uint8Array ? content : partOf(content, 0, content.size);
    return new TextDecoder('utf-8', { ignoreBOM: true }).decode(bytes);
  },
  part: (path, offset, bytes) => {
    const content = opened(path);
    if (content instanceof Blob) return partOf(content, offset, bytes);
    return bytesOf(content).slice(offset, offset + bytes);
  },
  names: (folder) => {
    const names = namesIn(folder);
    if (names.length === 0) throw missing(folder);
    return names;
  },
  join: (...parts) => parts.filter((part) => part !== '.').join('/'),
  folderOf: (path) => (path.includes('/') ? path.slice(0, path.lastIndexOf('/')) : '.'),
  nameOf: (path, ending = '') => {
    const name = path.slice(path.lastIndexOf('/') + 1);
    return name !== ending && name.endsWith(ending) ? name.slice(0, name.length - ending.length) : name;
  },
};

function known(path: string): GivenFile | undefined {
  const own = path.startsWith(`${PACKAGE}/`) ? path.slice(PACKAGE.length + 1) : null;
  if (own === null) return given.get(path);
  return Object.hasOwn(PACKAGE_FILES, own) ? PACKAGE_FILES[own] : undefined;
}

function opened(path: string): GivenFile {
  const content = known(path);
  if (content === undefined) throw missing(path);
  return content;
}

/** As Node says that nothing is there. */
function missing(path: string): Error {
  return Object.assign(new Error(`no file ${path}`), { code: 'ENOENT' });
}

/** Names in a folder of the package; the user's files lie in none. */
function namesIn(folder: string): string[] {
  const prefix = `${folder.slice(PACKAGE.length + 1)}/`;
  if (!folder.startsWith(`${PACKAGE}/`)) return [];
  const below = Object.keys(PACKAGE_FILES).filter((path) => path.startsWith(prefix));
  return [...new Set(below.map((path) => path.slice(prefix.length).split('/')[0]!))];
}

function sizeOf(content: GivenFile): number {
  return content instanceof Blob ? content.size : bytesOf(content).length;
}

function bytesOf(content: string | Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> {
  return typeof content === 'string' ? new TextEncoder().encode(content) : content;
}

function partOf(blob: Blob, offset: number, bytes: number): Uint8Array<ArrayBuffer> {
  return new Uint8Array(new FileReaderSync().readAsArrayBuffer(blob.slice(offset, offset + bytes)));
}

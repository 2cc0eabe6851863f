import { utf8Of } from '../../../model/input/bytes.ts';
import type { FileStatus, Files } from '../../../model/input/files.ts';
import type { GivenFile } from '../../protocol.ts';

/** The package's own YAML files by their path in it; scripts/explorer.mjs puts them here. */
declare const PACKAGE_FILES: Readonly<Record<string, string>>;

/** Reads a part of a file of the user's at once, which only workers may. */
interface BlobReader {
  readAsArrayBuffer(blob: Blob): ArrayBuffer;
}
declare const FileReaderSync: new () => BlobReader;

/** A request that is waited for, which only workers may. */
interface Request {
  open(method: 'GET', url: string, isAsync: false): void;
  setRequestHeader(name: string, value: string): void;
  responseType: 'arraybuffer';
  send(): void;
  readonly status: number;
  readonly response: ArrayBuffer;
}
declare const XMLHttpRequest: new () => Request;

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
    return typeof content === 'string' ? content : utf8Of(partOf(content, 0, sizeOf(content)));
  },
  part: (path, offset, bytes) => partOf(opened(path), offset, bytes),
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
  if (typeof content === 'string') return encoder.encode(content).length;
  if (ArrayBuffer.isView(content)) return content.length;
  return content instanceof Blob ? content.size : content.bytes;
}

const encoder = new TextEncoder();

function partOf(content: GivenFile, offset: number, bytes: number): Uint8Array<ArrayBuffer> {
  const end = Math.min(offset + bytes, sizeOf(content));
  if (end <= offset) return new Uint8Array(0);
  if (typeof content === 'string') return encoder.encode(content).subarray(offset, end);
  if (ArrayBuffer.isView(content)) return content.subarray(offset, end);
  const part =
    content instanceof Blob
      ? new FileReaderSync().readAsArrayBuffer(content.slice(offset, end))
      : rangeOf(content.url, offset, end);
  return new Uint8Array(part);
}

/** Bytes of a file that the page's server reads out. */
function rangeOf(url: string, offset: number, end: number): ArrayBuffer {
  const request = new XMLHttpRequest();
  request.open('GET', url, false);
  request.setRequestHeader('Range', `bytes=${offset}-${end - 1}`);
  request.responseType = 'arraybuffer';
  request.send();
  if (request.status === 206) return request.response;
  throw Object.assign(new Error(`${url}: HTTP ${request.status}`), { code: `HTTP ${request.status}` });
}

import { closeSync, existsSync, openSync, readdirSync, readFileSync, readSync, statSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';

export interface FileStatus {
  bytes: number;
  isFile: boolean;
  isFolder: boolean;
}

/**
 * Where models, machines, profiles and plans are read from. A browser, which has no files, has another module in this one's place:
 * package.json's `browser` names it.
 *
 * What cannot be read throws an error that has a `code`, such as `ENOENT`.
 */
export interface Files {
  exists(path: string): boolean;
  /** Of what a link leads to. */
  status(path: string): FileStatus;
  /** All of a file, as UTF-8. */
  text(path: string): string;
  /** Fewer bytes than were asked for where the file ends. */
  part(path: string, offset: number, bytes: number): Uint8Array<ArrayBuffer>;
  /** What a folder holds, in no order. */
  names(folder: string): string[];
  join(...parts: string[]): string;
  folderOf(path: string): string;
  /** Last part of a path, without `ending` if it has that. */
  nameOf(path: string, ending?: string): string;
}

/** The files of this machine. */
export const files: Files = {
  exists: existsSync,
  status: (path) => {
    const status = statSync(path);
    return { bytes: status.size, isFile: status.isFile(), isFolder: status.isDirectory() };
  },
  text: (path) => readFileSync(path, 'utf8'),
  part: (path, offset, bytes) => {
    const descriptor = openSync(path, 'r');
    try {
      const part = new Uint8Array(bytes);
      return part.subarray(0, readSync(descriptor, part, 0, bytes, offset));
    } finally {
      closeSync(descriptor);
    }
  },
  names: (folder) => readdirSync(folder),
  join,
  folderOf: dirname,
  nameOf: basename,
};

import { createHash } from 'node:crypto';
import { closeSync, fstatSync, openSync, readdirSync, readFileSync } from 'node:fs';
import { extname, join } from 'node:path';
import { UserError } from '../../model/input/userError.ts';
import { GIVEN_FOLDER, GIVEN_META, type HostedFile } from '../hostedFiles.ts';

const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.wasm': 'application/wasm',
};

/** A static file of the explorer. */
export interface Resource {
  type: string;
  tag: string;
  content: Buffer;
  /** Made when it is first asked for. */
  zipped?: Buffer;
}

/**
 * The explorer's static files by their paths in an address, the page with what it may read of the user's.
 *
 * @param given files of the user's by their names in the page.
 * @throws UserError for one that cannot be read.
 */
export function resourcesOf(site: string, given: ReadonlyMap<string, string>): Map<string, Resource> {
  const resources = new Map(
    readdirSync(site).map((name) => [`/${name}`, resourceOf(join(site, name), given)]),
  );
  return resources.set('/', resources.get('/index.html')!);
}

function resourceOf(path: string, given: ReadonlyMap<string, string>): Resource {
  const plain = readFileSync(path);
  const type = TYPES[extname(path)] ?? 'application/octet-stream';
  const content = type.startsWith('text/html') ? withGiven(plain.toString('utf8'), given) : plain;
  return { type, content, tag: `"${createHash('sha256').update(content).digest('hex').slice(0, 32)}"` };
}

/** The page with what it may read of the user's, in an element that a hosted page has not. */
function withGiven(page: string, given: ReadonlyMap<string, string>): Buffer {
  if (given.size === 0) return Buffer.from(page);
  const list: (HostedFile & { name: string })[] = [...given].map(([name, path]) => ({
    ...{ name, url: `${GIVEN_FOLDER}/${encodeURIComponent(name)}`, bytes: sizeOf(path) },
  }));
  const escaped = JSON.stringify(list).replace(/[&"<>]/g, (character) => `&#${character.charCodeAt(0)};`);
  return Buffer.from(
    page.replace('</head>', () => `<meta name="${GIVEN_META}" content="${escaped}"></head>`),
  );
}

function sizeOf(path: string): number {
  const descriptor = opened(path);
  try {
    return fstatSync(descriptor).size;
  } finally {
    closeSync(descriptor);
  }
}

function opened(path: string): number {
  try {
    return openSync(path, 'r');
  } catch (error) {
    throw new UserError(
      `cannot be read (${(error as NodeJS.ErrnoException).code}); give a file that exists`,
      {
        file: path,
      },
    );
  }
}

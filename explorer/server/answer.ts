import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import type { IncomingHttpHeaders } from 'node:http';
import { gzipSync } from 'node:zlib';
import { GIVEN_FOLDER } from '../hostedFiles.ts';
import type { Resource } from './resources.ts';

/** Names of this machine that browsers send: any other was pointed here by somebody's DNS. */
const HOSTS = ['127.0.0.1', 'localhost'];

/** Bytes of a user's file that one answer has at the most: what is read of a checkpoint is its header. */
const MOST_OF_RANGE = 128 * 2 ** 20;

export interface Request {
  method: string;
  /** Path and query. */
  url: string;
  headers: IncomingHttpHeaders;
  /** That it came in at. */
  port: number;
}

export interface Answer {
  status: number;
  headers: Readonly<Record<string, string | number>>;
  body: string | Uint8Array;
}

export interface Served {
  resources: ReadonlyMap<string, Resource>;
  /** Paths of files of the user's by their names in the page. */
  given: ReadonlyMap<string, string>;
}

/** What the server says: files that it knows by name and nothing else, to pages of its own address. */
export function answerTo({ method, url, headers, port }: Request, { resources, given }: Served): Answer {
  if (!HOSTS.some((host) => headers.host === `${host}:${port}`))
    return refusal(421, 'this server answers to 127.0.0.1 and localhost alone');
  if (method !== 'GET' && method !== 'HEAD')
    return refusal(405, 'GET and HEAD are answered', { Allow: 'GET, HEAD' });
  const [path] = url.split('?', 1) as [string];
  const resource = resources.get(path);
  if (resource !== undefined) return whole(resource, headers);
  const file = given.get(nameUnder(path, `/${GIVEN_FOLDER}/`) ?? '');
  return file === undefined ? refusal(404, 'there is no such file here') : range(file, headers);
}

function refusal(status: number, why: string, headers: Answer['headers'] = {}): Answer {
  return { status, headers: { 'Content-Type': 'text/plain; charset=utf-8', ...headers }, body: `${why}\n` };
}

/** The name behind a prefix; null for what is no address of one. */
function nameUnder(path: string, prefix: string): string | null {
  if (!path.startsWith(prefix)) return null;
  try {
    return decodeURIComponent(path.slice(prefix.length));
  } catch {
    return null;
  }
}

function whole(resource: Resource, headers: IncomingHttpHeaders): Answer {
  const shared = { ETag: resource.tag, Vary: 'Accept-Encoding' };
  if (headers['if-none-match'] === resource.tag) return { status: 304, headers: shared, body: '' };
  const takesGzip = /\bgzip\b/.test(String(headers['accept-encoding'] ?? ''));
  if (takesGzip) resource.zipped ??= gzipSync(resource.content, { level: 6 });
  return {
    status: 200,
    headers: { ...shared, 'Content-Type': resource.type, ...(takesGzip && { 'Content-Encoding': 'gzip' }) },
    body: takesGzip ? resource.zipped! : resource.content,
  };
}

/** A part of a file of the user's, which a checkpoint of any size is read by. */
function range(path: string, headers: IncomingHttpHeaders): Answer {
  const [, first, last] = /^bytes=(\d{1,15})-(\d{1,15})$/.exec(headers.range ?? '') ?? [];
  if (first === undefined || last === undefined) return refusal(416, 'ask for a range of bytes');
  let descriptor: number;
  try {
    descriptor = openSync(path, 'r');
  } catch {
    return refusal(404, 'the file is gone');
  }
  try {
    const { size } = fstatSync(descriptor);
    const offset = Number(first);
    const bytes = Math.min(Number(last) + 1, size) - offset;
    if (bytes <= 0 || bytes > MOST_OF_RANGE)
      return refusal(416, `expected a range of 1 to ${MOST_OF_RANGE} bytes of ${size}`, {
        'Content-Range': `bytes */${size}`,
      });
    const part = Buffer.alloc(bytes);
    const read = readSync(descriptor, part, 0, bytes, offset);
    return {
      status: 206,
      headers: {
        'Content-Type': 'application/octet-stream',
        'Content-Range': `bytes ${offset}-${offset + read - 1}/${size}`,
      },
      body: part.subarray(0, read),
    };
  } finally {
    closeSync(descriptor);
  }
}

import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { UserError } from '../../model/input/userError.ts';
import { answerTo } from './answer.ts';
import { resourcesOf } from './resources.ts';

const ADDRESS = '127.0.0.1';

/** Scripts, styles and requests of this server alone; WebAssembly for the solver. */
const POLICY = [
  "default-src 'none'",
  "script-src 'self' 'wasm-unsafe-eval'",
  "style-src 'self'",
  "img-src 'self' data:",
  "font-src 'self'",
  "connect-src 'self'",
  "worker-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ');

const HEADERS = {
  'Content-Security-Policy': POLICY,
  'X-Content-Type-Options': 'nosniff',
  'Referrer-Policy': 'no-referrer',
  'Cross-Origin-Resource-Policy': 'same-origin',
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cache-Control': 'no-cache',
} as const;

export interface ServerOptions {
  /** A free one unless given. */
  port?: number;
  /** Taken where nothing else listens at it, and no `port` is given. */
  usualPort?: number;
  /** Files of the user's that the page may read, by their names in it. */
  given?: ReadonlyMap<string, string>;
}

export interface Serving {
  /** `http://127.0.0.1:PORT/`. */
  address: string;
  close(): void;
}

/**
 * Serves the explorer's static files to this machine alone.
 *
 * @throws UserError for a port that is taken.
 */
export async function serveExplorer(
  site: string,
  { port, usualPort, given = new Map() }: ServerOptions = {},
): Promise<Serving> {
  const served = { resources: resourcesOf(site, given), given };
  const server = createServer((request, response) => {
    const { method = '', url = '/', headers, socket } = request;
    const { port: own } = socket.address() as AddressInfo;
    const { status, headers: more, body } = answerTo({ method, url, headers, port: own }, served);
    response.writeHead(status, { ...HEADERS, ...more, 'Content-Length': Buffer.byteLength(body) });
    response.end(method === 'HEAD' ? undefined : body);
  });
  const listening = port ?? (usualPort !== undefined && (await listens(server, usualPort)) ? null : 0);
  if (listening !== null && !(await listens(server, listening)))
    throw new UserError(`--port ${listening}: cannot be listened at; give another, or leave it out`);
  const own = (server.address() as AddressInfo).port;
  return {
    address: `http://${ADDRESS}:${own}/`,
    close: () => {
      server.close();
      server.closeAllConnections();
    },
  };
}

/** Whether the server listens at a port now; it does not where the port is taken or not for everybody. */
function listens(server: Server, port: number): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const failed = (error: NodeJS.ErrnoException) => {
      if (error.code === 'EADDRINUSE' || error.code === 'EACCES') resolve(false);
      else reject(error);
    };
    server.once('error', failed);
    server.listen(port, ADDRESS, () => {
      server.off('error', failed);
      resolve(true);
    });
  });
}

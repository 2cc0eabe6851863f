import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { serveExplorer } from '../../explorer/server/server.ts';
import { UserError } from '../../model/input/userError.ts';

const test = suite("the explorer's server");

const folder = mkdtempSync(join(tmpdir(), 'chunkflow-server-'));
const site = join(folder, 'site');
mkdirSync(site);
writeFileSync(join(site, 'index.html'), '<!doctype html><head></head><body>the page</body>');
writeFileSync(join(site, 'worker.js'), '1;'.repeat(1000));
writeFileSync(join(site, 'highs.wasm'), '\0asm');
writeFileSync(join(folder, 'secret.txt'), 'secret');
const own = join(folder, 'own "<file>.yaml');
writeFileSync(own, '0123456789');

const plain = await serveExplorer(site);
const serving = await serveExplorer(site, { given: new Map([['own "<file>.yaml', own]]) });
const port = Number(new URL(serving.address).port);

/** What is sent back for a request as it stands, which no client would tidy up. */
function raw(request: string): Promise<{ head: string; body: Buffer }> {
  return new Promise((resolve, reject) => {
    const parts: Buffer[] = [];
    const socket = connect(port, '127.0.0.1', () => socket.write(request));
    socket.on('data', (part) => parts.push(part));
    socket.on('error', reject);
    socket.on('close', () => {
      const all = Buffer.concat(parts);
      const end = all.indexOf('\r\n\r\n');
      resolve({ head: all.toString('latin1', 0, end), body: all.subarray(end + 4) });
    });
  });
}

const get = (path: string, headers: Record<string, string> = {}, method = 'GET') =>
  raw(
    `${method} ${path} HTTP/1.1\r\n${Object.entries({
      Host: `127.0.0.1:${port}`,
      Connection: 'close',
      ...headers,
    })
      .map(([name, value]) => `${name}: ${value}\r\n`)
      .join('')}\r\n`,
  );
const statusOf = ({ head }: { head: string }) => Number(head.split(' ')[1]);

test('static files are given with their type, and with a policy that allows this server alone', async () => {
  const types = {
    '/': 'text/html',
    '/index.html': 'text/html',
    '/worker.js': 'text/javascript',
    '/highs.wasm': 'application/wasm',
  };
  for (const [path, type] of Object.entries(types)) {
    const { head } = await get(path);
    assert.match(head, /^HTTP\/1.1 200 /, path);
    assert.ok(head.includes(`Content-Type: ${type}`), head);
    const policy = /Content-Security-Policy: (.*)/.exec(head)![1]!;
    const sources = policy.split(/[ ;]+/).filter((word) => !/^[a-z]+(-[a-z]+)*$/.test(word));
    assert.equal([...new Set(sources)].sort(), ["'none'", "'self'", "'wasm-unsafe-eval'", 'data:']);
    for (const header of [
      'X-Content-Type-Options: nosniff',
      'Referrer-Policy: no-referrer',
      'Cross-Origin-Resource-Policy: same-origin',
    ])
      assert.ok(head.includes(header), header);
  }
  assert.is((await get('/worker.js?v=1')).body.toString(), '1;'.repeat(1000));
});

test('only names of this machine are answered to: a name of somebody else may lead here', async () => {
  assert.is(statusOf(await get('/', { Host: `localhost:${port}` })), 200);
  const others = [
    'evil.example',
    `evil.example:${port}`,
    '127.0.0.1',
    `127.0.0.1:${port}.evil.example`,
    `127.0.0.1:${port + 1}`,
    '',
  ];
  for (const host of others) {
    const { head, body } = await get('/', { Host: host });
    assert.is(statusOf({ head }), 421, host);
    assert.not.match(body.toString(), /the page/);
  }
  assert.is(statusOf(await raw(`GET / HTTP/1.0\r\n\r\n`)), 421);
});

test('nothing but the files that it knows is given, however it is asked for', async () => {
  symlinkSync(join(folder, 'secret.txt'), join(site, 'late.txt'));
  const paths = [
    ...['/../secret.txt', '/..%2fsecret.txt', '/%2e%2e/secret.txt', '/./../secret.txt', '//secret.txt'],
    ...['/given/..%2f..%2fsecret.txt', '/given/', '/given/secret.txt', '/given/%', '/late.txt', '/nothing'],
    ...[
      `/${folder}/secret.txt`,
      '/worker.js/',
      '/WORKER.JS',
      '/worker.js%00',
      '*',
      `http://evil.example/worker.js`,
    ],
  ];
  for (const path of paths) {
    const answer = await get(path, { Range: 'bytes=0-5' });
    assert.is(statusOf(answer), 404, path);
    assert.not.match(answer.body.toString(), /secret/);
  }
});

test('other methods are refused', async () => {
  for (const method of ['POST', 'PUT', 'DELETE', 'OPTIONS', 'PATCH'])
    assert.is(statusOf(await get('/', {}, method)), 405, method);
  const { head, body } = await get('/worker.js', {}, 'HEAD');
  assert.is(statusOf({ head }), 200);
  assert.is(body.length, 0);
});

test('what a browser takes compressed is compressed, and what it has is not sent again', async () => {
  const { head, body } = await get('/worker.js', { 'Accept-Encoding': 'br, gzip' });
  assert.match(head, /Content-Encoding: gzip/);
  assert.is(gunzipSync(body).toString(), '1;'.repeat(1000));
  const tag = /ETag: (.*)/.exec(head)![1]!;
  const again = await get('/worker.js', { 'If-None-Match': tag });
  assert.is(statusOf(again), 304);
  assert.is(again.body.length, 0);
  assert.is(statusOf(await get('/index.html', { 'If-None-Match': tag })), 200);
});

test('a file that the command line named is read by ranges, whatever its name is', async () => {
  const path = `/given/${encodeURIComponent('own "<file>.yaml')}`;
  const part = await get(path, { Range: 'bytes=2-4' });
  assert.is(statusOf(part), 206);
  assert.match(part.head, /Content-Range: bytes 2-4\/10/);
  assert.is(part.body.toString(), '234');
  assert.is((await get(path, { Range: 'bytes=8-99' })).body.toString(), '89');
  for (const range of ['', 'bytes=10-11', 'bytes=5-4', 'bytes=-3', 'bytes=0-', 'bytes=0-1,3-4', 'bytes=a-b'])
    assert.is(statusOf(await get(path, range === '' ? {} : { Range: range })), 416, range);
  const page = (await get('/')).body.toString();
  const [, content] = /<meta name="chunkflow-given" content="([^"]*)">/.exec(page)!;
  assert.not.match(content!, /[<>]/);
  const list = JSON.parse(content!.replace(/&#(\d+);/g, (_, code) => String.fromCharCode(Number(code))));
  assert.equal(list, [{ name: 'own "<file>.yaml', url: path.slice(1), bytes: 10 }]);
  assert.not.match(await (await fetch(plain.address)).text(), /meta/);
});

test('a port that is taken is a mistake, or another is taken where it was only usual', async () => {
  await serveExplorer(site, { port })
    .then(() => assert.unreachable())
    .catch((error: unknown) => {
      assert.instance(error, UserError);
      assert.is(
        (error as Error).message,
        `--port ${port}: cannot be listened at; give another, or leave it out`,
      );
    });
  const other = await serveExplorer(site, { usualPort: port });
  assert.not.equal(new URL(other.address).port, String(port));
  assert.is((await fetch(other.address)).status, 200);
  other.close();
  const free = Number(new URL(other.address).port);
  const usual = await serveExplorer(site, { usualPort: free });
  assert.is(new URL(usual.address).port, String(free));
  usual.close();
});

test.after(() => {
  serving.close();
  plain.close();
  rmSync(folder, { recursive: true });
});
test.run();

import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { skip } from '../support/skip.ts';
import { accessibilityFaults } from './accessibility.ts';
import { TestBrowser, type WatchedPage } from './testBrowser.ts';

const pages = suite('the browser that tests pages');
const folder = mkdtempSync(join(tmpdir(), 'chunkflow-pages-'));
const browser = await TestBrowser.launch();

const fileOf = (name: string, body: string) => {
  const file = join(folder, `${name}.html`);
  writeFileSync(
    file,
    `<!doctype html><html lang="en"><meta charset="utf-8"><title>${name}</title>${body}</html>`,
  );
  return pathToFileURL(file).href;
};

/** Complaints come through the debugger, after what caused them. */
async function firstComplaint({ complaints }: WatchedPage): Promise<string> {
  for (let tries = 0; tries < 200 && complaints().length === 0; tries += 1)
    await new Promise((resolve) => setTimeout(resolve, 50));
  return complaints()[0] ?? 'none';
}

const WORKER = `new Worker(URL.createObjectURL(new Blob([
  "fetch('http://elsewhere.example/model').catch(() => {})"])))`;

/** Page, and what is to be noticed about it. */
const FAULTY: Record<string, { body: string; complaint: RegExp }> = {
  'a console error': {
    body: '<script>console.error("no such plan")</script>',
    complaint: /^console: no such plan$/,
  },
  'an uncaught error': { body: '<script>null.plan</script>', complaint: /^uncaught: TypeError/ },
  'a rejected promise': {
    body: '<script>Promise.reject(new Error("late"))</script>',
    complaint: /^uncaught: Error: late/,
  },
  'an uncaught error of a worker': {
    body: '<script>new Worker(URL.createObjectURL(new Blob(["null.plan"])))</script>',
    complaint: /^(uncaught|console): .*null/,
  },
  'a picture from elsewhere': {
    body: '<img alt="" src="http://elsewhere.example/a.png">',
    complaint: /elsewhere\.example/,
  },
  'a file beside the page': { body: '<img alt="" src="beside.png">', complaint: /beside\.png/ },
  'a request of a worker': { body: `<script>${WORKER}</script>`, complaint: /elsewhere\.example/ },
};

if (typeof browser === 'string') {
  skip(pages, 'all', browser);
} else {
  pages.after(async () => {
    await browser.close();
    rmSync(folder, { recursive: true });
  });

  pages('a page in order: nothing to complain of, loaded in a known time', async () => {
    const picture = 'data:image/gif;base64,R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7';
    const opened = await browser.open(
      fileOf('order', `<main><h1>Order</h1><img alt="dot" src="${picture}"></main>`),
    );
    assert.equal(opened.complaints(), []);
    assert.ok(opened.loadMs > 0);
    assert.equal(await accessibilityFaults(opened.page), []);
  });

  for (const [name, { body, complaint }] of Object.entries(FAULTY))
    pages(`noticed: ${name}`, async () => {
      assert.match(
        await firstComplaint(await browser.open(fileOf(name.replaceAll(' ', '-'), body))),
        complaint,
      );
    });

  pages('a server on this machine is reached, and only that one', async () => {
    const server = createServer((request, response) => {
      response.setHeader('content-type', request.url === '/' ? 'text/html' : 'text/css');
      response.end(
        request.url === '/'
          ? '<!doctype html><link rel="stylesheet" href="/a.css"><p>here'
          : 'p { color: red }',
      );
    });
    server.listen(0, 'localhost');
    await once(server, 'listening');
    const { page, complaints } = await browser.open(
      `http://localhost:${(server.address() as AddressInfo).port}/`,
    );
    assert.is(await page.evaluate(`getComputedStyle(document.querySelector('p')).color`), 'rgb(255, 0, 0)');
    assert.equal(complaints(), []);
    await page.close();
    server.closeAllConnections();
    server.close();
  });

  pages('width, colour scheme and medium are as asked', async () => {
    const url = fileOf('look', '<meta name="viewport" content="width=device-width"><p>look');
    for (const look of [
      { widthPx: 390, scheme: 'dark', media: 'print' },
      { widthPx: 1440, scheme: 'light', media: 'screen' },
    ] as const) {
      const { page } = await browser.open(url, look);
      const [width, dark, print] = (await page.evaluate(
        `[innerWidth, matchMedia('(prefers-color-scheme: dark)').matches, matchMedia('print').matches]`,
      )) as [number, boolean, boolean];
      assert.equal([width, dark, print], [look.widthPx, look.scheme === 'dark', look.media === 'print']);
    }
  });

  pages('axe-core finds what a screen reader cannot read', async () => {
    const body =
      '<main><h1>Faults</h1><img src="data:image/gif;base64,R0lGODlhAQABAAAAACw="><button></button></main>';
    const { page } = await browser.open(fileOf('faults', body));
    const faults = await accessibilityFaults(page);
    assert.ok(
      faults.some((fault) => fault.startsWith('image-alt: ')) &&
        faults.some((fault) => fault.startsWith('button-name: ')),
      faults.join('\n'),
    );
  });
}

pages.run();

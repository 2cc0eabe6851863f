import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { createServer, type Server, type Socket } from 'node:net';
import puppeteer, { type Browser, type Page } from 'puppeteer-core';
import { installBrowser } from '../../scripts/browser.mjs';

/** How a page is looked at. */
export interface Look {
  /** Width of the window in CSS pixels: 390 is a phone, 1440 a desk. */
  widthPx?: number;
  scheme?: 'light' | 'dark';
  /** Left out, the screen, and print for a PDF. */
  media?: 'screen' | 'print';
}

/** A page that was opened, and everything that it did wrong since. */
export interface WatchedPage {
  page: Page;
  /** From the start of the navigation to the end of its `load` event, ms. */
  loadMs: number;
  /** Console errors, uncaught errors, and requests to anywhere but its own file or origin; empty for a page in order. */
  complaints(): readonly string[];
}

const HEIGHT_PX = 900;

/** Nobody listens there: what the browser asks for by itself, such as its updates, goes nowhere. */
const NO_PROXY = 'http://127.0.0.1:9';

/**
 * A headless browser for tests, which reaches nothing but this machine: everything else that a page asks for goes to a proxy of its own
 * that refuses and tells. Without a sandbox, since it may run as root and opens only our own pages; without a GPU.
 */
export class TestBrowser {
  readonly #browser: Browser;
  readonly #proxies: RefusingProxy[] = [];

  private constructor(browser: Browser) {
    this.#browser = browser;
  }

  /** @returns why there is none, with the way out, where no Chromium is there and none can be installed. */
  static async launch(): Promise<TestBrowser | string> {
    const installed = installBrowser({ say: (text) => process.stderr.write(`${text}\n`) });
    if (!installed.ok) return installed.why;
    const browser = await puppeteer.launch({
      executablePath: installed.executable,
      env: { ...process.env, ...installed.env },
      headless: 'shell',
      args: [
        ...['--no-sandbox', '--disable-gpu', '--disable-webgl', `--proxy-server=${NO_PROXY}`],
        // Chromium asks its maker how to fill in the fields of a page, which is no doing of the page.
        '--disable-features=AutofillServerCommunication',
      ],
    });
    return new TestBrowser(browser);
  }

  /**
   * Opens a page in a profile of its own.
   *
   * @param url `file:` or `http://localhost`.
   */
  async open(url: string, { widthPx = 1440, scheme = 'light', media }: Look = {}): Promise<WatchedPage> {
    const proxy = await RefusingProxy.listen();
    this.#proxies.push(proxy);
    const proxyServer = `http://127.0.0.1:${proxy.port}`;
    const context = await this.#browser.createBrowserContext({ proxyServer });
    const page = await context.newPage();
    const own = watch(page, url);
    await page.setViewport({
      width: widthPx,
      height: HEIGHT_PX,
      isMobile: widthPx < 600,
      hasTouch: widthPx < 600,
    });
    await emulateMedia(page, media, scheme);
    await page.goto(url, { waitUntil: 'load' });
    const loadMs = Number(await page.evaluate(`performance.getEntriesByType('navigation')[0].loadEventEnd`));
    const outside = () => proxy.refused.map((target) => `reached out: ${target}`);
    return { page, loadMs, complaints: () => [...own, ...outside()] };
  }

  async close(): Promise<void> {
    await this.#browser.close();
    for (const proxy of this.#proxies) proxy.close();
  }
}

/** Both in one message: puppeteer's two calls undo each other. */
async function emulateMedia(page: Page, media: Look['media'], scheme: string): Promise<void> {
  const session = await page.createCDPSession();
  const features = [{ name: 'prefers-color-scheme', value: scheme }];
  await session.send('Emulation.setEmulatedMedia', { media: media ?? '', features });
}

function watch(page: Page, url: string): readonly string[] {
  const complaints: string[] = [];
  page.on('console', (message) => {
    if (message.type() === 'error') complaints.push(`console: ${message.text()}`);
  });
  page.on('pageerror', (error) => complaints.push(`uncaught: ${String(error)}`));
  page.on('request', (request) => {
    if (!isOwn(request.url(), url)) complaints.push(`asked for ${request.url().slice(0, 200)}`);
  });
  page.on('requestfailed', (request) => complaints.push(`got no ${request.url().slice(0, 200)}`));
  return complaints;
}

/** A page on disk is one file; one of a server may ask that server. */
function isOwn(asked: string, url: string): boolean {
  const [of, page] = [new URL(asked), new URL(url)];
  if (of.protocol === 'data:' || of.protocol === 'blob:') return true;
  return page.protocol === 'file:'
    ? of.pathname === page.pathname && of.protocol === 'file:'
    : of.origin === page.origin;
}

/** An HTTP proxy that refuses every request and keeps what was asked: of workers and prefetches too, which no page reports. */
class RefusingProxy {
  readonly refused: string[] = [];
  readonly #server: Server;

  private constructor() {
    this.#server = createServer((socket) => this.#refuse(socket));
  }

  static async listen(): Promise<RefusingProxy> {
    const proxy = new RefusingProxy();
    proxy.#server.listen(0, '127.0.0.1');
    await once(proxy.#server, 'listening');
    return proxy;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  close(): void {
    this.#server.close();
  }

  #refuse(socket: Socket): void {
    socket.on('error', () => {});
    socket.once('data', (request) => {
      this.refused.push(request.toString().split('\r\n', 1)[0]!);
      socket.end('HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\nConnection: close\r\n\r\n');
    });
  }
}

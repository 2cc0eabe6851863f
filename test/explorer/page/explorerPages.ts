import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Page } from 'puppeteer-core';
import { type Serving, serveExplorer } from '../../../explorer/server/server.ts';
import { type ExplorerState, urlOf } from '../../../explorer/state.ts';
import { buildExplorer } from '../../../scripts/explorer.mjs';
import { type Look, TestBrowser, type WatchedPage } from '../../browser/testBrowser.ts';

/** What a step of a test may take on two busy cores, ms. */
export const PATIENCE_MS = 90_000;

/** The explorer as it is built now, served, and pages of it. */
export class ExplorerPages {
  readonly #site: string;
  readonly #serving: Serving;
  readonly #browser: TestBrowser;

  private constructor(site: string, serving: Serving, browser: TestBrowser) {
    this.#site = site;
    this.#serving = serving;
    this.#browser = browser;
  }

  /**
   * @param given files of the user's by their names in the page.
   * @returns why there is none where no Chromium is there.
   */
  static async launch(given: ReadonlyMap<string, string> = new Map()): Promise<ExplorerPages | string> {
    const browser = await TestBrowser.launch();
    if (typeof browser === 'string') return browser;
    const site = mkdtempSync(join(tmpdir(), 'chunkflow-explorer-'));
    await buildExplorer({ out: site });
    return new ExplorerPages(site, await serveExplorer(site, { given }), browser);
  }

  /** Opens the page of a state and waits until everything is drawn. */
  async open(state: ExplorerState = {}, look: Look = {}): Promise<ExplorerPage> {
    const watched = await this.#browser.open(urlOf(state, this.#serving.address), look);
    const page = new ExplorerPage(watched);
    await page.drawn();
    return page;
  }

  async close(): Promise<void> {
    await this.#browser.close();
    this.#serving.close();
    rmSync(this.#site, { recursive: true });
  }
}

/** A page of the explorer, as a user has it. */
export class ExplorerPage {
  readonly page: Page;
  readonly loadMs: number;
  readonly #watched: WatchedPage;

  constructor(watched: WatchedPage) {
    this.#watched = watched;
    this.page = watched.page;
    this.loadMs = watched.loadMs;
  }

  complaints(): readonly string[] {
    return this.#watched.complaints();
  }

  /** Until no answer is of the settings before, and break-evens and timelines are there. */
  async drawn(): Promise<void> {
    await this.until(
      `document.querySelector('#timeline .lane') && document.querySelector('#break-even .drawing > *') && !document.querySelector('.stale')`,
    );
  }

  async until(condition: string): Promise<void> {
    try {
      await this.page.waitForFunction(condition, { timeout: PATIENCE_MS, polling: 50 });
    } catch (error) {
      const seen = await this.text('#explorer').catch(() => 'nothing');
      throw new Error(
        `${condition} did not come true; the page says:\n${seen}\n${this.complaints().join('\n')}`,
        {
          cause: error,
        },
      );
    }
  }

  /** The text of an element as it is drawn. */
  async text(selector: string): Promise<string> {
    return (await this.page.evaluate(
      `document.querySelector(${JSON.stringify(selector)}).innerText`,
    )) as string;
  }

  async texts(selector: string): Promise<string[]> {
    return (await this.page.evaluate(
      `[...document.querySelectorAll(${JSON.stringify(selector)})].map((each) => each.textContent)`,
    )) as string[];
  }

  async value(selector: string): Promise<string> {
    return (await this.page.evaluate(`document.querySelector(${JSON.stringify(selector)}).value`)) as string;
  }

  verdict(): Promise<string> {
    return this.text('#verdict');
  }

  /** Writes into a box in place of what was in it. */
  async write(selector: string, text: string): Promise<void> {
    await this.page.focus(selector);
    await this.page.evaluate(`document.querySelector(${JSON.stringify(selector)}).select()`);
    await this.page.keyboard.type(text);
  }

  /** Lets a file fall onto the page. */
  async drop(name: string, content: string): Promise<void> {
    const [fileName, text] = [JSON.stringify(name), JSON.stringify(content)];
    await this.page.evaluate(`{
      const dataTransfer = new DataTransfer();
      dataTransfer.items.add(new File([${text}], ${fileName}));
      for (const type of ['dragover', 'drop'])
        document.body.dispatchEvent(new DragEvent(type, { dataTransfer, bubbles: true, cancelable: true }));
    }`);
  }

  async press(...keys: string[]): Promise<void> {
    for (const key of keys) await this.page.keyboard.press(key as never);
  }

  /** Presses Tab until an element has the focus, and says through how many others it went. */
  async tabTo(selector: string): Promise<number> {
    const isThere = `document.activeElement?.matches(${JSON.stringify(selector)}) === true`;
    for (let steps = 0; steps < 120; steps += 1) {
      if (await this.page.evaluate(isThere)) return steps;
      await this.press('Tab');
    }
    throw new Error(`${selector}: Tab does not come to it`);
  }
}

import { mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Page } from 'puppeteer-core';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { calibrationReport } from '../../report/calibration/calibrationReport.ts';
import { experimentReport } from '../../report/experiment/experimentReport.ts';
import { reportHtml } from '../../report/html/html.ts';
import { hostileSteps } from '../report/hostileSteps.ts';
import { skip } from '../support/skip.ts';
import { accessibilityFaults } from './accessibility.ts';
import { type Look, TestBrowser } from './testBrowser.ts';

const pages = suite('reports in a browser, opened from disk');
const folder = mkdtempSync(join(tmpdir(), 'chunkflow-report-pages-'));
const browser = await TestBrowser.launch();

/** What a report of some 500 runs may weigh. */
const MOST_BYTES = 3e6;
/** A guard against a page that hangs; `npm run bench` says how long it takes. */
const GUARD_MS = 20_000;

const LOOKS: readonly Look[] = [
  { widthPx: 390, scheme: 'light' },
  { widthPx: 390, scheme: 'dark' },
  { widthPx: 1440, scheme: 'light' },
  { widthPx: 1440, scheme: 'dark' },
  { widthPx: 1440, media: 'print' },
];
/** Of pages whose parts are all on another one too. */
const FEW_LOOKS = [LOOKS[1]!, LOOKS[2]!];

function written(name: string, html: string): string {
  const file = join(folder, `${name}.html`);
  writeFileSync(file, html);
  return file;
}

/** Moves the mouse over a point until it says what it is: a chart that has just been drawn may be drawn again at its place's width. */
async function hovered(page: Page): Promise<void> {
  const began = performance.now();
  while ((await page.$('#vg-tooltip-element.visible')) === null) {
    if (performance.now() - began > GUARD_MS) throw new Error('no point says what it is');
    // Of a legend, a symbol says nothing.
    const point = await page.$('#predicted-vs-measured .mark-symbol.role-mark path');
    await point?.hover();
    await page.mouse.move(0, 0, { steps: 2 });
    await point?.hover();
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
}

async function drawn(page: Page): Promise<void> {
  await page.waitForFunction(`document.querySelectorAll('figure.chart:not([data-drawn])').length === 0`, {
    timeout: GUARD_MS,
  });
}

/** Texts of a table's column as they stand. */
function column(page: Page, table: string, index: number): Promise<string[]> {
  const rows = `#${table} tbody tr`;
  return page.$$eval(rows, (all, at) => all.map((row) => row.children[at]?.textContent ?? ''), index);
}

if (typeof browser === 'string') {
  skip(pages, 'all', browser);
} else {
  pages.after(async () => {
    await browser.close();
    rmSync(folder, { recursive: true });
  });
  const datasets = readdirSync('experiments/h200-steps').filter((name) => name.endsWith('.jsonl'));
  const files = datasets.map((name) => `experiments/h200-steps/${name}`);
  const large = written(
    'large',
    reportHtml(experimentReport({ files, machine: 'h200-x1-fitted', choices: null })),
  );
  const hostile = written(
    'hostile',
    reportHtml(experimentReport({ files: [hostileSteps(folder)], machine: 'h200-x2-fitted', choices: null })),
  );
  const fit = written('fit', reportHtml(calibrationReport('experiments/pair/host-d/calibration.yaml')));

  for (const [file, looks] of [
    [hostile, LOOKS],
    [fit, FEW_LOOKS],
  ] as const)
    for (const look of looks) {
      const { widthPx, scheme = 'light', media = 'screen' } = look;
      pages(`${file.split('/').at(-1)}, ${widthPx} px, ${scheme}, ${media}: in order`, async () => {
        const { page, complaints } = await browser.open(pathToFileURL(file).href, look);
        await drawn(page);
        // Folded tables are judged as well.
        await page.evaluate(`for (const one of document.querySelectorAll('details')) one.open = true`);
        assert.equal(complaints(), []);
        assert.equal(await accessibilityFaults(page), []);
        assert.ok(Number(await page.evaluate('document.documentElement.scrollWidth')) <= widthPx!);
        assert.is(await page.evaluate('window.hit'), undefined);
        await page.close();
      });
    }

  pages('552 runs weigh under 3 MB and open', async () => {
    assert.ok(statSync(large).size < MOST_BYTES, `${statSync(large).size} bytes`);
    const { page, loadMs } = await browser.open(pathToFileURL(large).href);
    assert.ok(loadMs < GUARD_MS, `${loadMs} ms`);
    await drawn(page);
    assert.is((await column(page, 'every-step', 0)).length, 552);
  });

  pages(
    'by keyboard alone: to the verdict, a table sorted both ways, a folded one opened and filtered',
    async () => {
      const { page } = await browser.open(pathToFileURL(large).href);
      await page.keyboard.press('Tab');
      assert.is(await page.evaluate('document.activeElement.textContent'), 'To the verdict');
      await page.keyboard.press('Enter');
      assert.is(await page.evaluate('location.hash'), '#verdict');
      await page.focus('#errors-simulated th:nth-child(3) button');
      await page.keyboard.press('Enter');
      const numbers = async () => (await column(page, 'errors-simulated', 2)).map(Number);
      const ascending = [...(await numbers())].sort((a, b) => a - b);
      assert.equal(await numbers(), ascending);
      assert.is(
        await page.$eval('#errors-simulated th:nth-child(3)', (th) => th.getAttribute('aria-sort')),
        'ascending',
      );
      await page.keyboard.press('Space');
      assert.equal(await numbers(), ascending.reverse());
      await page.focus('#every-step summary');
      await page.keyboard.press('Enter');
      await page.focus('#every-step input');
      await page.keyboard.type('flux layerwise-drain');
      const shown = await page.$$eval('#every-step tbody tr', (rows) =>
        rows.filter((row) => !row.hasAttribute('hidden')).map((row) => row.textContent ?? ''),
      );
      assert.ok(
        shown.length > 0 && shown.every((text) => text.includes('flux') && text.includes('layerwise-drain')),
      );
      assert.is(
        await page.$eval('#every-step [role=status]', (status) => status.textContent),
        `${shown.length} of 552 rows`,
      );
    },
  );

  pages('a point says what it is, and a link opens a folded table', async () => {
    const { page } = await browser.open(`${pathToFileURL(large).href}#every-step`);
    assert.is(await page.$eval('#every-step', (table) => table.hasAttribute('open')), true);
    await drawn(page);
    await hovered(page);
    const said = await page.$eval('#vg-tooltip-element', (tooltip) => tooltip.textContent ?? '');
    assert.match(said, /measured step \(ms\)/);
  });

  pages('it prints: every chart and the verdict are on paper', async () => {
    const { page } = await browser.open(pathToFileURL(fit).href);
    await drawn(page);
    const pdf = await page.pdf({ format: 'A4' });
    assert.ok(pdf.length > 50_000, `${pdf.length} bytes`);
  });

  pages('without scripts everything but the drawings is there', async () => {
    const { page } = await browser.open('about:blank');
    await page.setJavaScriptEnabled(false);
    await page.goto(pathToFileURL(large).href);
    assert.match(await page.$eval('main', (main) => main.textContent ?? ''), /These 552 steps are predicted/);
    assert.match(await page.$eval('footer', (footer) => footer.textContent ?? ''), /not allowed to run/);
  });
}

pages.run();

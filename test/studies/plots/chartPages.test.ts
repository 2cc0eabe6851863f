import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { chartPage } from '../../../studies/plots/html.ts';
import { THEMES } from '../../../studies/plots/theme.ts';
import { accessibilityFaults } from '../../browser/accessibility.ts';
import { type Look, TestBrowser } from '../../browser/testBrowser.ts';
import { skip } from '../../support/skip.ts';
import { chartKinds } from './chartKinds.ts';

const pages = suite('charts as pages in a browser');
const browser = await TestBrowser.launch();

if (typeof browser === 'string') skip(pages, 'charts as pages', browser);
else {
  const folder = mkdtempSync(join(tmpdir(), 'chunkflow-chart-pages-'));
  const kinds = chartKinds();
  pages.after(async () => {
    await browser.close();
    rmSync(folder, { recursive: true, force: true });
  });

  const opened = async (kind: string, look: Look) => {
    const file = join(folder, `${kind}.html`);
    writeFileSync(file, chartPage(kinds.find((one) => one.kind === kind)!.chart));
    const watched = await browser.open(pathToFileURL(file).href, look);
    await watched.page.waitForSelector('figure.chart[data-drawn] svg', { timeout: 60_000 });
    return watched;
  };
  /** Widths of the window's content, of the figure and of its drawing, and colours of its texts. */
  const LOOKED_AT = `({
    content: document.documentElement.scrollWidth,
    figure: document.querySelector('.chart-drawing').clientWidth,
    drawing: document.querySelector('svg').getBoundingClientRect().width,
    inks: [...new Set([...document.querySelectorAll('svg text')].map((text) => getComputedStyle(text).fill))],
  })`;
  type LookedAt = { content: number; figure: number; drawing: number; inks: string[] };
  const rgb = (hex: string) =>
    `rgb(${[1, 3, 5].map((at) => Number.parseInt(hex.slice(at, at + 2), 16)).join(', ')})`;

  for (const { kind } of kinds)
    pages(`${kind}: on a phone at night it fills its window, in dark, and asks for nothing`, async () => {
      const { page, complaints } = await opened(kind, { widthPx: 390, scheme: 'dark' });
      const { content, figure, drawing, inks } = (await page.evaluate(LOOKED_AT)) as LookedAt;
      assert.is(content, 390);
      assert.ok(Math.abs(drawing / figure - 1) < 0.02, `${drawing} of ${figure} px`);
      const { roles, series } = THEMES.dark;
      const known = [...Object.values(roles), ...series].map(rgb);
      assert.equal(
        inks.filter((ink) => !known.includes(ink)),
        [],
      );
      assert.equal(complaints(), []);
      await page.close();
    });

  pages(
    'on a desk it is wide and light; printed it is light whatever the scheme; axe finds nothing',
    async () => {
      const { page, complaints } = await opened('memory', { widthPx: 1440 });
      const wide = (await page.evaluate(LOOKED_AT)) as LookedAt;
      assert.ok(wide.drawing > 900 && wide.inks.includes(rgb(THEMES.light.roles.ink)));
      assert.equal(await accessibilityFaults(page), []);
      assert.equal(complaints(), []);
      await page.close();
      const print = await opened('memory', { scheme: 'dark', media: 'print' });
      const { inks } = (await print.page.evaluate(LOOKED_AT)) as LookedAt;
      assert.ok(inks.includes(rgb(THEMES.light.roles.ink)), inks.join());
      await print.page.close();
    },
  );

  pages('a tooltip says human words', async () => {
    const { page } = await opened('memory', { widthPx: 1440 });
    const bar = await page.$('svg .mark-rect path');
    await bar!.hover();
    await page.waitForSelector('#vg-tooltip-element.visible', { timeout: 20_000 });
    const said = String(await page.evaluate(`document.querySelector('#vg-tooltip-element').innerText`));
    assert.match(said, /plan[\s\S]*holds[\s\S]*all of the plan \(GiB\)/);
    assert.not.match(said, /\b[a-z]+[A-Z]|gib:/);
    await page.close();
  });
}
pages.run();

import { mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { median } from 'simple-statistics';
import { packageRoot } from '../model/input/packageFiles.ts';
import { experimentReport } from '../report/experiment/experimentReport.ts';
import { reportHtml } from '../report/html/html.ts';
import { TestBrowser } from '../test/browser/testBrowser.ts';

const ROUNDS = 5;

/** A report of 552 measured steps as a headless browser opens it from disk. */
export interface ReportPage {
  megabytes: number;
  /** To the end of its `load` event: everything that is text is there. */
  openMs: number;
  /** To the last chart. */
  drawnMs: number;
}

/** @returns why it was not measured, where there is no browser. */
export async function reportPage(): Promise<ReportPage | string> {
  const browser = await TestBrowser.launch();
  if (typeof browser === 'string') return browser;
  const folder = mkdtempSync(join(tmpdir(), 'chunkflow-report-page-'));
  try {
    const data = join(packageRoot, 'experiments', 'h200-steps');
    const files = readdirSync(data).filter((name) => name.endsWith('.jsonl'));
    const file = join(folder, 'report.html');
    const input = { files: files.map((name) => join(data, name)), machine: 'h200-x1-fitted', choices: null };
    writeFileSync(file, reportHtml(experimentReport(input)));
    const rounds: { openMs: number; drawnMs: number }[] = [];
    for (let round = 0; round < ROUNDS; round += 1) {
      const { page, loadMs } = await browser.open(pathToFileURL(file).href);
      await page.waitForFunction(`document.querySelectorAll('figure.chart:not([data-drawn])').length === 0`);
      rounds.push({ openMs: loadMs, drawnMs: Number(await page.evaluate('performance.now()')) });
      await page.close();
    }
    return {
      megabytes: statSync(file).size / 1e6,
      openMs: median(rounds.map(({ openMs }) => openMs)),
      drawnMs: median(rounds.map(({ drawnMs }) => drawnMs)),
    };
  } finally {
    await browser.close();
    rmSync(folder, { recursive: true });
  }
}

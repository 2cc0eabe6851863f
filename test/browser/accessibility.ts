import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import type { AxeResults } from 'axe-core';
import type { Page } from 'puppeteer-core';

const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const WORSE = ['serious', 'critical'];

/**
 * What axe-core finds wrong with a page as it is now, of its serious and critical rules.
 *
 * @returns one line for each rule: its name, what it asks for, and the first elements that break it.
 */
export async function accessibilityFaults(page: Page): Promise<string[]> {
  // Through the debugger, so that a page whose policy forbids foreign scripts is judged too.
  await page.evaluate(AXE);
  const { violations } = (await page.evaluate('axe.run()')) as AxeResults;
  return violations
    .filter(({ impact }) => WORSE.includes(impact ?? ''))
    .map(({ id, help, nodes }) => {
      const where = nodes
        .slice(0, 5)
        .map(({ target, any }) => `${target.join(' ')} (${any[0]?.message ?? ''})`);
      return `${id}: ${help}: ${where.join('; ')}${nodes.length > 5 ? ` and ${nodes.length - 5} more` : ''}`;
    });
}

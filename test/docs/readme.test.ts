import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { packageRoot } from '../../model/input/packageFiles.ts';
import { printedBlocks, shownText, withPrinted } from '../support/printedBlocks.ts';
import { runCli } from '../support/runCli.ts';

/**
 * The README's worked example: every command is run, and prints what stands there. After a change that is meant,
 * `UPDATE=1 npx tsx test/docs/readme.test.ts` writes the blocks anew.
 */
const PAGE = join(packageRoot, 'README.md');
const page = readFileSync(PAGE, 'utf8');
const blocks = printedBlocks(page);

const test = suite('README');
const printed: string[] = [];

for (const { args, shown, printed: onPage } of blocks) {
  test(`chunkflow ${args.join(' ')}`, async () => {
    const { code, stdout, stderr } = await runCli(args);
    assert.is(code, 0, stderr);
    const now = shownText(stdout, shown);
    printed.push(now);
    if (process.env.UPDATE !== '1') assert.fixture(onPage, now);
  });
}

test('it has a picture before the first heading, two commands, and examples that are run', () => {
  const headings = page.split(/^## /m);
  assert.match(headings[0]!, /!\[[^\]]+\]\(docs\/pair\.svg\)/);
  assert.match(headings[1]!, /npm run demo[\s\S]*npm test/);
  assert.ok(blocks.length >= 2);
  // No example whose output nobody compares.
  assert.is(blocks.length, page.match(/^chunkflow /gm)?.length);
});

test.after(() => {
  if (process.env.UPDATE === '1' && printed.length === blocks.length)
    writeFileSync(PAGE, withPrinted(page, blocks, printed));
});

test.run();

import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { packageRoot } from '../../model/input/packageFiles.ts';
import { printedBlocks, shownText, withPrinted } from '../support/printedBlocks.ts';
import { runCli } from '../support/runCli.ts';

/** Pages that show what commands print: all are run. `UPDATE=1 npx tsx test/docs/pages.test.ts` writes their blocks anew. */
const PAGES = ['tutorial', 'which-offload'];

const test = suite('pages with printed blocks');

for (const name of PAGES) {
  const file = join(packageRoot, 'docs', `${name}.md`);
  const page = readFileSync(file, 'utf8');
  const blocks = printedBlocks(page);
  const printed: string[] = [];

  test(`${name}.md shows what commands print`, () => {
    assert.ok(blocks.length >= 3);
    // Blocks without a pattern would never be compared.
    assert.is(page.match(/^<!-- shown: /gm)?.length, blocks.length);
  });

  for (const { args, shown, printed: onPage } of blocks)
    test(`${name}.md: chunkflow ${args.join(' ')}`, async () => {
      const { code, stdout, stderr } = await runCli(args);
      assert.is(code, 0, stderr);
      const now = shownText(stdout, shown);
      printed.push(now);
      if (process.env.UPDATE !== '1') assert.fixture(onPage, now);
    });

  test.after(() => {
    if (process.env.UPDATE === '1' && printed.length === blocks.length)
      writeFileSync(file, withPrinted(page, blocks, printed));
  });
}

test.run();

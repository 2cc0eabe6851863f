import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { packageRoot } from '../../../model/input/packageFiles.ts';
import { skip } from '../../support/skip.ts';
import { ExplorerPages } from './explorerPages.ts';

const test = suite('files that the command line names for the page');
const given = new Map([['my pair.yaml', join(packageRoot, 'model', 'systems', 'h200-x2.yaml')]]);
const pages = await ExplorerPages.launch(given);

function inABrowser(explorer: ExplorerPages): void {
  test('are there at once, read out by its server', async () => {
    const page = await explorer.open({
      ...{ model: 'wan2.1-t2v-1.3b', blocks: 4, machine: 'my pair.yaml', plan: ['layerwise', 'yield'] },
    });
    assert.match(await page.text('.verdict'), /yield/);
    assert.equal(page.complaints(), []);
  });
  test.after(() => explorer.close());
}

if (typeof pages === 'string') skip(test, 'the page', pages);
else inABrowser(pages);
test.run();

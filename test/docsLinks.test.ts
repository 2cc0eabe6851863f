import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { packageRoot } from '../model/input/packageFiles.ts';
import { trackedFiles } from './support/trackedFiles.ts';

const links = suite('links and paths in pages');

const pages = trackedFiles(packageRoot).filter((file) => file.endsWith('.md'));
const textOf = (page: string) => readFileSync(join(packageRoot, page), 'utf8');

/** A heading's anchor, as GitHub makes it. */
function anchorOf(heading: string): string {
  return heading
    .replace(/`|\*|\[|\]\([^)]*\)/g, '')
    .toLowerCase()
    .replace(/[^\p{L}\p{N}\s_-]/gu, '')
    .trim()
    .replace(/\s/g, '-');
}

links('lead to files and headings that are there', () => {
  let found = 0;
  for (const page of pages) {
    for (const [, target] of textOf(page).matchAll(/\]\((?!https?:)([^)\s]+)\)/g)) {
      found += 1;
      const [path, anchor] = target!.split('#');
      const file = path === '' ? page : join(dirname(page), path!);
      assert.ok(existsSync(join(packageRoot, file)), `${page}: ${target}`);
      if (anchor === undefined || !file.endsWith('.md')) continue;
      const headings = [...textOf(file).matchAll(/^#+ (.*)$/gm)].map(([, heading]) => anchorOf(heading!));
      assert.ok(headings.includes(anchor), `${page}: ${target}`);
    }
  }
  assert.ok(found > 50, `${found} links`);
});

links('source files that pages name are there', () => {
  const named =
    /`((?:model|sim|search|codegen|build|measure|studies|cli|runtime|test|bench|scripts)\/[\w./-]+\.(?:ts|hpp|cpp|cu|mjs|py|yaml|sh))`/g;
  let found = 0;
  for (const page of pages) {
    for (const [, file] of textOf(page).matchAll(named)) {
      // `NAME.yaml` stands for any.
      if (/NAME/.test(file!)) continue;
      found += 1;
      assert.ok(existsSync(join(packageRoot, file!)), `${page}: ${file}`);
    }
  }
  assert.ok(found > 20, `${found} names`);
});

links('modules that notebooks import are there', () => {
  const notebooks = trackedFiles(packageRoot).filter((file) => file.endsWith('.ipynb'));
  const imported = notebooks.flatMap((notebook) =>
    [...textOf(notebook).matchAll(/from '(\.[^']+)'/g)].map(([, path]) => ({ notebook, path: path! })),
  );
  assert.ok(imported.length > 5, `${imported.length} imports`);
  for (const { notebook, path } of imported)
    assert.ok(existsSync(join(packageRoot, dirname(notebook), path)), `${notebook}: ${path}`);
});

links.run();

import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import * as library from '../../library/index.ts';
import { writeReference } from '../../scripts/api.mjs';

test('the API reference has a page for every function, with its example', () => {
  const out = mkdtempSync(join(tmpdir(), 'chunkflow-api-'));
  try {
    assert.is(writeReference({ out }), null);
    for (const name of Object.keys(library).filter((name) => name !== 'UserError')) {
      const page = join(out, 'functions', `${name}.html`);
      assert.ok(existsSync(page), name);
      assert.match(readFileSync(page, 'utf8'), /Example/);
    }
  } finally {
    rmSync(out, { recursive: true, force: true });
  }
});

test.run();

#!/usr/bin/env node
import { existsSync } from 'node:fs';
import { BUNDLE, BUNDLED, load } from './load.mjs';

if (!existsSync(BUNDLE)) {
  process.stderr.write('error: chunkflow is not built; run `npm run build` in its folder\n');
  process.exitCode = 2;
} else if (BUNDLED.includes(process.argv[2])) {
  await load().exports.start();
} else {
  await import('../dist/cli/main.js');
}

import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { packageRoot } from '../model/input/packageFiles.ts';
import { FULL_TIER } from './fullTier.ts';

const tiers = suite('the full tier');

// A file that was renamed would be run by `npm test` again, and a list of what is left out would name what is not there.
tiers('lists files that there are, each once', () => {
  for (const { file } of FULL_TIER) assert.ok(existsSync(join(packageRoot, file)), file);
  assert.is(new Set(FULL_TIER.map(({ file }) => file)).size, FULL_TIER.length);
});

tiers.run();

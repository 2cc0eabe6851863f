import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { readManifest } from '../../codegen/manifest.ts';
import { packageRoot } from '../../model/input/packageFiles.ts';
import { GOLDEN, generateScenario } from './scenarios.ts';

const FOLDER = join(packageRoot, 'generated', 'golden');

const golden = suite('golden example');

golden('regenerates byte for byte (`npm run golden` writes it anew)', () => {
  const { files } = generateScenario(GOLDEN);
  assert.equal(files.map(({ name }) => name).sort(), readdirSync(FOLDER).sort());
  for (const { name, text } of files) assert.is(text, readFileSync(join(FOLDER, name), 'utf8'), name);
});

golden('its manifest reads back', () => {
  const manifest = readManifest(FOLDER);
  assert.is(manifest.id, 'golden');
  assert.equal(
    manifest.plans.map(({ name }) => name),
    GOLDEN.plans,
  );
});

golden(
  'every plan file tells its schedule: each block copies, computes and exchanges in a readable order',
  () => {
    const text = readFileSync(join(FOLDER, 'plan_3_yield.cpp'), 'utf8');
    const order = [
      'rank.after(On::Compute, COPIED, {.position = at.previous, .stepsAgo = at.previous_steps_ago});',
      'rank.prefetch({',
      'rank.run(block::qkv);',
      'rank.stagedBegin(',
      'rank.stageOut(',
      'rank.stageIn(On::Copy,',
      'rank.stagedEnd(',
      'rank.prefetch({',
      'block::self_attention);',
      'rank.mark(On::Copy, COPIED);',
    ];
    let place = 0;
    for (const line of order) {
      const found = text.indexOf(line, place);
      assert.ok(found >= place, line);
      place = found + line.length;
    }
  },
);

golden('no call in a block passes a bare number', () => {
  const blocks = readFileSync(join(FOLDER, 'blocks_block.cpp'), 'utf8');
  const calls = [...blocks.matchAll(/^ {2}chunkflow::\w+\(b\.compute,([^;]*)\);$/gm)].map(
    ([, args]) => args!,
  );
  assert.ok(calls.length > 20);
  for (const args of calls)
    assert.not.match(args.replace(/\{[^}]*\}/g, '{}'), /(^|,)\s*[\d.]+\w*(,|$)/, args);
});

golden.run();

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { runCli } from '../support/runCli.ts';

const test = suite('programs for several hosts');
const folder = mkdtempSync(join(tmpdir(), 'chunkflow-hosts-'));
test.after(() => rmSync(folder, { recursive: true }));

const generate = (transport: string) =>
  runCli([
    ...[
      'generate',
      '--model',
      'ltx-video-13b',
      '--size',
      '512x320x25',
      '--blocks',
      '4',
      '--sp',
      '8',
      '--cfg',
      'none',
    ],
    ...['--machine', 'rtx5090-2x4', '--plan', 'layerwise', '--transport', transport, '--out', folder],
  ]);

test('NCCL carries collectives between hosts', async () => {
  const { code, stderr } = await generate('net');
  assert.is(code, 0, stderr);
});

for (const [transport, message] of [
  ['net-hierarchical', /^error: [^\n]*net-hierarchical[^\n]*net[^\n]*\n$/],
  ['staged-copy', /^error: [^\n]*staged-copy[^\n]*net[^\n]*\n$/],
  ['shm', /^error: [^\n]*shm[^\n]*net[^\n]*\n$/],
] as const)
  test(`refused in a line: ${transport}`, async () => {
    const { code, stderr } = await generate(transport);
    assert.is(code, 2);
    assert.match(stderr, message);
  });

test.run();

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { Prediction } from '../../documents/prediction.ts';
import { packageRoot } from '../../model/input/packageFiles.ts';
import { TOOLS } from '../../model/presets/tools/names.ts';
import { UNSAID } from '../../model/presets/tools/unsaid.ts';
import { runCli } from '../support/runCli.ts';

const test = suite('settings of tools on the command line');

const WAN = ['--model', 'wan2.1-t2v-14b', '--machine', 'rtx5090-x1', '--size', '832x480x17', '--blocks', '8'];
const plans = (...texts: string[]) => texts.flatMap((text) => ['--plan', text]);

async function answer(...args: string[]): Promise<string> {
  const { code, stdout, stderr } = await runCli(args);
  assert.is(code, 0, stderr);
  return stdout;
}

test('predict: each beside none, with its memory, its settings and what is left out', async () => {
  const asked = plans('none', 'sglang,prefetch=2', 'diffusers');
  const document: Prediction = JSON.parse(await answer('predict', ...WAN, ...asked, '--json'));
  const [none, sglang, diffusers] = document.plans;
  assert.is(none!.notes, undefined);
  assert.match(sglang!.notes![0]!, /dit-offload-prefetch-size=2, dit-layerwise-resident-layers=0, /);
  assert.match(diffusers!.notes![0]!, /num_blocks_per_group=1, use_stream=false/);
  assert.ok(diffusers!.versusNone! > 1 && diffusers!.gpuPeakBytes < none!.gpuPeakBytes);
  const text = await answer('predict', ...WAN, ...asked);
  assert.match(text, /^diffusers: .*\n {2}note: .*use_stream=false/m);
});

test('simulate takes them, and traces those whose copies all stand on a stream', async () => {
  assert.match(await answer('simulate', ...WAN, ...plans('diffusers', 'vllm-omni')), /^diffusers +[\d,.]+ /m);
  const { code, stdout, stderr } = await runCli([
    'simulate',
    ...WAN,
    ...plans('diffusers'),
    '--trace',
    'none.json',
  ]);
  assert.is(code, 2);
  assert.is(stdout, '');
  assert.match(stderr, /--trace: diffusers: copies outside of its blocks/);
});

test('the answer of --for, as --plan takes it, has the same numbers', async () => {
  for (const tool of ['sglang', 'diffusers', 'comfyui', 'comfyui-native', 'vllm-omni']) {
    const tight = ['--gpu-memory', '5GiB', '--for', tool];
    const { peer } = JSON.parse(await answer('plan', ...WAN, ...tight, '--nominal', '--json'));
    const text: string = peer.setting.plan;
    const { plans: found } = JSON.parse(await answer('simulate', ...WAN, ...plans(text), '--json'));
    assert.ok(text.startsWith(tool), text);
    for (const key of ['stepTimeS', 'gpuPeakBytes', 'hostPinnedBytes', 'exposedPrefetchS'])
      assert.is(found[0][key], peer.setting[key], `${text} ${key}`);
  }
});

test('flags that stand for settings of presets pass tools by', async () => {
  const document: Prediction = JSON.parse(
    await answer('predict', ...WAN, ...plans('sglang', 'layerwise'), '--prefetch', '2', '--json'),
  );
  assert.equal(
    document.plans.map(({ plan }) => plan),
    ['sglang', 'layerwise,prefetch=2'],
  );
  const { code, stderr } = await runCli(['predict', ...WAN, ...plans('sglang'), '--prefetch', '2']);
  assert.is(code, 2);
  assert.match(stderr, /another tool has settings of its own/);
});

test('plans and the page have every tool and every setting', async () => {
  const listed = await answer('plans');
  const page = readFileSync(join(packageRoot, 'docs', 'plans.md'), 'utf8');
  for (const [tool, { knobs, read }] of Object.entries(TOOLS)) {
    assert.ok(listed.includes(`\n${tool}: `) && listed.includes(read), tool);
    assert.ok(page.includes(`| \`${tool}\` |`), tool);
    for (const { name } of Object.values(knobs)) {
      assert.ok(listed.includes(name), name);
      assert.ok(page.includes(`\`${name}`), `${tool} ${name}`);
    }
  }
  for (const name of Object.keys(UNSAID))
    assert.ok(listed.includes(`\n${name}: `) && page.includes(name), name);
});

test.run();

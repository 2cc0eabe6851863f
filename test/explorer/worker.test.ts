import {
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { Mistake, ModelClient } from '../../explorer/client.ts';
import type { Answered, Ask, GivenFile, QuickPrediction } from '../../explorer/protocol.ts';
import { type ExplorerState, wordsOf } from '../../explorer/state.ts';
import { predictionOf } from '../../library/predictionOf.ts';
import { packageRoot } from '../../model/input/packageFiles.ts';
import { memoryNeed } from '../../model/physics/memory.ts';
import { FILES } from '../../model/scenario/files.ts';
import type { RequestQuestion } from '../../model/scenario/question.ts';
import { requestFacts } from '../../model/scenario/requestFacts.ts';
import { scenarioOf } from '../../model/scenario/scenario.ts';
import { buildExplorer } from '../../scripts/explorer.mjs';
import { runCli } from '../support/runCli.ts';
import { WorkerBundle } from './workerBundle.ts';

const test = suite("the explorer's worker, as it is built");

const folder = mkdtempSync(join(tmpdir(), 'chunkflow-worker-'));
const site = join(folder, 'site');
const weights = await buildExplorer({ out: site });

const workers: WorkerBundle[] = [];
const model = new ModelClient(() => {
  const worker = new WorkerBundle(site);
  workers.push(worker);
  return worker;
});

/** What the command line prints for a state: its document, or its line. */
async function printed(state: ExplorerState, command: 'predict' | 'plan', more: string[] = []) {
  const words = [command, ...wordsOf(state, command), ...more, '--json'];
  const { code, stdout, stderr } = await runCli(words);
  return code === 0 ? JSON.parse(stdout) : stderr.replace(/^error: (.*)\n$/s, '$1');
}

/** The document as it is while something is dragged, by Node. */
function quickly(question: ExplorerState & RequestQuestion): QuickPrediction {
  const scenario = scenarioOf(question, FILES);
  const document = {
    ...predictionOf(scenario, requestFacts(question), { breakEven: false }),
    memory: scenario.plans.map((plan) => memoryNeed(scenario.workload, scenario.system, plan)),
  };
  return JSON.parse(JSON.stringify(document));
}

const CASES: readonly ExplorerState[] = [
  { model: 'wan2.1-t2v-14b', size: '832x480x81', machine: 'h200-x2', plan: ['layerwise', 'yield'] },
  { model: 'hunyuanvideo-13b', machine: 'h100-pcie-x2', plan: ['chunkflow-paper', 'chunked,resident=0.25'] },
  { model: 'flux.1-dev', machine: 'rtx-4090' },
  { model: 'flux.1-dev', dtype: 'fp8', size: '2048x1024', machine: '2xrtx-4090,pcie=4x8', plan: ['yield'] },
  {
    model: 'flux.1-dev',
    machine: 'rtx-5090',
    gpus: '2',
    pcie: '5x8',
    topology: 'shared-root',
    plan: ['none'],
  },
  {
    model: 'flux.1-kontext-dev',
    machine: 'h200-x1',
    referenceImage: ['512x512', '256x256'],
    plan: ['layerwise'],
  },
  {
    model: 'qwen-image-20b',
    machine: 'a100-pcie-x2',
    tp: 2,
    sp: 1,
    plan: ['layerwise-drain'],
    chunk: '8MiB',
  },
  { model: 'wan2.2-t2v-a14b', machine: 'h200-x2', plan: ['yield'], steps: 40, before: '1.2s', after: '3s' },
  { model: 'wan2.1-t2v-1.3b', machine: 'h100-sxm-x8', sp: 4, ring: 2, plan: ['chunked'], slots: '3' },
  { model: 'wan2.1-t2v-14b', machine: 'h200-x2', transport: 'staged-copy', plan: ['yield'] },
  { model: 'wan2.1-t2v-14b', machine: 'h200-x2', eager: true, plan: ['diffusers,stream'] },
  { model: 'flux.1-dev', machine: 'h200-x2', set: ['gpu.copyEngine.h2d=30GB/s'], plan: ['sglang'] },
  { model: 'flux.1-dev', machine: '2xrtx-4090', computeDtype: 'fp8', plan: ['yield'], blocks: 12 },
  // Minutes are a unit of mathjs alone.
  { model: 'flux.1-dev', machine: 'h200-x1', plan: ['none'], steps: 4, before: '0.1minutes' },
];

/** Wrong questions, answered by the line that the command line prints. */
const MISTAKES: readonly ExplorerState[] = [
  {},
  { model: 'flux.1-dev' },
  { model: 'nonsense', machine: 'h200-x2' },
  { model: '<img/onerror=alert(1)>', machine: 'h200-x2' },
  { model: 'flux.1-dev', machine: 'rtx-9999' },
  { model: 'flux.1-dev', machine: 'h200-x2', size: '0x0' },
  { model: 'flux.1-dev', machine: 'h200-x2', size: '99999999x99999999' },
  { model: 'flux.1-dev', machine: 'h200-x2', sp: 7 },
  { model: 'flux.1-dev', machine: 'h200-x2', plan: ['yield,resident=2'] },
  { model: 'flux.1-dev', machine: 'h200-x2', plan: ['best.json'] },
  { model: 'flux.1-dev', machine: 'h200-x2', transport: 'pigeon' },
  { model: 'flux.1-dev', machine: 'h200-x2', set: ['gpu.copyEngine.h2d=30'] },
  { model: 'flux.1-dev', machine: 'h200-x2', before: '1s' },
  { model: 'wan.safetensors', machine: 'h200-x2' },
  { profile: 'a.profile.json', machine: 'h200-x2' },
];

test('predictions are the documents that the command line prints', async () => {
  for (const question of CASES) {
    const quick = await model.ask<'predict'>({ kind: 'predict', question });
    assert.equal(quick, quickly(question), JSON.stringify(question));
  }
  // Break-evens take most of the time.
  for (const question of CASES.filter((_, index) => index % 3 === 0)) {
    const whole = await model.ask<'break-even'>({ kind: 'break-even', question });
    assert.equal(whole, await printed(question, 'predict'), JSON.stringify(question));
  }
});

test('a search gives the document of `plan`, with and without what else it can be asked', async () => {
  const question = { model: 'wan2.1-t2v-1.3b', blocks: 6, machine: 'h200-x2', gpuMemory: '2GiB' };
  const more = { ...question, explain: true, front: 3, for: 'diffusers' } as const;
  const words = ['--explain', '--front', '3', '--for', 'diffusers'];
  for (const [asked, given] of [[question, []] as const, [more, words] as const]) {
    // What can run the choice is asked of the generator, which the page does not have.
    const { runs, ...document } = await printed(question, 'plan', [...given]);
    assert.type(runs.ownTransport, 'boolean');
    assert.equal(await model.ask<'search'>({ kind: 'search', question: asked }), document);
  }
});

test('solver and mathjs are loaded where they are needed, and nowhere else', () => {
  const loaded = workers.map((worker) => [...worker.loaded].sort().join(' '));
  // Quick answers, one of which had minutes; patient ones; searches, one of which had derivatives.
  assert.equal(loaded, ['math.js', '', 'highs.js highs.wasm math.js']);
});

test('a search that another takes the place of ends, and its worker with it', async () => {
  const question = { model: 'wan2.1-t2v-1.3b', blocks: 6, machine: 'h200-x2', gpuMemory: '2GiB' };
  const own = new ModelClient(() => {
    const worker = new WorkerBundle(site);
    workers.push(worker);
    return worker;
  });
  const before = workers.length;
  own.prepareSearch();
  own.prepareSearch();
  assert.is(workers.length, before + 1);
  const first = own.ask<'search'>({ kind: 'search', question });
  const second = own.ask<'search'>({ kind: 'search', question });
  assert.is(await first, null);
  assert.is(workers.length, before + 2);
  const third = own.ask<'search'>({ kind: 'search', question: { ...question, gpuMemory: '1GiB' } });
  own.stopSearch();
  assert.equal([await second, await third], [null, null]);
});

test('what is wrong with a question is said in the line of the command line', async () => {
  for (const question of MISTAKES) {
    // A page opens no files: what it was not given is not there.
    const expected = await printed(question, 'predict');
    assert.type(expected, 'string', JSON.stringify(question));
    const mistake = await model
      .ask<'predict'>({ kind: 'predict', question })
      .then(() => 'no mistake')
      .catch((error: unknown) => (error instanceof Mistake ? error.message : String(error)));
    assert.is(mistake, expected);
    assert.not.match(mistake, /\n/);
  }
});

test('values that no control has are mistakes as well, not bugs', async () => {
  const base = { model: 'flux.1-dev', machine: 'h200-x2' };
  const wrong = [
    { sp: 0 },
    { batch: Number.NaN },
    { steps: -1 },
    { blocks: 0.5 },
    { cfg: 'both' },
  ] as object[];
  for (const more of wrong) {
    const question = { ...base, ...more } as ExplorerState;
    await model
      .ask<'predict'>({ kind: 'predict', question })
      .then(() => assert.unreachable(JSON.stringify(more)))
      .catch((error: unknown) => assert.instance(error, Mistake, String(error)));
  }
});

const give = (name: string, content: GivenFile) => model.ask<'file'>({ kind: 'file', name, content });

test('files are known by their names, as the command line knows paths', async () => {
  const own = join(folder, 'own');
  mkdirSync(own);
  const machine = 'experiments/pair/host-d/host-d.yaml';
  const profile = 'experiments/profile/synthetic-dit.profile.json';
  for (const path of [machine, profile, 'experiments/tiny/tiny-cross.yaml'])
    copyFileSync(join(packageRoot, path), join(own, basename(path)));
  const before = process.cwd();
  process.chdir(own);
  try {
    const tiny = ['--model', 'tiny-cross.yaml', '--machine', 'host-d.yaml', '--plan', 'yield'];
    assert.is((await runCli(['predict', ...tiny, '--save-plan', 'one.plan.json'])).code, 0);
    assert.is((await runCli(['predict', ...tiny, '--plan', 'none', '--save-plan', 'many.jsonl'])).code, 0);
    const kinds: Record<string, string | undefined> = {};
    for (const name of readdirSync(own).sort())
      kinds[name] = (await give(name, readFileSync(name, 'utf8')))?.is;
    assert.equal(kinds, {
      'host-d.yaml': 'machine',
      'many.jsonl': 'plan',
      'one.plan.json': 'plan',
      'synthetic-dit.profile.json': 'profile',
      'tiny-cross.yaml': 'model',
    });
    const questions: ExplorerState[] = [
      { profile: 'synthetic-dit.profile.json', machine: 'host-d.yaml', plan: ['none', 'yield'] },
      { model: 'tiny-cross.yaml', machine: 'host-d.yaml', plan: ['one.plan.json', 'many.jsonl#yield'] },
    ];
    for (const question of questions) {
      const whole = await model.ask<'break-even'>({ kind: 'break-even', question });
      assert.equal(whole, await printed(question, 'predict'));
    }
  } finally {
    process.chdir(before);
  }
});

/** A safetensors file of a header and the tail of its last tensor: what a reader of headers must not need. */
function checkpoint(tensors: Record<string, readonly number[]>): Uint8Array<ArrayBuffer> {
  let offset = 0;
  const header: Record<string, unknown> = {};
  for (const [name, shape] of Object.entries(tensors)) {
    const end = offset + 2 * shape.reduce((product, side) => product * side, 1);
    header[name] = { dtype: 'BF16', shape, data_offsets: [offset, end] };
    offset = end;
  }
  const text = Buffer.from(JSON.stringify(header));
  const bytes = new Uint8Array(8 + text.length + offset);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(text.length), true);
  bytes.set(text, 8);
  return bytes;
}

test('a checkpoint is read by its header', async () => {
  const block = (index: number) => ({
    [`blocks.${index}.attn.to_q.weight`]: [256, 256],
    [`blocks.${index}.attn.to_k.weight`]: [256, 256],
    [`blocks.${index}.attn.to_v.weight`]: [256, 256],
    [`blocks.${index}.attn.to_out.weight`]: [256, 256],
    [`blocks.${index}.ff.in.weight`]: [1024, 256],
    [`blocks.${index}.ff.out.weight`]: [256, 1024],
  });
  const bytes = checkpoint({ ...block(0), ...block(1), 'patch_embed.weight': [256, 64] });
  assert.equal(await give('own.safetensors', bytes), { name: 'own.safetensors', is: 'model' });
  const question: ExplorerState = {
    model: 'own.safetensors',
    size: '512x512',
    machine: 'h200-x1',
    plan: ['yield'],
  };
  const own = join(folder, 'checkpoint');
  mkdirSync(own);
  writeFileSync(join(own, 'own.safetensors'), bytes);
  const before = process.cwd();
  process.chdir(own);
  try {
    assert.equal(
      await model.ask<'break-even'>({ kind: 'break-even', question }),
      await printed(question, 'predict'),
    );
  } finally {
    process.chdir(before);
  }
});

test('a wrong file is a mistake in one line, and is not kept', async () => {
  const files: [string, GivenFile, RegExp][] = [
    ['', 'x', /^file "": expected a name/],
    ['../x.yaml', 'x', /^file "..\/x.yaml": expected a name/],
    ['x.txt', 'x', /^file "x.txt": expected .yaml, /],
    ['x.yaml', 'a: [', /^x.yaml:1:/],
    ['x.yaml', `${'['.repeat(70)}`, /nested more than 64 levels deep/],
    ['x.yaml', 'card: rtx-9999', /^x.yaml:1:/],
    ['x.yaml', 'name: <script>alert(1)</script>\n', /^x.yaml/],
    ['x.json', '{"schema": "chunkflow/plan@1"}', /^x.json:1:12: schema: chunkflow\/plan@1 has a line/],
    ['x.json', '{"schema": "chunkflow/profile@99"}', /^x.json:1:12: schema: expected/],
    ['x.json', '{', /^x.json:1:\d+: the JSON is cut short here/],
    ['x.json', '{}', /^x.json: has neither a _class_name/],
    ['x.safetensors', new Uint8Array(4), /^x.safetensors: has 4 bytes, expected at least/],
    ['x.safetensors', new Uint8Array(16).fill(255), /^x.safetensors: header length 18446744073709551615/],
    ['x.gguf', 'GGUF', /^x.gguf: its header goes on behind the end/],
    ['x.safetensors', 'PK\x03\x04....', /is written by torch.save/],
  ];
  for (const [name, content, message] of files) {
    await give(name, content)
      .then(() => assert.unreachable(`${name} ${String(content)}`))
      .catch((error: unknown) => {
        assert.instance(error, Mistake, String(error));
        assert.match((error as Mistake).message, message);
        assert.not.match((error as Mistake).message, /\n/);
      });
    const question = { model: 'flux.1-dev', machine: 'x.yaml' };
    await model
      .ask<'predict'>({ kind: 'predict', question })
      .then(() => assert.unreachable())
      .catch((error: Error) => assert.match(error.message, /x.yaml: cannot be read \(ENOENT\)/));
  }
});

test('the timeline of a block has what its rank does, within the block', async () => {
  const question: ExplorerState = { model: 'wan2.1-t2v-1.3b', machine: 'h200-x2' };
  const plans = ['none', 'yield', 'layerwise', 'yield,transport=staged-copy'];
  for (const plan of plans) {
    const timeline = (await model.ask<'timeline'>({ kind: 'timeline', question, plan }))!;
    const { lanes, link, durationS } = timeline;
    const all = lanes.flatMap(({ intervals }) => intervals);
    assert.ok(all.every(({ beginS, endS }) => beginS >= 0 && beginS <= endS && endS <= durationS));
    const own = lanes.find(({ name }) => name === 'compute')!.intervals;
    const busyS = own.reduce((sum, { beginS, endS }) => sum + endS - beginS, 0);
    assert.ok(busyS > 0.3 * durationS && busyS <= durationS * (1 + 1e-9), `${plan} ${busyS / durationS}`);
    assert.ok(
      lanes.some(({ name }) => name === 'collective'),
      plan,
    );
    const h2d = all.filter(({ kind }) => kind === 'h2d');
    assert.is(h2d.length > 0, plan !== 'none', plan);
    assert.is(link[0]!.atS, 0);
    assert.ok(link.every(({ atS }, index) => index === 0 || atS > link[index - 1]!.atS));
    assert.ok(link.every(({ h2dBytesPerS, d2hBytesPerS }) => h2dBytesPerS >= 0 && d2hBytesPerS >= 0));
    // What the link carried is at least what the copies of the weights did while they ran.
    const carried = (from: number, to: number) =>
      link.reduce((sum, { atS, h2dBytesPerS }, index) => {
        const untilS = link[index + 1]?.atS ?? durationS;
        return sum + h2dBytesPerS * Math.max(0, Math.min(to, untilS) - Math.max(from, atS));
      }, 0);
    for (const { beginS, endS } of h2d.filter((one) => one.endS - one.beginS > 1e-6))
      assert.ok(carried(beginS, endS) > 0, plan);
  }
});

test('of asks that wait only the newest of a kind is answered', async () => {
  const worker = new WorkerBundle(site);
  const heard: Answered[] = [];
  const done = new Promise<void>((resolve) => {
    worker.addEventListener('message', (({ data }: { data: Answered }) => {
      heard.push(data);
      if (heard.length === 6) resolve();
    }) as never);
  });
  const predict = (sp: number): Ask => ({
    kind: 'predict',
    question: { model: 'wan2.1-t2v-1.3b', machine: 'h100-sxm-x8', plan: ['none'], sp },
  });
  [
    predict(1),
    predict(2),
    { kind: 'lists' } as const,
    predict(4),
    { kind: 'lists' } as const,
    predict(6),
  ].forEach((ask, id) => {
    worker.postMessage({ id, ask });
  });
  await done;
  worker.terminate();
  const stale = heard.filter((answered) => 'stale' in answered).map(({ id }) => id);
  assert.equal(stale, [0, 1, 3]);
  assert.equal(
    heard.filter((answered) => 'reply' in answered).map(({ id }) => id),
    [2, 4, 5],
  );
});

test('lists have every model, machine and card', async () => {
  const { models, machines, cards, presets } = (await model.ask<'lists'>({ kind: 'lists' }))!;
  const files = (of: string) => readdirSync(join(packageRoot, of)).filter((name) => name.endsWith('.yaml'));
  assert.is(models.length, files('model/catalogue').length);
  assert.is(machines.length, files('model/systems').length);
  assert.ok(cards.length > 10 && cards.length <= files('model/cards').length);
  for (const { id, sizes, referenceSize } of models) assert.ok(sizes.includes(referenceSize), id);
  for (const { text } of presets) {
    const question = { model: 'flux.1-dev', machine: 'h200-x2', plan: [text] };
    await model
      .ask<'predict'>({ kind: 'predict', question })
      .catch((error: Error) => assert.instance(error, Mistake, `${text}: ${error.message}`));
  }
});

test('a visit weighs under 2 MB, without the solver', () => {
  const atOnce = ['index.html', 'page.css', 'page.js', 'worker.js'];
  const bytes = weights.filter(({ name }) => atOnce.includes(name)).reduce((sum, one) => sum + one.bytes, 0);
  assert.ok(bytes > 500_000 && bytes < 2_000_000, String(bytes));
  const page = readFileSync(join(site, 'index.html'), 'utf8');
  assert.equal([...page.matchAll(/(?:src|href)="([^"]+)"/g)].map(([, url]) => url).sort(), [
    'data:,',
    'page.css',
    'page.js',
  ]);
});

test.after(() => {
  for (const worker of workers) worker.terminate();
  rmSync(folder, { recursive: true });
});
test.run();

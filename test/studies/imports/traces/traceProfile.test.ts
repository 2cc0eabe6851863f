import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import sqlite from 'node-sqlite3-wasm';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { parseProfile } from '../../../../model/profile/profileFile.ts';
import type { Profile } from '../../../../model/profile/profileFormat.ts';
import { runCli } from '../../../support/runCli.ts';
import { kinetoText, type MadeBlock, type MadeCollective, type MadeTrace, writeNsys } from './madeTrace.ts';

const folder = mkdtempSync(join(tmpdir(), 'chunkflow-traces-'));
const at = (name: string) => join(folder, name);
const write = (name: string, text: string | Uint8Array) => {
  writeFileSync(at(name), text);
  return at(name);
};

const SEND_RECV = 'ncclDevKernel_SendRecv(ncclDevKernelArgsStorage<4096ul>)';
const exchange = (elements: number, us: number): MadeCollective => ({
  ...{ kernel: SEND_RECV, name: 'all_to_allv', elements, us },
});
const reduce: MadeCollective = {
  ...{
    kernel: 'ncclDevKernel_AllReduce_Sum_bf16_RING_LL(ncclDevKernelArgsStorage<4096ul>)',
    name: 'allreduce',
  },
  ...{ elements: 1_000_000, us: 90 },
};
const block = (range: string, scale: number): MadeBlock => ({
  range,
  windowsUs: [[30 * scale, 50 * scale], [200 * scale], [100 * scale, 20 * scale]],
  collectives: [exchange(3_000_000, 150), exchange(1_000_000, 60)],
});
const wan = (scale: number) =>
  Array.from({ length: 4 }, (_, index) => block(`nn.Module: Block_${index}`, scale));
const WAN: MadeTrace = { passes: [wan(1), wan(1.1), wan(0.9), wan(1)], outsideUs: 400, ranks: 2 };

const FACTS = ['--weight-bytes', '700MB', '--outside-bytes', '100MB', '--activation-bytes', '1GB'];

async function imported(file: string, ...flags: string[]): Promise<{ profile: Profile; notes: string }> {
  const { code, stdout, stderr } = await runCli(['import', file, '--as', 'profile', ...FACTS, ...flags]);
  assert.is(code, 0, stderr);
  return { profile: parseProfile('printed.json', stdout).profile, notes: stderr };
}

async function refused(args: readonly string[], says: RegExp): Promise<void> {
  const before = readdirSync(folder);
  const { code, stdout, stderr } = await runCli(['import', ...args]);
  assert.is(code, 2, stderr);
  assert.is(stdout, '');
  assert.match(stderr, /^error: [^\n]+\n$/);
  assert.match(stderr, says);
  assert.equal(readdirSync(folder), before);
}

const near = (value: number, expected: number, what: string) =>
  assert.ok(Math.abs(value - expected) <= 2e-9, `${what}: expected ${expected}, got ${value}`);

function checkWan(profile: Profile): void {
  assert.is(profile.kinds.length, 1);
  const [kind] = profile.kinds;
  [80e-6, 200e-6, 120e-6].forEach((seconds, window) => {
    near(kind!.windows[window]!.seconds, seconds, `window ${window}`);
    // Medians by pass are 0.9, 1, 1 and 1.1 of it; their middle half is from 0.975 to 1.025.
    near(kind!.windows[window]!.spread, 0.025 * seconds, `spread ${window}`);
  });
  assert.equal(
    kind!.collectives.map(({ kind: of, sentBytes, bufferBytes }) => [of, sentBytes, bufferBytes]),
    [
      ['all-to-all', 3_000_000, 12_000_000],
      ['all-to-all', 1_000_000, 4_000_000],
    ],
  );
  near(kind!.collectives[0]!.seconds, 150e-6, 'collective');
  near(profile.outside.seconds, 400e-6, 'outside');
  assert.is(kind!.weightBytes, 700_000_000);
  assert.equal([profile.outside.bytes, profile.activationBytes], [100_000_000, 1_000_000_000]);
  assert.equal([profile.step.ranks, profile.step.passes, profile.step.stepsMeasured], [2, 1, 4]);
  assert.is(profile.made.device, 'NVIDIA H200');
}

const kineto = suite("traces of PyTorch's profiler");

kineto('windows, collectives and what lies between passes are those that were put in', async () => {
  const { profile, notes } = await imported(write('wan.json', kinetoText(WAN)));
  checkWan(profile);
  assert.equal(profile.blocks, [{ container: 'Block', first: 0, count: 4, kind: 0 }]);
  assert.equal(
    [profile.model.id, profile.made.cuda, profile.made.at],
    ['block', '12.6', '2026-11-28T15:08:40Z'],
  );
  assert.match(notes, /^note: 4 whole passes of 4 blocks$/m);
  assert.match(notes, /plans of this profile can be predicted, not attached/);
});

kineto('a gzipped trace, ranges of ours and ranges by path are read as well', async () => {
  const { profile } = await imported(write('wan.json.gz', gzipSync(kinetoText(WAN))));
  checkWan(profile);
  for (const [name, rename] of [
    ['marked', (index: number) => `## chunkflow block ${index}`],
    ['path', (index: number) => `transformer.blocks.${index}`],
  ] as const) {
    const passes = WAN.passes.map((blocks) => blocks.map((one, index) => ({ ...one, range: rename(index) })));
    const text = kinetoText({ ...WAN, passes }, { cat: 'user_annotation' });
    const { profile: renamed } = await imported(write(`${name}.json`, text));
    checkWan(renamed);
    assert.is(renamed.blocks[0]!.container, name === 'path' ? 'transformer.blocks' : 'blocks');
  }
});

kineto('ranges of ours are meant where modules and paths have ranges as well', async () => {
  const { traceEvents, ...rest } = JSON.parse(kinetoText(WAN));
  const blocks = traceEvents.filter(({ name }: { name: string }) => /Block_/.test(name));
  const around = blocks.map((event: { name: string; ts: number; dur: number }) => ({
    ...event,
    name: event.name.replace('nn.Module: Block_', 'blocks.'),
  }));
  const marked = blocks.map((event: { name: string }) => ({
    ...event,
    ...{ cat: 'user_annotation', name: event.name.replace('nn.Module: Block_', '## chunkflow block ') },
  }));
  const text = JSON.stringify({ ...rest, traceEvents: [...traceEvents, ...around, ...marked] });
  const { profile } = await imported(write('both.json', text));
  checkWan(profile);
  assert.equal(profile.blocks, [{ container: 'blocks', first: 0, count: 4, kind: 0 }]);
});

kineto('its profile goes into predict, and what it takes is what was traced', async () => {
  const file = at('out.profile.json');
  const { code, stderr } = await runCli([
    ...[
      'import',
      write('wan.json', kinetoText(WAN)),
      '--as',
      'profile',
      ...FACTS,
      '--out',
      file,
      '--id',
      'wan',
    ],
  ]);
  assert.is(code, 0, stderr);
  assert.match(stderr, /wrote .*out\.profile\.json; predict, simulate and plan take it as --profile/);
  const predicted = await runCli([
    'predict',
    '--profile',
    file,
    '--machine',
    'h200-x2',
    '--plan',
    'none',
    '--json',
  ]);
  assert.is(predicted.code, 0, predicted.stderr);
  const { workload, plans } = JSON.parse(predicted.stdout);
  assert.is(workload.model, 'wan');
  near(plans[0].computeS, 4 * 400e-6 + 400e-6, 'compute');
});

kineto('blocks of one list with other collectives are kinds of their own', async () => {
  const odd = (blocks: readonly MadeBlock[]) =>
    blocks.map((one, index) => (index === 2 ? { ...one, collectives: [one.collectives[0]!, reduce] } : one));
  const { profile } = await imported(write('odd.json', kinetoText({ ...WAN, passes: WAN.passes.map(odd) })));
  assert.equal(
    profile.blocks.map(({ first, count, kind }) => [first, count, kind]),
    [
      [0, 2, 0],
      [2, 1, 1],
      [3, 1, 0],
    ],
  );
  const { kind, sentBytes, bufferBytes } = profile.kinds[1]!.collectives[1]!;
  assert.equal([kind, sentBytes, bufferBytes], ['all-reduce', 2_000_000, 2_000_000]);
});

kineto('several lists in the order of a pass, with bytes of their own', async () => {
  const passes = [1, 1].map(() => [
    ...[0, 1].map((index) => block(`nn.Module: Dual_${index}`, 1)),
    ...[0, 1, 2].map((index) => ({
      ...block(`nn.Module: Single_${index}`, 2),
      collectives: [exchange(500, 10), exchange(300, 10)],
    })),
  ]);
  const file = write('flux.json', kinetoText({ ...WAN, passes }));
  await refused(
    [file, '--as', 'profile', ...FACTS],
    /several lists that may be the blocks: Dual, Single; say which with --blocks/,
  );
  const weights = [
    '--weight-bytes',
    'Dual=2MB',
    '--weight-bytes',
    'Single=1MB',
    '--outside-bytes',
    '0B',
    '--activation-bytes',
    '1GB',
  ];
  const { code, stdout, stderr } = await runCli([
    'import',
    file,
    '--as',
    'profile',
    '--blocks',
    'Dual,Single',
    ...weights,
  ]);
  assert.is(code, 0, stderr);
  const profile = JSON.parse(stdout) as Profile;
  assert.equal(
    profile.kinds.map(({ name, weightBytes }) => [name, weightBytes]),
    [
      ['Dual', 2_000_000],
      ['Single', 1_000_000],
    ],
  );
  assert.equal(
    profile.blocks.map(({ container, count }) => [container, count]),
    [
      ['Dual', 2],
      ['Single', 3],
    ],
  );
});

kineto('modules within blocks are not the blocks', async () => {
  const { traceEvents, ...rest } = JSON.parse(kinetoText(WAN));
  const inner = traceEvents
    .filter(({ name }: { name: string }) => /Block_/.test(name))
    .map((event: { name: string; ts: number; dur: number }) => ({
      ...event,
      ...{ name: event.name.replace('Block', 'Attention'), ts: event.ts + 0.5, dur: event.dur - 1 },
    }));
  const file = write('inner.json', JSON.stringify({ ...rest, traceEvents: [...inner, ...traceEvents] }));
  checkWan((await imported(file)).profile);
});

kineto('a pass that is not whole is left out, and what lies across it is none', async () => {
  const text = kinetoText({ ...WAN, passes: [wan(1).slice(2), wan(1), wan(1).slice(0, 3), wan(1)] });
  const file = write('torn.json', text);
  await refused(
    [file, '--as', 'profile', ...FACTS],
    /no two passes in a row, .*give --outside-time, such as --outside-time 4ms/,
  );
  const { profile, notes } = await imported(file, '--outside-time', '3ms');
  assert.equal([profile.step.stepsMeasured, profile.outside.seconds], [2, 0.003]);
  assert.match(notes, /note: 5 runs of blocks belong to no whole pass; left out/);
});

kineto('compute beside a collective is in no window, and a note says how much', async () => {
  const { traceEvents, ...rest } = JSON.parse(kinetoText({ ...WAN, passes: [wan(1), wan(1)] }));
  for (const event of traceEvents) {
    // The second exchange of each block begins with the compute before it.
    if (event.cat === 'kernel' && event.dur === 60) {
      event.ts -= 200;
      event.dur += 200;
    }
  }
  const { profile, notes } = await imported(write('beside.json', JSON.stringify({ ...rest, traceEvents })));
  near(profile.kinds[0]!.windows[1]!.seconds, 0, 'window');
  near(profile.kinds[0]!.collectives[1]!.seconds, 260e-6, 'collective');
  assert.match(notes, /note: 33 % of the blocks' time is compute beside collectives/);
});

kineto('a collective whose kernel comes late begins where the compute before it ends', async () => {
  const { traceEvents, ...rest } = JSON.parse(kinetoText(WAN));
  for (const event of traceEvents) {
    if (event.cat !== 'kernel' || event.dur !== 60) continue;
    event.ts += 25;
    event.dur -= 25;
  }
  checkWan((await imported(write('late.json', JSON.stringify({ ...rest, traceEvents })))).profile);
});

kineto('what another thread launches meanwhile is of no block', async () => {
  const { traceEvents, ...rest } = JSON.parse(kinetoText(WAN));
  const gpu = traceEvents.filter(({ cat }: { cat: string }) => cat === 'kernel');
  const launches = traceEvents.filter(({ cat }: { cat: string }) => cat === 'cuda_runtime');
  // A second thread's kernels run through all of a block's windows.
  const others = launches.flatMap((launch: { args: { correlation: number } }, index: number) => {
    const correlation = 1e6 + launch.args.correlation;
    return [
      { ...launch, tid: 77, args: { correlation } },
      { ...gpu[index], name: 'other', dur: 1e4, args: { device: 0, stream: 99, correlation } },
    ];
  });
  const text = JSON.stringify({ ...rest, traceEvents: [...traceEvents, ...others] });
  checkWan((await imported(write('threads.json', text))).profile);
});

kineto('an all-gather sends its input to every other rank, and has all of it in its output', async () => {
  const gather: MadeCollective = {
    ...{
      kernel: 'ncclDevKernel_AllGather_RING_LL(ncclDevKernelArgsStorage<4096ul>)',
      name: '_allgather_base',
    },
    ...{ elements: 500_000, us: 60 },
  };
  const gathering = (blocks: readonly MadeBlock[]) =>
    blocks.map((one) => ({ ...one, collectives: [one.collectives[0]!, gather] }));
  const passes = WAN.passes.map(gathering);
  const { profile } = await imported(write('gather.json', kinetoText({ ...WAN, passes, ranks: 4 })));
  const { kind, sentBytes, bufferBytes } = profile.kinds[0]!.collectives[1]!;
  assert.equal([kind, sentBytes, bufferBytes], ['all-gather', 3_000_000, 5_000_000]);
});

kineto('two passes a step are one step of two', async () => {
  const { profile } = await imported(write('wan.json', kinetoText(WAN)), '--passes', '2');
  assert.equal([profile.step.passes, profile.step.stepsMeasured], [2, 2]);
});

const plain = () => write('wan.json', kinetoText(WAN));
const bare = () => write('bare.json', kinetoText(WAN, { messages: false }));
const asProfile = (file: string, ...flags: string[]) => [file, '--as', 'profile', ...FACTS, ...flags];
const changed = (name: string, from: RegExp, to: string) => {
  const text = kinetoText(WAN);
  const result = text.replaceAll(new RegExp(from, 'g'), to);
  assert.not.equal(result, text);
  return write(name, result);
};

const REFUSED: [what: string, args: () => string[], says: RegExp][] = [
  ['without --as', () => [plain()], /wan\.json:1: is a trace: add --as profile/],
  [
    'flags of a trace without --as',
    () => [plain(), '--weight-bytes', '1MB'],
    /--weight-bytes: is for a trace; add --as profile/,
  ],
  [
    'the flag of nccl-tests',
    () => asProfile(plain(), '--collective', 'all-to-all'),
    /--collective all-to-all: is for nccl-tests/,
  ],
  [
    'no bytes of blocks',
    () => [plain(), '--as', 'profile'],
    /does not say the bytes of a block's parameters; give --weight-bytes Block=SIZE/,
  ],
  [
    'no bytes outside',
    () => [plain(), '--as', 'profile', '--weight-bytes', '1MB'],
    /bytes of parameters outside of the blocks; give --outside-bytes/,
  ],
  [
    'no activations',
    () => [plain(), '--as', 'profile', '--weight-bytes', '1MB', '--outside-bytes', '1MB'],
    /peak of what is allocated beside parameters; give --activation-bytes/,
  ],
  [
    'bytes of a list that is not there',
    () => asProfile(plain(), '--weight-bytes', 'Blok=1MB'),
    /--weight-bytes "Blok": no list of blocks is called so; there are Block/,
  ],
  [
    'bytes that are none',
    () => asProfile(plain(), '--weight-bytes', 'Block=much'),
    /--weight-bytes: expected a size such as 670MiB, got "much"/,
  ],
  ['bytes twice', () => asProfile(plain(), '--weight-bytes', '1MB'), /--weight-bytes "1MB": is given twice/],
  [
    'a list that is not there',
    () => asProfile(plain(), '--blocks', 'Blok'),
    /--blocks "Blok": the trace has no such ranges; nearest: Block/,
  ],
  [
    'a list twice',
    () => asProfile(plain(), '--blocks', 'Block,Block'),
    /--blocks "Block,Block": expected different names/,
  ],
  [
    'other ranks than the trace has',
    () => asProfile(plain(), '--ranks', '4'),
    /--ranks 4: the trace's collectives are of 2 ranks/,
  ],
  [
    'an id for no plan',
    () => asProfile(plain(), '--id', 'My Model'),
    /--id "My Model": expected at most 100 small letters/,
  ],
  [
    'no bytes of collectives',
    () => asProfile(bare()),
    /does not say how many ranks meet in its collectives; give --ranks/,
  ],
  [
    'no bytes of collectives, of so many ranks',
    () => asProfile(bare(), '--ranks', '2'),
    /does not say the bytes of its collectives \("nn\.Module: Block_0" has all-to-all, all-to-all\); give --collective-bytes all-to-all=SIZE/,
  ],
  [
    'too few bytes of collectives',
    () => asProfile(bare(), '--ranks', '2', '--collective-bytes', 'all-to-all=1MB'),
    /--collective-bytes all-to-all: "nn\.Module: Block_0" has all-to-all, all-to-all; give one for each in order/,
  ],
  [
    'bytes of no collective',
    () => asProfile(bare(), '--collective-bytes', 'broadcast=1MB'),
    /--collective-bytes "broadcast=1MB": expected all-to-all, all-gather or all-reduce=SIZE/,
  ],
  [
    'a time that is none',
    () => asProfile(plain(), '--outside-time', '4 MiB'),
    /--outside-time: expected a time such as 4ms/,
  ],
  [
    'no ranges',
    () => asProfile(changed('ranges.json', /nn\.Module: Block_/, 'forward ')),
    /has no ranges of blocks; record with with_stack=True/,
  ],
  [
    'no launches',
    () => asProfile(changed('launches.json', /cuda_runtime/, 'other')),
    /"nn\.Module: Block_0": no kernel was launched in it; record without CUDA graphs/,
  ],
  [
    'another collective',
    () => asProfile(changed('broadcast.json', /all_to_allv/, 'broadcast')),
    /"nn\.Module: Block_0": has "ncclDevKernel_SendRecv/,
  ],
  [
    'kernels of two GPUs',
    () => asProfile(changed('gpus.json', /"device":0,"stream":20/, '"device":1,"stream":20')),
    /has kernels of 2 GPUs; a profile is of one rank/,
  ],
  [
    'no pass',
    () =>
      asProfile(write('pass.json', kinetoText({ ...WAN, passes: [wan(1).slice(0, 3), wan(1).slice(1)] }))),
    /has no whole pass of the 4 blocks Block in order; record at least one whole step/,
  ],
  [
    'an event without a time',
    () => asProfile(changed('time.json', /"dur":150/, '"dur":"soon"')),
    /time\.json:1:\d+: traceEvents\.\d+\.dur: expected microseconds, got "soon"/,
  ],
  [
    'a torn trace',
    () => asProfile(write('cut.json', kinetoText(WAN).slice(0, 3000))),
    /cut\.json:1:\d+: the JSON is cut short here; export the trace anew/,
  ],
  [
    'another JSON',
    () => asProfile(write('other.json', '{"a": 1}')),
    /other\.json:1:1: traceEvents: is missing/,
  ],
  ['a list', () => asProfile(write('list.json', '[1]')), /list\.json:1:1: traceEvents: is missing/],
  [
    'what is no gzip',
    () => asProfile(write('bad.gz', Buffer.from([0x1f, 0x8b, 1, 2, 3]))),
    /bad\.gz: cannot be unzipped/,
  ],
  [
    'a bomb of gzip',
    () => asProfile(write('bomb.gz', gzipSync(Buffer.alloc(501 * 2 ** 20), { level: 1 }))),
    /bomb\.gz: cannot be unzipped to at most 524288000 bytes \(ERR_BUFFER_TOO_LARGE\)/,
  ],
  ['nothing', () => asProfile(at('none.json')), /none\.json: cannot be read \(ENOENT\)/],
  ['a folder', () => asProfile(folder), /cannot be read \(EISDIR\)/],
];

for (const [what, args, says] of REFUSED) kineto(`${what}: refused in one line`, () => refused(args(), says));

kineto.run();

const nsys = suite('traces of Nsight Systems');
nsys.after(() => rmSync(folder, { recursive: true, force: true }));

/** Written once: the tests are about reading. */
const exported = () => {
  const file = at('wan.sqlite');
  rmSync(file, { force: true });
  writeNsys(file, WAN);
  return file;
};
const BYTES = [
  '--ranks',
  '2',
  '--collective-bytes',
  'all-to-all=6MB',
  '--collective-bytes',
  'all-to-all=2MB',
];

nsys('windows and collectives are those that were put in; bytes are those that are given', async () => {
  const file = exported();
  const before = [readdirSync(folder), readFileSync(file)];
  const { profile } = await imported(file, ...BYTES);
  checkWan(profile);
  assert.match(profile.made.by, /from Nsight Systems$/);
  assert.equal([readdirSync(folder), readFileSync(file)], before);
});

nsys('it has no bytes of collectives', () =>
  refused(asProfile(exported(), '--ranks', '2'), /does not say the bytes of its collectives/),
);

nsys('without --as', () => refused([exported()], /wan\.sqlite:1: is a trace: add --as profile/));

const damaged = (name: string, sql: string) => {
  const file = at(name);
  rmSync(file, { force: true });
  writeNsys(file, WAN);
  const database = new sqlite.Database(file);
  try {
    database.exec(sql);
  } finally {
    database.close();
  }
  return file;
};

const SQLITE_REFUSED: [what: string, file: () => string, says: RegExp][] = [
  [
    'without ranges',
    () => damaged('a.sqlite', 'DROP TABLE NVTX_EVENTS'),
    /has no table NVTX_EVENTS; record with `nsys profile --trace=cuda,nvtx`/,
  ],
  [
    'whose names are a view that never ends',
    () =>
      damaged(
        'b.sqlite',
        `DROP TABLE StringIds; CREATE VIEW StringIds AS
         WITH RECURSIVE n(id) AS (SELECT 1 UNION ALL SELECT id + 1 FROM n) SELECT id, 'x' AS value FROM n`,
      ),
    /has no table StringIds/,
  ],
  [
    'of another version',
    () => damaged('c.sqlite', 'ALTER TABLE NVTX_EVENTS DROP COLUMN textId'),
    /is no SQLite file of Nsight Systems that can be read \(no such column: event\.textId\); export it anew with `nsys export --type sqlite`/,
  ],
  [
    'with a time that is none',
    () => damaged('d.sqlite', "UPDATE CUPTI_ACTIVITY_KIND_KERNEL SET end = 'soon'"),
    /end: expected nanoseconds, got soon; export it anew/,
  ],
  [
    'torn',
    () => write('e.sqlite', readFileSync(exported()).subarray(0, 5000)),
    /is no SQLite file of Nsight Systems that can be read/,
  ],
];

for (const [what, file, says] of SQLITE_REFUSED)
  nsys(`a database ${what}: refused in one line`, () => refused(asProfile(file(), ...BYTES), says));

nsys.run();

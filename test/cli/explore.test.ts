import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { commandOf, type ExplorerState, stateOf } from '../../explorer/state.ts';
import { packageRoot } from '../../model/input/packageFiles.ts';
import { SITE } from '../../scripts/explorer.mjs';
import { OWN_CLI, startCli } from '../support/ownCli.ts';
import { runCli } from '../support/runCli.ts';
import { skip } from '../support/skip.ts';

const test = suite('chunkflow explore, and links of other commands');
const folder = mkdtempSync(join(tmpdir(), 'chunkflow-explore-'));

const SCENARIO = ['--model', 'wan2.1-t2v-1.3b', '--machine', 'h200-x2', '--sp', '2'];

test('wrong flags are said in one line, before anything is served', async () => {
  const cases: [string[], RegExp][] = [
    [['--model', 'nonsense'], /^error: model "nonsense": not in the catalogue/],
    [['--machine', 'rtx-9999'], /^error: machine "rtx-9999" is not known/],
    [[...SCENARIO, '--plan', 'nonsense'], /^error: .*nonsense/],
    [[...SCENARIO, '--sp', '5'], /^error: option '--sp <n>' is given twice/],
    [['--profile', 'none.profile.json'], /^error: none.profile.json: cannot be read \(ENOENT\)/],
    [['--model', packageRoot], /^error: .*/],
    [['--port', '99999'], /^error: .*Expected a port from 0/],
    [['--before', '1s'], /^error: --before: is a part of a whole request/],
  ];
  for (const [flags, message] of cases) {
    const { code, stdout, stderr } = await runCli(['explore', '--no-open', ...flags]);
    assert.is(code, 2, flags.join(' '));
    assert.is(stdout, '');
    assert.match(stderr, message);
    assert.is(stderr.trimEnd().split('\n').length, 1);
  }
});

test('--link says the state of the flags on stderr, and stdout stays as it is', async () => {
  const flags = [
    ...SCENARIO,
    '--plan',
    'none',
    '--plan',
    'yield,resident=0.25',
    '--set',
    'gpu.copyEngine.h2d=30 GB/s',
  ];
  const state: ExplorerState = {
    ...{ model: 'wan2.1-t2v-1.3b', machine: 'h200-x2', sp: 2, set: ['gpu.copyEngine.h2d=30 GB/s'] },
    plan: ['none', 'yield,resident=0.25'],
  };
  for (const command of ['predict', 'simulate']) {
    const blocks = command === 'simulate' ? ['--blocks', '2'] : [];
    const without = await runCli([command, ...flags, ...blocks, '--json']);
    const withLink = await runCli([command, ...flags, ...blocks, '--json', '--link']);
    assert.is(withLink.stdout, without.stdout);
    const link = withLink.stderr.trim().split('\n').at(-1)!;
    assert.ok(link.startsWith('http://127.0.0.1:8417/#'), link);
    assert.equal(stateOf(link), command === 'simulate' ? { ...state, blocks: 2 } : state);
  }
  const { stderr } = await runCli([
    'plan',
    ...SCENARIO,
    '--blocks',
    '2',
    '--gpu-memory',
    '2GiB',
    '--link',
    'https://a.example/x/',
  ]);
  const link = stderr.trim().split('\n').at(-1)!;
  assert.ok(link.startsWith('https://a.example/x/#'), link);
  assert.equal(stateOf(link), {
    model: 'wan2.1-t2v-1.3b',
    machine: 'h200-x2',
    sp: 2,
    blocks: 2,
    gpuMemory: '2GiB',
  });
});

test('the command line that a state prints says the same numbers when a shell runs it', async () => {
  const file = join(folder, "it's a machine.yaml");
  writeFileSync(file, readFileSync(join(packageRoot, 'model/systems/h200-x2.yaml')));
  const state: ExplorerState = {
    ...{ model: 'wan2.1-t2v-1.3b', machine: file, sp: 2, eager: true, set: ['gpu.copyEngine.h2d=30 GB/s'] },
    ...{ plan: ['none', 'yield,resident=0.25'], steps: 3, before: '1.2 s' },
  };
  const own = [process.execPath, ...OWN_CLI].map((word) => `"${word}"`).join(' ');
  const line = commandOf(state).replace(/^chunkflow/, () => own);
  const { stdout, stderr } = spawnSync('sh', ['-c', `${line} --json`], {
    cwd: packageRoot,
    encoding: 'utf8',
  });
  assert.not.match(stderr, /error/);
  const flags = [
    '--sp',
    '2',
    '--eager',
    '--set',
    'gpu.copyEngine.h2d=30 GB/s',
    '--steps',
    '3',
    '--before',
    '1.2 s',
  ];
  const plans = ['--plan', 'none', '--plan', 'yield,resident=0.25'];
  const inProcess = await runCli([
    'predict',
    '--model',
    'wan2.1-t2v-1.3b',
    '--machine',
    file,
    ...flags,
    ...plans,
    '--json',
  ]);
  assert.is(stdout, inProcess.stdout);
});

function ofTheSite(): void {
  test('--out writes the static files into a new folder, and into no other', async () => {
    const out = join(folder, 'site');
    const first = await runCli(['explore', '--out', out, ...SCENARIO]);
    assert.is(first.code, 0, first.stderr);
    assert.is(first.stdout, 'index.html#model=wan2.1-t2v-1.3b&sp=2&machine=h200-x2\n');
    assert.equal(readdirSync(out).sort(), readdirSync(SITE).sort());
    for (const name of readdirSync(out))
      assert.equal(readFileSync(join(out, name)), readFileSync(join(SITE, name)));
    assert.is((await runCli(['explore', '--out', out])).code, 0);
    writeFileSync(join(out, 'mine.txt'), 'x');
    const refused = await runCli(['explore', '--out', out]);
    assert.is(refused.code, 2);
    assert.is(
      refused.stderr,
      `error: --out ${JSON.stringify(out)}: holds "mine.txt"; give a new folder, or an empty one\n`,
    );
    const below = await runCli(['explore', '--out', join(out, 'mine.txt', 'x')]);
    assert.is(below.code, 2);
    assert.match(below.stderr, /cannot be written \(ENOTDIR\)/);
  });

  test('it prints a link at which the page is, with the files that its flags name', async () => {
    const machine = join(folder, 'my machine.yaml');
    writeFileSync(machine, readFileSync(join(packageRoot, 'model/systems/h200-x2.yaml')));
    const args = ['explore', '--model', 'wan2.1-t2v-1.3b', '--machine', machine, '--port', '0', '--no-open'];
    const child = startCli(args);
    try {
      const link = await new Promise<string>((resolve, reject) => {
        child.stdout!.once('data', (text) => resolve(String(text).trim()));
        child.once('exit', (code) => reject(new Error(`ended with ${code}`)));
      });
      assert.match(link, /^http:\/\/127\.0\.0\.1:\d+\/#model=wan2\.1-t2v-1\.3b&machine=my\+machine\.yaml$/);
      const page = await (await fetch(link)).text();
      assert.match(page, /<title>ChunkFlow explorer<\/title>/);
      assert.match(page, /<meta name="chunkflow-given" content="[^"]*my%20machine\.yaml/);
      const address = new URL('given/my%20machine.yaml', link);
      const part = await fetch(address, { headers: { Range: 'bytes=0-9' } });
      assert.is(await part.text(), readFileSync(machine, 'utf8').slice(0, 10));
    } finally {
      child.kill();
    }
  });
}

if (existsSync(join(SITE, 'index.html'))) ofTheSite();
else skip(test, "the explorer's files", 'they are not built: npm run build');

test.after(() => rmSync(folder, { recursive: true }));
test.run();

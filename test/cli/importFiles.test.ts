import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { packageRoot } from '../../model/input/packageFiles.ts';
import { runOwnCli } from '../support/ownCli.ts';
import { runCli } from '../support/runCli.ts';

const FIXTURES = join(packageRoot, 'test', 'studies', 'imports', 'fixtures');
const fixture = (name: string) => join(FIXTURES, name);
const folder = mkdtempSync(join(tmpdir(), 'import-files-'));
const importing = suite('import of files');
importing.after(() => rmSync(folder, { recursive: true }));

importing('several files: copies of one replace the rates of the other', async () => {
  const { code, stdout } = await runCli([
    'import',
    fixture('pair/topology.txt'),
    fixture('pair/nvbandwidth.txt'),
  ]);
  assert.is(code, 0);
  assert.match(
    stdout,
    /^ {2}gpu1: \{parent: bridge0, down: \{is: 54\.88 GB\/s, from: measured, source: "nvbandwidth, /m,
  );
  assert.match(stdout, /^ {2}bridge0: \{parent: socket0\} # host bridge of gpu0, gpu1; give pcie/m);
  assert.match(stdout, /direction {2}rate of/);
});

importing('JSON: one object of one text, a list of several', async () => {
  const one = await runCli(['import', fixture('alltoall.txt'), '--json']);
  assert.is(JSON.parse(one.stdout).from, 'nccl-tests');
  const two = await runCli(['import', fixture('alltoall.txt'), fixture('smi-pcie.txt'), '--json']);
  assert.equal(
    JSON.parse(two.stdout).map(({ from }: { from: string }) => from),
    ['nccl-tests', 'nvidia-smi'],
  );
});

importing('one bad file among several refuses all, and names itself', async () => {
  const bad = join(folder, 'bad.txt');
  writeFileSync(bad, 'hello\n');
  const { code, stdout, stderr } = await runCli(['import', fixture('alltoall.txt'), bad]);
  assert.is(code, 2);
  assert.is(stdout, '');
  assert.match(stderr, /^error: [^\n]*bad\.txt:1: is none of the files that are known[^\n]*\n$/);
});

importing('the standard input, plain and gzipped', () => {
  const text = readFileSync(fixture('two-programs.txt'));
  for (const input of [text, gzipSync(text)]) {
    const { code, stdout, stderr } = runOwnCli(['import', '-'], input);
    assert.is(code, 0, stderr);
    assert.match(stdout, /^standard input:16 +all-reduce/m);
  }
});

const BAD: [what: string, bytes: string | Uint8Array, flags: string[], message: RegExp][] = [
  [
    'no standard text',
    gzipSync('x'.repeat(100)).subarray(0, 20),
    [],
    /is no whole gzip \(Z_BUF_ERROR\); copy the file again/,
  ],
  ['a zip of nothing', gzipSync(' \n'), [], /is empty; run the tool again/],
  ['half a UTF-16', Buffer.from([0xfe, 0xff, 0]), [], /is no whole UTF-16; copy the file again/],
  [
    'outputs without a name',
    '# nThread 1 nGpus 2\n#  size count type redop root time algbw busbw #wrong time algbw busbw #wrong\n  8 2 float sum -1 1 1 1 0 1 1 1 0\n',
    [],
    /:1: the output does not name its program; say which it is by --collective all-to-all, all-gather or all-reduce$/m,
  ],
  [
    'two profiles',
    '{}',
    ['--as', 'profile', fixture('alltoall.txt')],
    /--as profile: expected one trace, got 2 files/,
  ],
];

for (const [what, bytes, flags, message] of BAD) {
  importing(`refused in one line: ${what}`, async () => {
    const file = join(folder, 'file');
    writeFileSync(file, bytes);
    const { code, stdout, stderr } = await runCli(['import', file, ...flags]);
    assert.is(code, 2, stderr);
    assert.is(stdout, '');
    assert.is(stderr.trim().split('\n').length, 1, stderr);
    assert.match(stderr, message);
  });
}

importing.run();

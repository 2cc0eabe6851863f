import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { type Imported, readAll } from '../../../studies/imports/readAny.ts';
import { fixtures, fixtureText } from './fixtureText.ts';

const folder = mkdtempSync(join(tmpdir(), 'launchers-'));
const file = join(folder, 'file');

const FIXTURES = [
  'alltoall.txt',
  'two-programs.txt',
  'all-gather.json',
  'nvbandwidth.json',
  'nvbandwidth.txt',
  'topology.xml',
  'smi-pcie.txt',
  'smi-nvlink.txt',
];

const ESCAPE = String.fromCharCode(27);
const before = (prefix: (index: number) => string) => (line: string, index: number) =>
  `${prefix(index)}${line}`;
const stamp = (index: number) => `2026-01-05T10:00:${String(index % 60).padStart(2, '0')}.123456789Z`;

/** What happens to each line between a program and a file. */
const LINES: Record<string, (line: string, index: number) => string> = {
  'mpirun --tag-output': before(() => '[1,0]<stdout>:'),
  'mpirun --tag-output --timestamp-output': before(() => 'Mon Jan  5 10:00:00 2026[1,0]<stdout>:'),
  'prterun --output tag': before(() => '[prterun-node-7-4711@1,0]<stdout>: '),
  'srun --label': before(() => '0: '),
  'srun --label of twenty tasks': before(() => ' 0: '),
  'torchrun --tee': before(() => '[default0]:'),
  'torch.distributed': before(() => '[rank0]: '),
  'mpiexec -prepend-rank': before(() => '[0] '),
  'kubectl logs --prefix': before(() => '[pod/job-abc/main] '),
  'kubectl logs --timestamps': before((index) => `${stamp(index)} `),
  'kubectl logs --prefix --timestamps': before((index) => `[pod/job-abc/main] ${stamp(index)} `),
  'docker compose logs': before(() => 'gpu-test-1  | '),
  'docker compose logs -t': before((index) => `gpu-test-1  | ${stamp(index)} `),
  'GitHub Actions': before((index) => `${stamp(index).slice(0, -3)}Z `),
  'a logger': before(() => '[2026-01-05 10:00:00,123] '),
  ray: before(() => '(Worker pid=4711, ip=10.0.0.7) '),
  'pdsh and clush': before(() => 'node-7: '),
  journalctl: before(() => 'Jan 05 10:00:00 node-7 job[4711]: '),
  'srun in kubectl logs': before((index) => `${stamp(index)} 0: `),
  'quoted in a mail': before(() => '> '),
  'quoted twice': before(() => '> > '),
  indented: before(() => '    '),
  'indented by a tab': before(() => '\t'),
  underlined: (line) => `${ESCAPE}[4m${line}${ESCAPE}[0m`,
  'underlined, escapes lost': (line) => `[4m${line}[0m`,
};

/** What happens to a whole file. */
const FILES: Record<string, (text: string) => string | Uint8Array> = {
  'a byte-order mark and CRLF': (text) => `\uFEFF${text.replaceAll('\n', '\r\n')}`,
  'UTF-16 of PowerShell': (text) => Buffer.from(`\uFEFF${text.replaceAll('\n', '\r\n')}`, 'utf16le'),
  'UTF-16, big-endian': (text) => Buffer.from(`\uFEFF${text}`, 'utf16le').swap16(),
  gzip: (text) => gzipSync(text),
};

/** Lines that stand around an output. */
const AROUND: Record<string, [before: string[], after: string[]]> = {
  'a code fence': [
    ['Here it is:', '', '```text'],
    ['```', '', 'Thanks'],
  ],
  'a page': [
    ['<details>', '<pre>'],
    ['</pre>', '</details>'],
  ],
  'logs and warnings': [
    ['WARNING: log file is in use', '{rank 0} starts', 'loaded {a, b}'],
    ['[W] done {', 'WARNING: suffix'],
  ],
};

function importedFrom(bytes: string | Uint8Array): Imported[] {
  writeFileSync(file, bytes);
  return readAll(file);
}

/** What was read, with its lines counted from where the output begins, and without notes. */
function facts(imported: readonly Imported[], firstLine = 0): unknown {
  return imported.map((one) => {
    const { notes: _, ...rest } = one;
    const text = JSON.stringify({ ...rest, file: 'x' }).replaceAll(
      /"source":"[^"]*:(\d+)"/g,
      (__, line: string) => `"source":${Number(line) - firstLine}`,
    );
    return JSON.parse(text);
  });
}

const any = suite('what stands between a program and a file of its output');
any.after(() => rmSync(folder, { recursive: true }));

for (const name of FIXTURES) {
  const { text, lines } = fixtureText(name);
  const plain = facts(readAll(join(fixtures, name)));
  for (const [what, change] of Object.entries(LINES))
    any(`${name}: ${what}`, () => {
      assert.equal(facts(importedFrom(lines.map(change).join('\n'))), plain);
    });
  for (const [what, change] of Object.entries(FILES))
    any(`${name}: ${what}`, () => assert.equal(facts(importedFrom(change(text))), plain));
  for (const [what, [first, last]] of Object.entries(AROUND))
    any(`${name}: ${what}`, () => {
      const whole = [...first, ...lines, ...last].join('\n');
      assert.equal(facts(importedFrom(whole), first.length), plain);
    });
}

any('lines in quotes, as a list of strings is printed', () => {
  const { lines } = fixtureText('smi-pcie.txt');
  const quoted = lines.map((line) => `  '${line.replaceAll('\t', '\\t')}',`);
  assert.equal(facts(importedFrom(quoted.join('\n'))), facts(readAll(join(fixtures, 'smi-pcie.txt'))));
});

// Each process prints its own line between the others'.
for (const [what, tag] of [
  ['mpirun', (rank: number) => `[1,${rank}]<stdout>:`],
  ['srun', (rank: number) => `${rank}: `],
  ['torchrun', (rank: number) => `[rank${rank}]: `],
  ['pods', (rank: number) => `[pod/job-${rank}/main] `],
] as const) {
  any(`of several processes that print a matrix the first is taken, and said: ${what}`, () => {
    const { lines } = fixtureText('smi-pcie.txt');
    const mixed = lines.flatMap((line) => [0, 1, 2].map((rank) => `${tag(rank)}${line}`));
    const [imported] = importedFrom(mixed.join('\n'));
    assert.is(imported!.from, 'nvidia-smi');
    assert.equal((imported as { gpus: string[] }).gpus.length, 6);
    assert.match(imported!.notes.at(-1)!, /printed such a text too; that of .*0.* is taken/);
  });
  any(`only one process prints the table, the others log: ${what}`, () => {
    const { lines } = fixtureText('two-programs.txt');
    const mixed = lines.flatMap((line) => [`${tag(0)}${line}`, `${tag(1)}box:1:1 [1] NCCL INFO x`]);
    const [imported] = importedFrom(mixed.join('\n'));
    assert.is((imported as { readings: unknown[] }).readings.length, 4);
  });
}

any('a log of a job has several kinds', () => {
  const parts = ['smi-pcie.txt', 'nvbandwidth.txt', 'two-programs.txt', 'alltoall.txt'];
  const log = parts.map((name) => fixtureText(name).text).join('\n+ next command\n');
  const imported = importedFrom(log);
  assert.equal(
    imported.map(({ from }) => from),
    ['nvbandwidth', 'nccl-tests', 'nvidia-smi'],
  );
  const count = (from: string) =>
    (imported.find((one) => one.from === from) as { readings?: unknown[] }).readings?.length;
  assert.equal([count('nvbandwidth'), count('nccl-tests')], [6, 6]);
});

any.run();

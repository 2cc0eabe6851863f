import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { runCli } from '../support/runCli.ts';

const command = suite('chunkflow report');
const folder = mkdtempSync(join(tmpdir(), 'chunkflow-report-command-'));
command.after(() => rmSync(folder, { recursive: true }));

const STEPS = 'experiments/pair/host-b/pair-nvlink.jsonl';
const FITTED = ['--machine', 'h200-x2-fitted'];

command('a file by its ending; without one Markdown on the standard output', async () => {
  const file = join(folder, 'steps.html');
  const written = await runCli(['report', STEPS, ...FITTED, '--out', file]);
  assert.equal([written.code, written.stdout], [0, `${file}\n`]);
  const html = readFileSync(file, 'utf8');
  assert.ok(html.startsWith('<!doctype html>\n<html lang="en">') && html.endsWith('</html>\n'));
  const printed = await runCli(['report', STEPS, ...FITTED]);
  assert.is(printed.code, 0);
  assert.match(printed.stdout, /^# 16 measured steps on NVIDIA H200, predicted\n/);
  const named = join(folder, 'steps.txt');
  await runCli(['report', STEPS, ...FITTED, '--format', 'md', '--out', named]);
  assert.is(readFileSync(named, 'utf8'), printed.stdout);
});

const calibration = 'experiments/pair/host-b/calibration.yaml';
const broken = join(folder, 'broken.jsonl');
writeFileSync(broken, '{"schema":"chunkflow/steps@1"}\n');

const REFUSED: readonly [args: string[], message: RegExp][] = [
  [
    [STEPS, '--out', 'report.pdf'],
    /^error: --out "report\.pdf": expected a name that ends in \.html or \.md, or --format\n$/,
  ],
  [['none.jsonl'], /^error: none\.jsonl: cannot be read \(ENOENT\)/],
  [[broken, ...FITTED], /broken\.jsonl:1: experiment: Invalid input/],
  [
    [calibration, STEPS],
    /^error: "experiments\/pair\/host-b\/calibration\.yaml": a calibration has a report of its own, got 2 files; leave the others out\n$/,
  ],
  [
    [calibration, ...FITTED],
    /^error: --machine "h200-x2-fitted": is of measured steps, and this is a calibration; leave it out\n$/,
  ],
  [['validation', STEPS], /^error: report validation: takes no files beside it/],
  [
    ['validation', ...FITTED],
    /^error: --machine "h200-x2-fitted": each of these datasets has its own; leave it out\n$/,
  ],
  [
    ['x.jsonl', '--profiles', 'folder'],
    /^error: --profiles "folder": a profile says nothing of links; give --machine/,
  ],
  [
    ['x.jsonl', '--profiles', 'folder', ...FITTED, '--experiment', 'a.yaml'],
    /^error: --experiment "a\.yaml": is of generated programs/,
  ],
  [[STEPS, ...FITTED, '--out', join(folder, 'no', 'report.html')], /cannot be written \(ENOENT\)/],
];

for (const [args, message] of REFUSED)
  command(`refused in one line: ${args.join(' ').slice(0, 100)}`, async () => {
    const { code, stdout, stderr } = await runCli(['report', ...args]);
    assert.is(code, 2, stderr);
    assert.is(stdout, '');
    const said = stderr
      .split('\n')
      .filter((line) => !/^steps \d/.test(line))
      .join('\n');
    assert.match(said, message);
    assert.is(said.trim().split('\n').length, 1);
  });

command.run();

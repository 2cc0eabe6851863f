import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { MODALITIES, ROWS } from '../../model/dit/dit.ts';
import { COLLECTIVE_KINDS } from '../../model/dit/kinds.ts';
import { loadDit } from '../../model/dit/load.ts';
import { SEGMENT_OPS } from '../../model/dit/operations.ts';
import { packageRoot } from '../../model/input/packageFiles.ts';
import { UserError } from '../../model/input/userError.ts';
import { YIELD_RULES } from '../../model/plan/plan.ts';
import { openPlan, planText } from '../../model/plan/planFile.ts';
import { makePlan } from '../../model/presets/presets.ts';
import { readProfile } from '../../model/profile/profileFile.ts';
import { loadSystem } from '../../model/system/load.ts';
import { PEERS, PROVENANCES } from '../../model/system/system.ts';
import { TRANSPORT_PATHS } from '../../model/system/transport.ts';
import { bindWorkload } from '../../model/workload/bind.ts';
import { EXCHANGE_STYLES, GUIDANCE_MODES } from '../../model/workload/workload.ts';
import { PEER_NAMES } from '../../search/peers/peerNames.ts';
import { runCli } from '../support/runCli.ts';

const folder = mkdtempSync(join(tmpdir(), 'chunkflow-words-'));
const test = suite('a word outside a closed vocabulary');
test.after(() => rmSync(folder, { recursive: true, force: true }));

/** Where a file with one word replaced is refused: its line and column, and what is said of it. */
function refusal(name: string, text: string, [from, to]: [string, string], read: (file: string) => unknown) {
  assert.is(text.includes(from), true, `${name} has ${from}`);
  const file = join(folder, name);
  writeFileSync(file, text.replace(from, to));
  try {
    read(file);
  } catch (error) {
    assert.instance(error, UserError);
    return (error as UserError).message.replaceAll(folder, '');
  }
  assert.unreachable(`${to} was accepted`);
}

const text = (...path: string[]) => readFileSync(join(packageRoot, ...path), 'utf8');
const machine = text('model', 'systems', 'h200-x2.yaml');
const model = text('model', 'catalogue', 'wan2.1-t2v-1.3b.yaml');
const profile = text('experiments', 'profile', 'synthetic-dit.profile.json');
const system = loadSystem('h200-x2');
const workload = bindWorkload(loadDit('wan2.1-t2v-1.3b'), {
  size: { width: 480, height: 320, frames: 17 },
  sp: 2,
});
const plan = planText(makePlan('yield', workload, system), workload);

const FILES: [of: string, words: readonly string[], message: () => string | undefined][] = [
  ['peer', PEERS, () => refusal('m.yaml', machine, ['peer: real', 'peer: reel'], loadSystem)],
  ['provenance', PROVENANCES, () => refusal('m.yaml', machine, ['from: measured', 'from: felt'], loadSystem)],
  ['path', TRANSPORT_PATHS, () => refusal('m.yaml', machine, ['path: host', 'path: hots'], loadSystem)],
  ['modality', MODALITIES, () => refusal('d.yaml', model, ['modality: video', 'modality: film'], loadDit)],
  ['rows', ROWS, () => refusal('d.yaml', model, ['q: x', 'q: y'], loadDit)],
  ['op', SEGMENT_OPS.gemm, () => refusal('d.yaml', model, ['op: qkv\n', 'op: kqv\n'], loadDit)],
  [
    'yield rule',
    YIELD_RULES,
    () => refusal('p.json', plan, ['"yieldRule": "wait"', '"yieldRule": "weight"'], openPlan),
  ],
  [
    'collective',
    COLLECTIVE_KINDS,
    () => refusal('w.profile.json', profile, ['"all-to-all"', '"all-to-one"'], readProfile),
  ],
];

for (const [of, words, message] of FILES)
  test(`${of}: the error names its place and every word`, () => {
    const found = message()!;
    assert.match(found, /^\/[dmpw][.a-z]*:\d+:\d+: /);
    for (const word of words) assert.ok(found.includes(word), `${word} in ${found}`);
    assert.not.match(found, /\n/);
  });

test('segment class: an unknown key where each has its number', () => {
  const overhead = ['kernelOverhead:\n', 'kernelOverhead:\n    gem: {is: 1 us, from: default}\n'] as const;
  const found = refusal('m.yaml', machine, [...overhead], loadSystem);
  assert.match(found!, /^\/m\.yaml:48:5: gpu\.kernelOverhead\.gem: unknown key; /);
});

const FLAGS: [flags: string[], words: readonly string[]][] = [
  [['predict', '--exchange', 'boxed'], EXCHANGE_STYLES],
  [['predict', '--cfg', 'twice'], GUIDANCE_MODES],
  [['plan', '--for', 'sglan'], PEER_NAMES],
  [['import', 'file.txt', '--collective', 'all-to-one'], COLLECTIVE_KINDS],
];

for (const [flags, words] of FLAGS)
  test(`${flags.at(-2)}: the error names every word`, async () => {
    const { code, stderr } = await runCli(flags);
    assert.is(code, 2);
    for (const word of words) assert.ok(stderr.includes(word), `${word} in ${stderr}`);
  });

test.run();

import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { packageRoot } from '../../model/input/packageFiles.ts';
import { runCli } from '../support/runCli.ts';

const folder = mkdtempSync(join(tmpdir(), 'chunkflow-bad-'));
const test = suite('bad input');
test.after(() => rmSync(folder, { recursive: true, force: true }));

const MODEL = readFileSync(join(packageRoot, 'model/catalogue/wan2.1-t2v-1.3b.yaml'), 'utf8');
const MACHINE = readFileSync(join(packageRoot, 'model/systems/h100-pcie-x2.yaml'), 'utf8');

/** A file of the test folder; `change` must find what it replaces. */
function file(name: string, text: string | Uint8Array): string {
  const path = join(folder, name);
  writeFileSync(path, text);
  return path;
}

function changed(text: string, from: string | RegExp, to: string): string {
  const result = text.replace(from, to);
  assert.not.equal(result, text);
  return result;
}

/** A safetensors file that announces a longer header than it has. */
function truncatedSafetensors(): Uint8Array {
  const header = Buffer.from('{"blocks.0.attn1.to_q.weight":{"dtype":"BF16","shape":[1536,');
  const bytes = Buffer.alloc(8 + header.length);
  bytes.writeBigUInt64LE(5000n, 0);
  header.copy(bytes, 8);
  return bytes;
}

/** Nine levels of ten aliases: a billion strings, about 100 MB of memory long before the end. */
function aliasBomb(): string {
  const levels = 'abcdefghi'.split('');
  const lines = levels.map((name, index) => {
    const inner = index === 0 ? '"boom"' : `*${levels[index - 1]}`;
    return `${name}: &${name} [${Array(10).fill(inner).join(', ')}]`;
  });
  return `${lines.join('\n')}\n`;
}

interface Case {
  name: string;
  args: () => readonly string[];
  /** What the one line must say: the place in a file where there is one, the value and the way out. */
  says: readonly (string | RegExp)[];
}

const model = (path: string) => ['predict', '--model', path, '--machine', 'h100-pcie-x2'];
const machine = (path: string) => ['predict', '--model', 'wan2.1-t2v-1.3b', '--machine', path];
const wan = (...rest: string[]) => [...machine('h100-pcie-x2'), ...rest];

const CASES: readonly Case[] = [
  {
    name: 'an unknown key of a machine',
    args: () => machine(file('key.yaml', changed(MACHINE, '  launchFloor:', '  launchFlor:'))),
    says: [/key\.yaml:\d+:\d+: gpu\.launchFl/],
  },
  {
    name: 'an unknown key of a model',
    args: () => model(file('model-key.yaml', changed(MODEL, /^guidance:/m, 'guidence:'))),
    says: [/model-key\.yaml:\d+:\d+: guid[ae]nce/],
  },
  {
    name: 'a wrong unit',
    args: () => machine(file('unit.yaml', changed(MACHINE, '{is: 79.6 GiB,', '{is: 80 GB/s,'))),
    says: [/unit\.yaml:\d+:\d+: gpu\.memory/, '"80 GB/s"', 'such as "16 MiB"'],
  },
  {
    name: 'a lane rate in GT/s',
    args: () => machine(file('gt.yaml', changed(MACHINE, 'down: {is: 61 GB/s', 'down: {is: 32 GT/s'))),
    says: [/gt\.yaml:\d+:\d+: tree\.root\.down/, '"32 GT/s"', 'pcie: {gen, lanes}'],
  },
  {
    name: 'an impossible number of lanes',
    args: () => machine(file('lanes.yaml', changed(MACHINE, 'lanes: 16', 'lanes: 12'))),
    says: [/lanes\.yaml:\d+:\d+: tree\.gpu0\.pcie\.lanes/, '1|2|4|8|16', '12'],
  },
  {
    name: 'a cyclic tree',
    args: () => machine(file('cycle.yaml', changed(MACHINE, 'parent: memory', 'parent: gpu0'))),
    says: [/cycle\.yaml:\d+:\d+: tree\./, 'gpu0'],
  },
  {
    name: 'a negative size',
    args: () => wan('--size', '-832x480x17'),
    says: ['"-832x480x17"', '1280x720x81'],
  },
  {
    name: 'frames that the VAE cannot take',
    args: () => wan('--size', '832x480x80'),
    says: ['frames 80', '77 or 81'],
  },
  {
    name: 'SP that does not divide the heads',
    args: () => wan('--sp', '5'),
    says: ['--sp 5', '1, 2, 3, 4, 6'],
  },
  { name: 'more ranks than GPUs', args: () => wan('--sp', '4'), says: ['--sp 4', 'needs 4 GPUs'] },
  {
    name: 'more ranks than GPUs with a ring',
    args: () => wan('--sp', '2', '--ring', '2'),
    says: ['--sp 2 --ring 2', 'needs 4 GPUs'],
  },
  {
    name: 'a ring of K and V that are all gathered',
    args: () => wan('--sp', '1', '--ring', '2', '--exchange', 'kv-gather'),
    says: ['--ring 2 --exchange kv-gather', '--exchange packed or separate'],
  },
  {
    name: 'a ring over copy engines',
    args: () => wan('--sp', '1', '--ring', '2', '--transport', 'staged-copy'),
    says: ['--transport staged-copy', 'give one of shm', 'leave out --ring'],
  },
  { name: 'a pipeline', args: () => wan('--pp', '2'), says: ['--pp 2', 'give --sp, --ring or --tp'] },
  {
    name: 'a truncated safetensors header',
    args: () => model(file('cut.safetensors', truncatedSafetensors())),
    says: ['cut.safetensors', '5000'],
  },
  {
    name: 'a YAML bomb of aliases',
    args: () => machine(file('bomb.yaml', aliasBomb())),
    says: [/bomb\.yaml:\d+:\d+: /, 'aliases'],
  },
  {
    name: 'a YAML file of 100 MB',
    args: () => machine(file('huge.yaml', `notes: ["${'x'.repeat(100e6)}"]\n`)),
    says: [/huge\.yaml:1:1: /, '100000012 bytes', 'at most 1048576'],
  },
  {
    name: 'an expression that reaches outside arithmetic',
    args: () => model(file('reach.yaml', changed(MODEL, /^hidden: d$/m, "hidden: import('fs')"))),
    says: [/reach\.yaml:\d+:\d+: hidden/, 'import', 'floor'],
  },
  {
    name: 'an expression that reaches for a constructor',
    args: () => model(file('reach2.yaml', changed(MODEL, /^hidden: d$/m, 'hidden: d.constructor'))),
    says: [/reach2\.yaml:\d+:\d+: hidden/, 'constructor', 'is not allowed'],
  },
  {
    name: 'an unknown preset',
    args: () => wan('--plan', 'layervise'),
    says: ['"layervise"', 'layerwise-drain'],
  },
  {
    name: 'a setting out of range',
    args: () => wan('--plan', 'chunked', '--resident', '2'),
    says: ['resident', '"2"', 'from 0 to 1'],
  },
  {
    name: 'a part of a request without its steps',
    args: () => wan('--after', '3s'),
    says: ['--after', 'give its --steps'],
  },
  {
    name: 'what is no time of a request',
    args: () => wan('--steps', '4', '--before', '3GB'),
    says: ['--before', '"3GB"', 'a time such as'],
  },
  {
    name: 'more experts on the GPU than there are',
    args: () => wan('--experts-on-gpu', '2'),
    says: ['--experts-on-gpu 2', 'has one expert'],
  },
  {
    name: 'a flag that no plan has a use for',
    args: () => wan('--plan', 'sequential', '--prefetch', '2'),
    says: ['--prefetch=2', 'sequential copies each block just before it runs', 'layerwise'],
  },
  {
    name: 'a flag that none of several plans has a use for',
    args: () => wan('--plan', 'sequential', '--plan', 'none', '--prefetch', '2'),
    says: ['--prefetch=2', 'no plan here has a use for it', '--plan yield'],
  },
  {
    name: 'a transport where one rank has no collectives',
    args: () => wan('--sp', '1', '--transport', 'shm'),
    says: ['--transport shm', 'one rank has no collectives', '--sp or --tp of at least 2'],
  },
  {
    name: 'whole blocks ahead of the only block',
    args: () => wan('--blocks', '1', '--plan', 'layerwise'),
    says: ['--plan layerwise', 'a buffer that is still in use', 'take chunked'],
  },
  {
    name: 'a flag given twice',
    args: () => wan('--batch', '1', '--batch', '2'),
    says: ["'--batch <n>'", 'is given twice', '"1"', '"2"'],
  },
  {
    name: 'a flag of a subcommand given twice',
    args: () => ['plot', 'front', '--experiment', 'a', '--out', 'x.svg', '--out', 'y.svg'],
    says: ["'--out <file>'", 'is given twice'],
  },
  {
    name: 'an override that names nothing',
    args: () => wan('--set', 'gpu.cores=3'),
    says: ['--set gpu.cores', 'copyEngine'],
  },
  {
    name: 'a trace where a folder stands',
    args: () => ['simulate', ...wan('--trace', folder).slice(1)],
    says: ['--trace', 'is a folder'],
  },
  {
    name: 'a trace in a folder that is not there',
    args: () => ['simulate', ...wan('--trace', join(folder, 'none', 't.json')).slice(1)],
    says: ['--trace', 'there is no folder'],
  },
  { name: 'no model', args: () => ['predict'], says: ['--model is missing', 'chunkflow models'] },
  {
    name: 'an unknown flag',
    args: () => wan('--chunks', '3'),
    says: ["'--chunks'", 'Did you mean --chunk?'],
  },
  { name: 'an unknown command', args: () => ['predcit'], says: ["'predcit'", 'Did you mean predict?'] },
  { name: 'a batch of nothing', args: () => wan('--batch', '0'), says: ['--batch', "'0'", 'at least 1'] },
  { name: 'an unknown guidance', args: () => wan('--cfg', 'both'), says: ["'both'", 'sequential, batched'] },
];

for (const { name, args, says } of CASES) {
  test(name, async () => {
    const given = args();
    const before = readdirSync(folder);
    const { code, stdout, stderr } = await runCli(given);
    assert.is(code, 2, stderr);
    assert.is(stdout, '');
    assert.match(stderr, /^error: [^\n]+\n$/);
    for (const text of says) {
      const found = typeof text === 'string' ? stderr.includes(text) : text.test(stderr);
      assert.ok(found, `${text} is not in: ${stderr}`);
    }
    assert.equal(readdirSync(folder), before);
  });
}

test('a message of many blanks is put on one line in time with its length', async () => {
  const blanks = ' '.repeat(1_000_000);
  const startedMs = performance.now();
  const { code, stderr } = await runCli(wan('--batch', `1${blanks}x`));
  assert.is(code, 2);
  assert.match(stderr, /^error: [^\n]+\n$/);
  // A tenth of a second; time with the square of the length is many minutes.
  assert.ok(performance.now() - startedMs < 60_000);
});

test.run();

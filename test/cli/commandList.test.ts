import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join, posix } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { Commands } from '../../cli/command.ts';
import { COMMANDS } from '../../cli/commands.ts';
import { documentFormats } from '../../documents/documents.ts';
import { SCHEMA_NAMES } from '../../documents/names.ts';
import { packageRoot } from '../../model/input/packageFiles.ts';
import { runCli } from '../support/runCli.ts';

const test = suite('the list of commands');
const textOf = (file: string) => readFileSync(join(packageRoot, file), 'utf8');

/** Folder of every registered command below `cli/commands`, with what a command line calls it. */
async function registered(commands: Commands, folder = '', words = ''): Promise<Map<string, string>> {
  const found = new Map<string, string>();
  for (const [name, load] of Object.entries(commands)) {
    const own = `${folder}${name.replace(/-(.)/g, (_, letter: string) => letter.toUpperCase())}`;
    found.set(own, `${words}${name}`);
    const { command } = await load();
    if (!('commands' in command)) continue;
    const below = await registered(command.commands, `${own}/`, `${words}${name} `);
    for (const entry of below) found.set(...entry);
  }
  return found;
}

const all = await registered(COMMANDS);

test('every folder of cli/commands is a registered command, and each has its flags and its body', async () => {
  const entries = readdirSync(join(packageRoot, 'cli', 'commands'), { recursive: true, withFileTypes: true });
  assert.equal(
    entries
      .filter((entry) => entry.isDirectory())
      .map(({ parentPath, name }) =>
        posix.relative(join(packageRoot, 'cli', 'commands'), join(parentPath, name)),
      )
      .sort(),
    [...all.keys()].sort(),
  );
  assert.equal(
    entries
      .filter((entry) => entry.isFile() && entry.parentPath.endsWith('commands'))
      .map(({ name }) => name),
    [],
  );
  for (const folder of all.keys()) {
    const { command } = await import(`../../cli/commands/${folder}/command.ts`);
    if ('commands' in command)
      assert.not.ok(existsSync(join(packageRoot, 'cli', 'commands', folder, 'run.ts')));
    else assert.type((await command.load()).run, 'function', folder);
  }
});

test('--help of every command names it and describes it', async () => {
  for (const words of ['', ...all.values()]) {
    const args = words.split(' ').filter((word) => word !== '');
    const { code, stdout, stderr } = await runCli([...args, '--help']);
    assert.is(code, 0, words);
    assert.is(stderr, '', words);
    assert.ok(stdout.startsWith(`${['Usage: chunkflow', ...args].join(' ')} `), words);
  }
});

/** What a file loads at once: neither types nor what is imported when it is needed. */
function loadedBy(file: string): string[] {
  const imports = textOf(file).matchAll(/^(?:import|export) (?!type )(?:[^;']* from )?'([^']+)';/gm);
  return [...imports].map(([, path]) =>
    path!.startsWith('.') ? posix.join(posix.dirname(file), path!) : path!,
  );
}

test('--help loads no body and no package but commander', () => {
  const waiting = ['cli/main.ts', ...[...all.keys()].map((folder) => `cli/commands/${folder}/command.ts`)];
  const loaded = new Set<string>();
  for (let name = waiting.pop(); name !== undefined; name = waiting.pop()) {
    if (loaded.has(name)) continue;
    loaded.add(name);
    if (name.endsWith('.ts')) waiting.push(...loadedBy(name));
  }
  const packages = [...loaded].filter((name) => !name.endsWith('.ts') && !name.startsWith('node:'));
  assert.equal(packages, ['commander']);
  const files = [...loaded].filter((name) => name.endsWith('.ts') && !name.startsWith('cli/'));
  assert.equal(files.sort(), [
    ...['build/programFlags.ts', 'build/stopSignals.ts', 'documents/names.ts'],
    ...['model/dit/kinds.ts', 'model/input/packageFiles.ts', 'model/input/userError.ts'],
    ...['model/system/cards/topologies.ts', 'model/workload/workload.ts', 'search/peers/peerNames.ts'],
    'studies/plots/lookNames.ts',
  ]);
  assert.equal(
    [...loaded].filter((name) => name.endsWith('/run.ts')),
    [],
  );
});

test('every document of `schema` has a format, in the order of its --help', () => {
  assert.equal(Object.keys(documentFormats), [...SCHEMA_NAMES]);
});

test('docs/commands.md has every command and no other', () => {
  const rows = textOf('docs/commands.md').matchAll(/^\| (`chunkflow [^|]*) \|/gm);
  const named = [...rows].flatMap(([, cell]) =>
    [...cell!.matchAll(/`(?:chunkflow )?([^`]+)`/g)].map(([, name]) => name),
  );
  assert.equal(named.sort(), Object.keys(COMMANDS).sort());
});

test('every command line in the docs is of a command', () => {
  const names = new Set(all.values());
  const pages = readdirSync(join(packageRoot, 'docs')).filter((name) => name.endsWith('.md'));
  const unknown = ['README.md', ...pages.map((name) => `docs/${name}`)].flatMap((page) =>
    [...textOf(page).matchAll(/(?:^|`|run )chunkflow (?:-- )?([a-z][a-z-]*)(?: ([a-z][a-z-]*))?/gm)]
      .filter(
        ([, name, next]) => !names.has(/^(plot|experiment)$/.test(name!) && next ? `${name} ${next}` : name!),
      )
      .map(([line]) => `${page}: ${line}`),
  );
  assert.equal(unknown, []);
});

test.run();

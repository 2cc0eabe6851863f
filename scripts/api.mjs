// Writes the library's API reference, HTML by TypeDoc, into out/api. TypeDoc needs the older compiler's programming interface, so it and a
// compiler of its own are installed into .typedoc. Plain Node without dependencies.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const PROJECT = dirname(dirname(fileURLToPath(import.meta.url)));
const FOLDER = join(PROJECT, '.typedoc');
/** Exact versions: what it is tested with here. */
const PACKAGES = { typedoc: '0.28.20', typescript: '6.0.3' };
const WANTED = `${JSON.stringify({ private: true, dependencies: PACKAGES }, null, 2)}\n`;

const OPTIONS = [
  ...[
    '--tsconfig',
    'tsconfig.json',
    '--entryPoints',
    'library/index.ts',
    '--name',
    'chunkflow',
    '--readme',
    'none',
  ],
  ...[
    '--validation.notDocumented',
    '--requiredToBeDocumented',
    'Function',
    '--requiredToBeDocumented',
    'Interface',
  ],
  ...['--requiredToBeDocumented', 'Class', '--disableSources', '--treatWarningsAsErrors', '--hideGenerator'],
  // Parsers of the documents; their types are written out where functions return them.
  ...['predictionFormat', 'simulationFormat', 'planChoiceFormat', 'stepRunFormat'].flatMap((name) => [
    '--intentionallyNotExported',
    name,
  ]),
];

/**
 * @param {{ out?: string, say?: (text: string) => void }} options
 * @returns {string | null} why it could not, with the way out.
 */
export function writeReference({ out = join(PROJECT, 'out', 'api'), say = () => {} } = {}) {
  const why = install(say);
  if (why !== null) return why;
  const { status, stdout, stderr } = run(process.execPath, [
    ...[join(FOLDER, 'node_modules', 'typedoc', 'bin', 'typedoc'), ...OPTIONS],
    ...['--out', out],
  ]);
  return status === 0 ? null : `TypeDoc: ${(stdout + stderr).trim()}`;
}

function install(say) {
  const list = join(FOLDER, 'package.json');
  if (existsSync(list) && readFileSync(list, 'utf8') === WANTED && existsSync(join(FOLDER, 'done')))
    return null;
  say(`installing ${Object.entries(PACKAGES).map((pair) => pair.join(' '))} into ${FOLDER} ...`);
  mkdirSync(FOLDER, { recursive: true });
  writeFileSync(list, WANTED);
  const { status, stderr } = run('npm', [
    'install',
    '--prefix',
    FOLDER,
    '--loglevel=error',
    '--no-package-lock',
  ]);
  if (status !== 0)
    return `npm could not install TypeDoc (${stderr.trim().split('\n').at(-1)}); it takes a package registry`;
  writeFileSync(join(FOLDER, 'done'), '');
  return null;
}

function run(command, args) {
  const { status, error, stdout, stderr } = spawnSync(command, args, {
    ...{ cwd: PROJECT, encoding: 'utf8', shell: process.platform === 'win32' && command === 'npm' },
    env: { ...process.env, NO_COLOR: '1' },
  });
  return { status, stdout: stdout ?? '', stderr: error?.message ?? stderr ?? '' };
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const why = writeReference({ say: (text) => process.stderr.write(`${text}\n`) });
  process.stdout.write(why === null ? `${join('out', 'api', 'index.html')}\n` : `error: ${why}\n`);
  process.exitCode = why === null ? 0 : 1;
}

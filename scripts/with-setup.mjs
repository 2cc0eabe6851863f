// Runs one of the project's tasks after whatever set-up it still needs, so that a fresh clone needs one command.
// Plain Node without dependencies: it runs before anything is installed.
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { installBrowser } from './browser.mjs';
import { isBuilt, newestMtime, STAMP } from './built.mjs';
import { writeCommit } from './commit.mjs';

const OLDEST_NODE = [20, 19];
const BIOME = ['node_modules/@biomejs/biome/bin/biome', 'check', '--error-on-warnings', '.'];
const TSC = 'node_modules/typescript/bin/tsc';
/** What has not changed since the last check is not checked again. */
const since = (name) => ['--incremental', '--tsBuildInfoFile', `out/types/${name}.tsbuildinfo`];
const TYPES = [TSC, '-p', 'tsconfig.json', ...since('node')];
/** The explorer's page is for browsers, everything else for Node. */
const PAGE_TYPES = [TSC, '-p', 'explorer/page/tsconfig.json', ...since('page')];
const BUILD = [[TSC, '-p', 'tsconfig.build.json'], ['scripts/explorer.mjs'], ['scripts/command-bundle.mjs']];
const PYTHON_CHECKS = [
  ['ruff format', ['-m', 'ruff', 'format', '--check', '.']],
  ['ruff check', ['-m', 'ruff', 'check', '.']],
  ['mypy', ['-m', 'mypy']],
];
const script = (file, args) => ['--import', 'tsx', file, ...args];

const TASKS = {
  build: () => buildAlways(),
  'python-bundle': () => node(['scripts/python-bundle.mjs']),
  demo: (args) => buildIfStale() || node(script('cli/demo.ts', args)),
  bench: (args) => buildIfStale() || node(script('bench/bench.ts', args)),
  test: (args) => test(args),
  'test:full': (args) => {
    // Downloads gigabytes while everything up to the first test in Python works.
    const python = installedPython();
    browser();
    return test(['--full', ...args], () => pythonTests(python));
  },
};

process.chdir(dirname(dirname(fileURLToPath(import.meta.url))));
checkNodeVersion();
installIfStale();
const [task, ...taskArgs] = process.argv.slice(2);
if (!Object.hasOwn(TASKS, task)) {
  stop(`error: unknown task "${task}"; expected one of ${Object.keys(TASKS).join(', ')}`);
}
process.exitCode = await TASKS[task](taskArgs);

function checkNodeVersion() {
  const [major, minor] = process.versions.node.split('.').map(Number);
  if (major > OLDEST_NODE[0] || (major === OLDEST_NODE[0] && minor >= OLDEST_NODE[1])) return;
  stop(
    `error: Node ${process.versions.node} is too old; chunkflow needs ${OLDEST_NODE.join('.')} or newer (https://nodejs.org)`,
  );
}

function installIfStale() {
  const installed = 'node_modules/.package-lock.json';
  if (existsSync(installed) && newestMtime(['package-lock.json']) <= statSync(installed).mtimeMs) return;
  process.stderr.write('installing dependencies ...\n');
  // npm's own command file is a shell script on Windows, which only a shell can start.
  const npm = spawnSync('npm', ['ci', '--loglevel=error'], {
    encoding: 'utf8',
    shell: process.platform === 'win32',
  });
  if (npm.status === 0) return;
  stop(
    `${npm.stdout ?? ''}${npm.stderr ?? ''}error: npm ci failed${npm.error ? `: ${npm.error.message}` : ''}`,
  );
}

function buildIfStale() {
  return isBuilt('.') ? 0 : buildAlways();
}

function buildAlways() {
  // Taken before the compiler reads, so that a file saved meanwhile still counts as newer.
  const started = new Date().toISOString();
  rmSync('dist', { recursive: true, force: true });
  for (const command of BUILD) {
    const code = node(command);
    if (code !== 0) return code;
  }
  writeCommit('.', '.');
  writeFileSync(STAMP, `${started} ${process.version}\n`);
  return 0;
}

/** Format, lint, types, build and tests, and more of them; the very last line is `N passed, N failed`. */
async function test(args, more = leftOut) {
  const failures = [];
  for (const [name, command] of [
    ['format and lint', BIOME],
    ['types', TYPES],
    ["types of the explorer's page", PAGE_TYPES],
  ]) {
    if (node(command) !== 0) failures.push(name);
  }
  // What does not type-check does not build either; saying so twice helps nobody.
  if (!failures.includes('types') && buildIfStale() !== 0) failures.push('build');
  // Side by side: one in Python beside as many files of the others as there are cores, since some of both only wait.
  const [{ code, summary }, others] = await Promise.all([runTests(script('test/run.ts', args)), more()]);
  if (summary === undefined) failures.push('test runner');
  process.stdout.write(others.output);
  failures.push(...others.failures);
  for (const name of failures) console.log(`FAIL ${name}`);
  const [, passed, failed, skipped] = (summary ?? ['', 0, 0, 0]).map((count) => Number(count ?? 0));
  const sum = {
    passed: passed + others.passed,
    failed: failed + others.failed + failures.length,
    skipped: skipped + others.skipped,
  };
  console.log(
    `${sum.passed} passed, ${sum.failed} failed${sum.skipped > 0 ? `, ${sum.skipped} skipped` : ''}`,
  );
  return sum.failed > 0 ? 1 : code;
}

function leftOut() {
  const output =
    'LEFT OUT: the Python package (pytest, mypy, ruff); `npm run test:full` runs all that is left out\n';
  return { passed: 0, failed: 0, skipped: 0, failures: [], output };
}

/** Before the tests of pages, which run side by side: each would install it. Without it they are skipped and say why. */
function browser() {
  const installed = installBrowser({ say: (text) => process.stderr.write(`${text}\n`) });
  if (!installed.ok) console.log(`error: ${installed.why}`);
}

/** Brings .python up to date in a process beside this one; resolves to the interpreter that its script prints, or why there is none, and its exit code. */
function installedPython() {
  const { promise, printed } = started(process.execPath, ['scripts/python.mjs']);
  return promise.then((code) => ({ code, text: printed().trim() }));
}

/** Format, lint, types and tests of the Python package, once it is installed. */
async function pythonTests(installing) {
  const none = { passed: 0, failed: 0, skipped: 0 };
  const { code, text } = await installing;
  if (code !== 0) return { ...none, failures: ['the Python package was not tested'], output: `${text}\n` };
  let output = '';
  const run = async (args) => {
    const checked = started(text, args, { cwd: 'python' });
    const status = await checked.promise;
    output += checked.output();
    return status;
  };
  const failures = [];
  for (const [name, args] of PYTHON_CHECKS) if ((await run(args)) !== 0) failures.push(name);
  const folder = mkdtempSync(join(tmpdir(), 'chunkflow-pytest-'));
  const report = join(folder, 'report.xml');
  const status = await run(['-m', 'pytest', '-q', `--junit-xml=${report}`]);
  const counts = existsSync(report) ? pytestCounts(readFileSync(report, 'utf8')) : none;
  rmSync(folder, { recursive: true });
  // 1 is "tests failed", which are counted by themselves.
  if (counts.passed + counts.failed === 0 || (status !== 0 && counts.failed === 0)) failures.push('pytest');
  return { ...counts, failures, output };
}

/** A process whose output is collected, and the promise of its exit code. */
function started(command, args, options = {}) {
  const child = spawn(command, args, { ...options, stdio: ['ignore', 'pipe', 'pipe'] });
  let text = '';
  // What it prints as its result, without the lines that say what it does.
  let printed = '';
  child.stdout.setEncoding('utf8').on('data', (part) => {
    text += part;
    printed += part;
  });
  child.stderr.setEncoding('utf8').on('data', (part) => {
    text += part;
  });
  const promise = new Promise((resolve) => {
    child.on('error', (error) => {
      text += `error: ${error.message}\n`;
      resolve(1);
    });
    child.on('close', (code) => resolve(code ?? 1));
  });
  return { promise, output: () => text, printed: () => printed };
}

/** Counts of a JUnit report: pytest writes one element `testsuite`. */
function pytestCounts(report) {
  const suite = /<testsuite [^>]*>/.exec(report)?.[0] ?? '';
  const count = (name) => Number(new RegExp(` ${name}="(\\d+)"`).exec(suite)?.[1] ?? 0);
  const failed = count('failures') + count('errors');
  const skipped = count('skipped');
  return { passed: count('tests') - failed - skipped, failed, skipped };
}

/** Passes the runner's lines on as they come, except its summary, which belongs behind everything else. */
function runTests(command) {
  return new Promise((resolve) => {
    const child = spawn(process.execPath, command, { stdio: ['ignore', 'pipe', 'inherit'] });
    let summary;
    createInterface({ input: child.stdout }).on('line', (line) => {
      const match = /^(\d+) passed, (\d+) failed(?:, (\d+) skipped)?$/.exec(line);
      if (match === null) console.log(line);
      else summary = match;
    });
    child.on('close', (code) => resolve({ code: code ?? 1, summary }));
  });
}

function node(args) {
  const { status, error } = spawnSync(process.execPath, args, { stdio: 'inherit' });
  if (error) process.stderr.write(`error: ${error.message}\n`);
  return status ?? 1;
}

function stop(message) {
  process.stderr.write(`${message}\n`);
  process.exit(1);
}

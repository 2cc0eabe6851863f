// Builds the explorer into dist/explorer/site: static files with relative addresses, to be served from anywhere. Plain Node: it runs from
// with-setup.mjs, behind the compiler.
import { copyFileSync, mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { dirname, join, relative, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { build } from 'esbuild';

const ROOT = dirname(dirname(fileURLToPath(import.meta.url)));
export const SITE = join(ROOT, 'dist', 'explorer', 'site');

/** What a visit loads; the others only where a search or an expression needs them. */
const LOADED_AT_ONCE = ['index.html', 'page.css', 'page.js', 'worker.js'];
const MOST_AT_ONCE = 2_000_000;

/** Folders of YAML that the model reads by name. */
const DATA = ['model/cards', 'model/catalogue', 'model/systems'];

/** Libraries that load themselves when they are asked for, as they are. */
const COPIED = {
  'math.js': 'node_modules/mathjs/lib/browser/math.js',
  'highs.js': 'node_modules/highs/build/highs.js',
  'highs.wasm': 'node_modules/highs/build/highs.wasm',
  'index.html': 'explorer/page/index.html',
};

/**
 * Builds the site.
 *
 * @param {{ out?: string, say?: (text: string) => void }} options
 * @returns {Promise<{ name: string, bytes: number, gzipBytes: number }[]>} its files.
 * @throws {Error} where a visit would load more than it may.
 */
export async function buildExplorer({ out = SITE, say = () => {} } = {}) {
  rmSync(out, { recursive: true, force: true });
  mkdirSync(out, { recursive: true });
  // As the compiler has left it.
  const { lists } = await import('../dist/explorer/worker/lists.js');
  const shared = {
    ...{ bundle: true, minify: true, platform: 'browser', target: 'es2022', charset: 'utf8' },
    ...{ absWorkingDir: ROOT, logLevel: 'warning', legalComments: 'none' },
  };
  await build({
    ...shared,
    // A worker that is no module may load a script in the middle of a function.
    ...{ entryPoints: ['explorer/worker/main.ts'], outfile: join(out, 'worker.js'), format: 'iife' },
    define: { PACKAGE_FILES: JSON.stringify(packageFiles()), LISTS: JSON.stringify(lists()) },
  });
  await build({
    ...shared,
    ...{ entryPoints: ['explorer/page/main.tsx'], outfile: join(out, 'page.js'), format: 'esm' },
    ...{ jsx: 'automatic', jsxImportSource: 'preact' },
  });
  await build({ ...shared, entryPoints: ['explorer/page/page.css'], outfile: join(out, 'page.css') });
  for (const [name, from] of Object.entries(COPIED)) copyFileSync(join(ROOT, from), join(out, name));
  const files = readdirSync(out).map((name) => {
    const content = readFileSync(join(out, name));
    return { name, bytes: content.length, gzipBytes: gzipSync(content, { level: 9 }).length };
  });
  const atOnce = files.filter(({ name }) => LOADED_AT_ONCE.includes(name));
  const sum = (of) => atOnce.reduce((total, file) => total + file[of], 0);
  for (const { name, bytes, gzipBytes } of files)
    say(
      `${name.padEnd(12)} ${kB(bytes)}, ${kB(gzipBytes)} compressed${LOADED_AT_ONCE.includes(name) ? '' : ', loaded when it is needed'}\n`,
    );
  say(`${'a visit'.padEnd(12)} ${kB(sum('bytes'))}, ${kB(sum('gzipBytes'))} compressed\n`);
  if (sum('bytes') > MOST_AT_ONCE)
    throw new Error(`the explorer's page loads ${kB(sum('bytes'))}, expected at most ${kB(MOST_AT_ONCE)}`);
  return files;
}

/** The package's YAML by path with slashes, sorted: the same input gives the same bytes. */
function packageFiles() {
  const paths = DATA.flatMap((folder) =>
    readdirSync(join(ROOT, folder), { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile() && entry.name.endsWith('.yaml'))
      .map(({ parentPath, name }) => relative(ROOT, join(parentPath, name)).split(sep).join('/')),
  );
  return Object.fromEntries(paths.sort().map((path) => [path, readFileSync(join(ROOT, path), 'utf8')]));
}

function kB(bytes) {
  return `${Math.round(bytes / 1000).toLocaleString('en')} kB`.padStart(8);
}

if (process.argv[1] === fileURLToPath(import.meta.url))
  await buildExplorer({ say: (text) => process.stderr.write(text) });

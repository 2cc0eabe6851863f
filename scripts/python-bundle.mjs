// Puts the command line into the Python package, which then plans and generates without a checkout: one bundle of the sources, the
// data files that they read, and the solver, which has a file of WebAssembly. Charts and SQL need parts that are left out.
import { cpSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { writeCommit } from './commit.mjs';

const PROJECT = dirname(dirname(fileURLToPath(import.meta.url)));
const OUT = join(PROJECT, 'python', 'chunkflow_offload', 'cli');
const DATA = [
  'model/cards',
  'model/catalogue',
  'model/systems',
  'cuda-templates',
  'report/html/page',
  'runtime',
  'cli/commands/completion/chunkflow.bash',
  'cli/commands/completion/chunkflow.fish',
  'cli/commands/completion/chunkflow.zsh',
  'codegen/attach/build.sh',
  'LICENSE',
];
/** Loaded when a chart is drawn or a query asked, and said to be missing then. */
const LEFT_OUT = [
  '@duckdb/node-api',
  '@resvg/resvg-js',
  'vega',
  'vega-lite',
  'vega-embed',
  'dejavu-fonts-ttf',
];
/** The solver's code looks for it beside itself. */
const SOLVER = 'node_modules/highs/build/highs.wasm';

/** Loaded when an expression has to be read that is not plain, as `fit` does: by `require`, which is not bundled. */
const LOADED = [
  'mathjs/lib/browser/math.js',
  'mathjs/lib/browser/package.json',
  'mathjs/package.json',
  'mathjs/LICENSE',
  'mathjs/NOTICE',
];

rmSync(OUT, { recursive: true, force: true });
mkdirSync(OUT, { recursive: true });
await build({
  entryPoints: {
    chunkflow: join(PROJECT, 'cli', 'main.ts'),
    frontWorker: join(PROJECT, 'search', 'frontWorker.ts'),
    sweepWorker: join(PROJECT, 'library', 'sweep', 'sweepWorker.ts'),
  },
  outdir: OUT,
  bundle: true,
  splitting: true,
  minifySyntax: true,
  format: 'esm',
  platform: 'node',
  target: 'node20.19',
  external: LEFT_OUT,
  // Bundled packages of the older kind of module ask for Node's own by require.
  banner: {
    js: "import { createRequire as makeRequire } from 'node:module'; const require = makeRequire(import.meta.url);",
  },
  logLevel: 'error',
});
for (const name of DATA) cpSync(join(PROJECT, name), join(OUT, name), { recursive: true });
cpSync(join(PROJECT, SOLVER), join(OUT, 'highs.wasm'));
for (const file of LOADED) cpSync(join(PROJECT, 'node_modules', file), join(OUT, 'node_modules', file));
const { name, version, license } = JSON.parse(readFileSync(join(PROJECT, 'package.json'), 'utf8'));
writeFileSync(
  join(OUT, 'package.json'),
  `${JSON.stringify({ name, version, license, type: 'module' }, null, 1)}\n`,
);
writeCommit(PROJECT, OUT);
if (!existsSync(join(OUT, 'chunkflow.js'))) throw new Error('the bundle has no chunkflow.js');
process.stdout.write(`${OUT}\n`);

// Puts the command line into the Python package, which then plans and generates without a checkout: one bundle of the sources, the
// data files that they read, and the solver, which has a file of WebAssembly. Charts need parts that are left out.
import { cpSync, existsSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const PROJECT = dirname(dirname(fileURLToPath(import.meta.url)));
const OUT = join(PROJECT, 'python', 'chunkflow_offload', 'cli');
const DATA = [
  'model/catalogue',
  'model/systems',
  'cuda-templates',
  'runtime',
  'codegen/attach/build.sh',
  'LICENSE',
];
/** Loaded when they are needed; what is not copied is said to be missing then. */
const APART = ['highs', '@resvg/resvg-js', 'vega', 'vega-lite', 'vega-embed', 'dejavu-fonts-ttf'];
const COPIED = ['highs'];

rmSync(OUT, { recursive: true, force: true });
mkdirSync(OUT, { recursive: true });
await build({
  entryPoints: { chunkflow: join(PROJECT, 'cli', 'main.ts') },
  outdir: OUT,
  outExtension: { '.js': '.mjs' },
  bundle: true,
  splitting: true,
  minifySyntax: true,
  format: 'esm',
  platform: 'node',
  target: 'node20.19',
  external: APART,
  // Bundled packages of the older kind of module ask for Node's own by require.
  banner: {
    js: "import { createRequire as makeRequire } from 'node:module'; const require = makeRequire(import.meta.url);",
  },
  logLevel: 'error',
});
for (const name of DATA) cpSync(join(PROJECT, name), join(OUT, name), { recursive: true });
for (const name of COPIED) {
  const from = join(PROJECT, 'node_modules', name);
  const { main, module, exports } = JSON.parse(readFileSync(join(from, 'package.json'), 'utf8'));
  if (main === undefined && module === undefined && exports === undefined)
    throw new Error(`${name}: no entry`);
  cpSync(from, join(OUT, 'node_modules', name), {
    recursive: true,
    filter: (path) => statSync(path).isDirectory() || !/\.(d\.ts|map|md)$/.test(path),
  });
}
const { name, version, license } = JSON.parse(readFileSync(join(PROJECT, 'package.json'), 'utf8'));
writeFileSync(
  join(OUT, 'package.json'),
  `${JSON.stringify({ name, version, license, type: 'module' }, null, 1)}\n`,
);
if (!existsSync(join(OUT, 'chunkflow.mjs'))) throw new Error('the bundle has no chunkflow.mjs');
process.stdout.write(`${OUT}\n`);

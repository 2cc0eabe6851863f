// Puts the commands that are asked most often into one file, dist/command/chunkflow.cjs, with what V8 has compiled of it when each has run:
// a process then neither looks for some 400 modules nor compiles them.
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { BUNDLE, BUNDLED, CODE_CACHE, load } from '../bin/load.mjs';

const PROJECT = dirname(dirname(fileURLToPath(import.meta.url)));
/** Packages with files of their own beside them. */
const WITH_FILES = ['highs', 'mathjs'];
/** Other commands, and charts, are loaded as the modules that they are built to. */
const AS_MODULES = {
  name: 'as-modules',
  setup: ({ onResolve }) =>
    onResolve({ filter: /^\..*\.ts$/ }, ({ path, resolveDir, kind }) => {
      if (kind !== 'dynamic-import') return undefined;
      const file = relative(PROJECT, join(resolveDir, path));
      const [, command] = /^cli\/commands\/([^/]+)\/command\.ts$/.exec(file) ?? [];
      const isOther = command === undefined ? file.startsWith('studies/') : !BUNDLED.includes(command);
      return isOther ? { path: `../${file.replace(/ts$/, 'js')}`, external: true } : undefined;
    }),
};
/** Only messages in English are shown. */
const ENGLISH_ZOD = {
  name: 'english-zod',
  setup: ({ onResolve }) =>
    onResolve({ filter: /\/locales\/index\.js$/ }, ({ path, resolveDir }) =>
      resolveDir.includes(join('node_modules', 'zod'))
        ? { path: join(resolveDir, path, '..', 'en.js') }
        : undefined,
    ),
};
const SCENARIO = ['--model', 'wan2.1-t2v-1.3b', '--machine', 'h200-x2', '--size', '480x320x17'];

rmSync(dirname(BUNDLE), { recursive: true, force: true });
mkdirSync(dirname(BUNDLE), { recursive: true });
const { outputFiles } = await build({
  entryPoints: [join(PROJECT, 'cli', 'start.ts')],
  outfile: BUNDLE,
  write: false,
  bundle: true,
  minifySyntax: true,
  format: 'cjs',
  platform: 'node',
  target: 'node20.19',
  external: WITH_FILES,
  plugins: [ENGLISH_ZOD, AS_MODULES],
  define: { 'import.meta.url': 'BUNDLE_URL', 'import.meta.dirname': '__dirname' },
  banner: { js: "const BUNDLE_URL = require('node:url').pathToFileURL(__filename).href;" },
  logLevel: 'error',
});
// A script that is run from its cache cannot import by itself: load.mjs does it. What is left that is no ASCII stands in comments and in
// regular expressions; without it, a process reads the file without decoding it.
const ascii = (text) =>
  text.replaceAll(/[\u0080-\uffff]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`);
writeFileSync(BUNDLE, ascii(outputFiles[0].text).replaceAll(/\bimport\("/g, 'importModule("'));
// The search's threads load the modules that the bundle was made of.
writeFileSync(join(dirname(BUNDLE), 'frontWorker.js'), "import '../search/frontWorker.js';\n");
const { exports, script } = load();
for (const command of BUNDLED) {
  let said = '';
  const diagnostic = (text) => {
    said += text;
  };
  const output = { ...exports.processOutput, result: () => {}, diagnostic };
  if ((await exports.run([command, ...SCENARIO], output)) !== 0)
    throw new Error(`${command} failed in the bundle: ${said}`);
}
writeFileSync(CODE_CACHE, script.createCachedData());

import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { setFlagsFromString } from 'node:v8';
import { Script } from 'node:vm';

/** Commands in one file, which `npm run build` makes of the sources (scripts/command-bundle.mjs). */
export const BUNDLED = ['predict', 'simulate', 'plan'];
export const BUNDLE = fileURLToPath(new URL('../dist/command/chunkflow.cjs', import.meta.url));
/** What V8 has compiled of it; V8 itself refuses that of another version or other flags. */
export const CODE_CACHE = `${BUNDLE}.cache`;

// Most commands end before optimised code has earned its compiler's time, which was half of theirs: it comes in when a function has run
// some ten times as much as by V8's own measure; one of the solver's, whose largest take half a second to optimise, some hundreds of times.
// V8 before 12 measures a function by its bytecode, later ones by its calls.
setFlagsFromString(
  Number.parseInt(process.versions.v8, 10) < 12
    ? '--interrupt-budget=1000000'
    : '--invocation-count-for-turbofan=30000',
);
setFlagsFromString('--wasm-tiering-budget=1000000000');
// Most of the solver's functions never run; those that do are validated when they are compiled.
setFlagsFromString('--wasm-lazy-validation');

/** Runs the bundle's file, compiled from its cache where that fits; what it exports, and the script for a new cache. */
export function load() {
  const cachedData = existsSync(CODE_CACHE) ? readFileSync(CODE_CACHE) : undefined;
  const parameters = ['exports', 'require', 'importModule', 'module', '__filename', '__dirname'];
  const script = new Script(`(function (${parameters.join(', ')}) {${readFileSync(BUNDLE, 'latin1')}\n})`, {
    filename: BUNDLE,
    ...(cachedData && { cachedData }),
  });
  const module = { exports: {} };
  const importModule = (name) => import(name.startsWith('.') ? new URL(name, pathToFileURL(BUNDLE)) : name);
  script.runInThisContext()(
    ...[module.exports, createRequire(BUNDLE), importModule, module, BUNDLE, dirname(BUNDLE)],
  );
  return { exports: module.exports, script };
}

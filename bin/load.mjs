import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { Script } from 'node:vm';
import './v8Flags.mjs';

/** Commands in one file, which `npm run build` makes of the sources (scripts/command-bundle.mjs). */
export const BUNDLED = ['predict', 'simulate', 'plan'];
export const BUNDLE = fileURLToPath(new URL('../dist/command/chunkflow.cjs', import.meta.url));
/** What V8 has compiled of it; V8 itself refuses that of another version or other flags. */
export const CODE_CACHE = `${BUNDLE}.cache`;

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

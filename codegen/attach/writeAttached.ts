import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { packageRoot } from '../../model/input/packageFiles.ts';
import { replaceFolder } from '../replaceFolder.ts';
import { toolVersion } from '../toolVersion.ts';
import type { AttachedSource } from './generateAttached.ts';

const RUNTIME = join(packageRoot, 'runtime');
const BUILD = join(packageRoot, 'codegen', 'attach', 'build.sh');
const MANIFEST = 'attached.json';
const ATTACHED_SCHEMA = 'chunkflow/attached@1';

/**
 * Writes the source of an attached library as a folder that builds by itself: the source, the parts of the runtime that it stands
 * on, `build.sh`, and what it was made from. The folder is replaced whole.
 *
 * @param plan the plan's text, kept beside the source.
 * @throws UserError where it cannot be written, or where a folder of that name holds something else.
 */
export function writeAttached({ file, fingerprint }: AttachedSource, plan: string, folder: string): string[] {
  const files = new Map([
    [file.name, file.text],
    ['build.sh', readFileSync(BUILD, 'utf8')],
    ['plan.json', plan],
    ...runtimeFiles().map((name) => [`runtime/${name}`, readFileSync(join(RUNTIME, name), 'utf8')] as const),
  ]);
  const sums = [...files].map(([name, text]) => ({
    name,
    sha256: createHash('sha256').update(text).digest('hex'),
  }));
  const manifest = { schema: ATTACHED_SCHEMA, tool: toolVersion(), source: fingerprint, files: sums };
  files.set(MANIFEST, `${JSON.stringify(manifest, null, 1)}\n`);
  replaceFolder(folder, files, MANIFEST, '--out');
  return [...files.keys()].sort();
}

/** The runtime's sources that `build.sh` compiles, for both backends, and every header that they include. */
function runtimeFiles(): string[] {
  const named = readFileSync(BUILD, 'utf8').matchAll(/\$runtime\/([\w/]+\.cpp)/g);
  const found = new Set<string>();
  const waiting = [...named].map((match) => match[1]!);
  for (let name = waiting.pop(); name !== undefined; name = waiting.pop()) {
    if (found.has(name)) continue;
    found.add(name);
    for (const [, header] of readFileSync(join(RUNTIME, name), 'utf8').matchAll(/^#include "([^"]+)"/gm)) {
      waiting.push(header!);
    }
  }
  return [...found].sort();
}

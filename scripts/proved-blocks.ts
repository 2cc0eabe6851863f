import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { blockSignature } from '../codegen/proof.ts';
import { loadDit } from '../model/dit/load.ts';
import { packageRoot } from '../model/input/packageFiles.ts';
import { references } from '../test/codegen/references.ts';

/** Source of codegen/provedBlocks.ts: signatures of the blocks that the committed references are of. */
export function provedBlocksSource(): string {
  const names = new Map<string, string>();
  for (const { family, models } of references()) {
    for (const kind of models.flatMap((model) => loadDit(model).blocks)) {
      const known = names.get(blockSignature(kind));
      if (known === undefined) names.set(blockSignature(kind), `${family} ${kind.name}`);
    }
  }
  const lines = [...names].map(([signature, name]) => `  ['${signature}', '${name}'],`);
  return [
    '/**',
    " * Blocks that a committed reference of diffusers' outputs proves, by signature: family and kind. Written by",
    ' * `npm run proved` from test/codegen/references; test/codegen/diffusers.test.ts holds it to them and runs the proof.',
    ' */',
    'export const PROVED_BLOCKS: ReadonlyMap<string, string> = new Map([',
    ...lines,
    ']);',
    '',
  ].join('\n');
}

if (process.argv[1] === import.meta.filename) {
  writeFileSync(join(packageRoot, 'codegen', 'provedBlocks.ts'), provedBlocksSource());
  process.stdout.write('codegen/provedBlocks.ts\n');
}

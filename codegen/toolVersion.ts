import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { packageRoot } from '../model/input/packageFiles.ts';

/** What generated files say made them, such as `chunkflow 0.1.0`. */
export function toolVersion(): string {
  return `chunkflow ${JSON.parse(readFileSync(join(packageRoot, 'package.json'), 'utf8')).version}`;
}

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { packageRoot } from '../model/input/packageFiles.ts';

/**
 * `npx tsx scripts/dependencies.ts`: the table of docs/dependencies.md, each direct dependency with its version and licence as its own
 * package says it, and below it how many packages of each licence the lockfile brings in all.
 */
interface Manifest {
  license?: string;
  dependencies?: Record<string, string>;
  devDependencies?: Record<string, string>;
}

function manifestOf(folder: string): Manifest {
  return JSON.parse(readFileSync(join(packageRoot, folder, 'package.json'), 'utf8')) as Manifest;
}

const { dependencies = {}, devDependencies = {} } = manifestOf('.');
const rows = Object.entries({ ...dependencies, ...devDependencies })
  .sort(([a], [b]) => (a < b ? -1 : 1))
  .map(([name, version]) => {
    const { license = 'none stated' } = manifestOf(join('node_modules', name));
    return `| ${name} | ${version} | ${license} | ${name in dependencies ? 'runs' : 'builds and tests'} |`;
  });

const lock = JSON.parse(readFileSync(join(packageRoot, 'package-lock.json'), 'utf8')) as {
  packages: Record<string, { license?: string }>;
};
const licences = new Map<string, number>();
for (const [path, { license = 'none stated' }] of Object.entries(lock.packages))
  if (path !== '') licences.set(license, (licences.get(license) ?? 0) + 1);
const all = [...licences].sort(([a, m], [b, n]) => n - m || (a < b ? -1 : 1));

process.stdout.write(
  [
    '| Package | Version | Licence | What for |',
    '|---|---|---|---|',
    ...rows,
    '',
    `All packages of the lockfile: ${all.map(([license, count]) => `${count} ${license}`).join(', ')}.`,
    '',
  ].join('\n'),
);

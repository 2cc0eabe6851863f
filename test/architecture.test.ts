import { readdirSync, readFileSync } from 'node:fs';
import { join, posix } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { packageRoot } from '../model/input/packageFiles.ts';

const architecture = suite('imports between the floors of docs/architecture.md');

/** Rooms from the lowest to the highest, as the page lists them. */
const FLOORS = /```floors\n([\s\S]*?)```/
  .exec(readFileSync(join(packageRoot, 'docs', 'architecture.md'), 'utf8'))![1]!
  .trim()
  .split('\n')
  .map((line) => line.split(/\s/)[0]!);

const TOP = [...new Set(FLOORS.map((room) => room.split('/')[0]!))];

interface Import {
  file: string;
  of: string;
}

function importsOf(folder: string): Import[] {
  return readdirSync(join(packageRoot, folder), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts'))
    .map((name) => posix.join(folder, name))
    .flatMap((file) => {
      const text = readFileSync(join(packageRoot, file), 'utf8');
      return [...text.matchAll(/(?:from|import|import\()\s*'(\.[^']+)'/g)].map(([, path]) => ({
        file,
        of: posix.join(posix.dirname(file), path!),
      }));
    });
}

const floorOf = (file: string) => FLOORS.findIndex((room) => file.startsWith(`${room}/`));
const imports = TOP.flatMap(importsOf);

architecture('every file stands on a floor, and every floor has files', () => {
  assert.ok(imports.length > 2000, `${imports.length} imports`);
  assert.equal(
    imports.filter(({ file, of }) => floorOf(file) < 0 || floorOf(of) < 0),
    [],
  );
  for (const room of FLOORS) assert.ok(importsOf(room).length > 0, room);
});

architecture('none leads up', () => {
  const up = imports.filter(({ file, of }) => floorOf(of) > floorOf(file));
  assert.equal(
    up.map(({ file, of }) => `${file} imports ${of}`),
    [],
  );
});

architecture('the solver and the queue know no domain', () => {
  const known = imports.filter(
    ({ file, of }) => /^sim\/(kernel|sharing)\//.test(file) && !/^sim\/(kernel|sharing)\//.test(of),
  );
  // A law of two numbers.
  assert.equal([...new Set(known.map(({ of }) => of))], ['model/physics/saturation.ts']);
});

architecture.run();

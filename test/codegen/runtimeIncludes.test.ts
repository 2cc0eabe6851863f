import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { packageRoot } from '../../model/input/packageFiles.ts';

const includes = suite("includes between the runtime's folders");
const RUNTIME = join(packageRoot, 'runtime');

/** The order of folders stands in the build's list, from the lowest to the highest. */
const BUILT = /^set\(runtime_folders ([\w ]+)\)$/m
  .exec(readFileSync(join(RUNTIME, 'CMakeLists.txt'), 'utf8'))![1]!
  .split(' ');

/** The highest folder that a folder outside of the library may include. */
const BESIDE: Readonly<Record<string, string>> = { attached: 'plan', checks: BUILT.at(-1)! };

/** A source of a backend that does not stand in the backend's folder. */
const CUDA_ALONE = ['attached/kernels_ptx.cpp', 'checks/cuda_checks.cpp'];

type Includes = ReadonlyMap<string, readonly string[]>;

function readIncludes(): Includes {
  const names = readdirSync(RUNTIME, { recursive: true, encoding: 'utf8' });
  const sources = names.filter((name) => /\.(cpp|hpp|h|cu|cuh)$/.test(name)).sort();
  return new Map(
    sources.map((name) => {
      const text = readFileSync(join(RUNTIME, name), 'utf8');
      return [name, [...text.matchAll(/^\s*#\s*include "([^"]+)"/gm)].map(([, header]) => header!)];
    }),
  );
}

function folderOf(file: string): string {
  return file.includes('/') ? file.slice(0, file.indexOf('/')) : '';
}

/** Includes that run from a folder to one above it, or to one beside the library. */
function backArrows(files: Includes): string[] {
  const floor = (folder: string) => BUILT.indexOf(folder);
  return [...files].flatMap(([file, headers]) => {
    const from = folderOf(file);
    const highest = from === '' ? BUILT.length - 1 : floor(BESIDE[from] ?? from);
    return headers
      .filter((header) => {
        const to = folderOf(header);
        return to !== from && !(floor(to) >= 0 && floor(to) <= highest);
      })
      .map((header) => `${file} includes ${header}`);
  });
}

/** Files that include themselves by way of others: one of each circle, with the way. */
function circles(files: Includes): string[] {
  const found: string[] = [];
  const done = new Set<string>();
  const visit = (file: string, way: readonly string[]): void => {
    if (way.includes(file)) {
      found.push([...way.slice(way.indexOf(file)), file].join(' -> '));
      return;
    }
    if (done.has(file)) return;
    for (const header of files.get(file) ?? []) visit(header, [...way, file]);
    done.add(file);
  };
  for (const file of files.keys()) visit(file, []);
  return found;
}

/** cuda or host for a file that only this backend compiles. */
function backendOf(file: string): string {
  if (CUDA_ALONE.includes(file)) return 'cuda';
  return /\/(cuda|host)\//.exec(file)?.[1] ?? '';
}

const files = readIncludes();

includes('every folder of sources has a place in the order', () => {
  const folders = new Set([...files.keys()].map(folderOf));
  folders.delete('');
  assert.equal([...folders].sort(), [...BUILT, ...Object.keys(BESIDE)].sort());
});

includes('are written from one root', () => {
  const lost = [...files].flatMap(([file, headers]) =>
    headers
      .filter((header) => header.includes('..') || !existsSync(join(RUNTIME, header)))
      .map((header) => `${file} includes ${header}`),
  );
  assert.equal(lost, []);
});

includes('run to lower folders', () => assert.equal(backArrows(files), []));

includes('run in no circle', () => assert.equal(circles(files), []));

/** What generated sources include of the library, and the headers of the standard library that these may include. */
const OF_GENERATED = [
  'program/program.hpp',
  'program/rank.hpp',
  'program/runtime.hpp',
  'attached/attached_program.hpp',
];
const QUICK_TO_COMPILE = ['cstddef', 'cstdint', 'span'];

includes('of generated sources are quick to compile: a program has many of them', () => {
  const reached = new Set<string>(OF_GENERATED);
  // What is added while it is gone through is gone through as well.
  for (const file of reached) for (const header of files.get(file)!) reached.add(header);
  const slow = [...reached].flatMap((file) => {
    const text = readFileSync(join(RUNTIME, file), 'utf8');
    return [...text.matchAll(/^\s*#\s*include <([^>]+)>/gm)]
      .map(([, header]) => header!)
      .filter((header) => !QUICK_TO_COMPILE.includes(header))
      .map((header) => `${file} includes <${header}>`);
  });
  assert.equal(slow, []);
  assert.ok(reached.has('compute/compute.hpp'));
});

includes("keep a backend's headers inside the backend", () => {
  const strays = [...files].flatMap(([file, headers]) =>
    headers
      .filter((header) => backendOf(header) !== '' && backendOf(header) !== backendOf(file))
      .map((header) => `${file} includes ${header}`),
  );
  assert.equal(strays, []);
});

includes('upwards, beside the library and in a circle are found', () => {
  const wrong = new Map([
    ['device/streams.hpp', ['program/rank.hpp', 'device/device.hpp']],
    ['device/device.hpp', ['base/error.hpp', 'device/streams.hpp']],
    ['program/rank.hpp', ['device/streams.hpp']],
    ['attached/attached.cpp', ['plan/memory.hpp', 'session/session.hpp']],
    ['measure/run.cpp', ['attached/attached.hpp']],
  ]);
  assert.equal(backArrows(wrong), [
    'device/streams.hpp includes program/rank.hpp',
    'attached/attached.cpp includes session/session.hpp',
    'measure/run.cpp includes attached/attached.hpp',
  ]);
  assert.equal(circles(wrong), [
    'device/streams.hpp -> program/rank.hpp -> device/streams.hpp',
    'device/streams.hpp -> device/device.hpp -> device/streams.hpp',
  ]);
});

includes.run();

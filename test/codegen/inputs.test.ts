import { spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { type BuiltProgram, buildPrograms } from '../../build/build.ts';
import { writeProgram } from '../../codegen/writeProgram.ts';
import { derive } from '../../model/dit/derive.ts';
import { readYamlFile } from '../../model/input/yamlFile.ts';
import { type Sketch, sketchOf, writeSafetensors } from '../model/dit/checkpointFiles.ts';
import { noCompiler } from '../support/compilers.ts';
import { randomByPlace } from '../support/randomByPlace.ts';
import { skip } from '../support/skip.ts';
import { readTensors, type Tensor, writeTensors } from '../support/tensorFile.ts';
import { generateScenario, modelFile, type TinyScenario } from './scenarios.ts';

const FOLDER = join('out', 'test', 'inputs');
const plans = ['none', 'yield,chunk=1MiB'];
const SCENARIOS: Record<string, TinyScenario> = {
  cross: { model: 'tiny-cross', machine: 'host-x2', size: '64x64x5', blocks: 2, layout: { sp: 2 }, plans },
  joint: { model: 'tiny-joint', machine: 'host-x2', size: '128x128', blocks: 4, layout: { sp: 2 }, plans },
  tensor: {
    ...{ model: 'tiny-joint', machine: 'host-x2', size: '128x128', blocks: 2, plans },
    layout: { sp: 1, tp: 2 },
  },
  mirrored: { model: 'tiny-cross', machine: 'host-x1', size: '64x64x5', blocks: 2, layout: { sp: 2 }, plans },
};

interface Ended {
  status: number | null;
  stderr: string;
  lines: { record: string; [key: string]: unknown }[];
}

function run({ executable }: BuiltProgram, args: readonly string[]): Ended {
  const file = join(FOLDER, 'run.jsonl');
  rmSync(file, { force: true });
  const quick = ['--rounds', '1', '--steps', '1', '--warm-up', '0', '--out', file];
  const { status, stderr } = spawnSync(executable, [...quick, ...args], { encoding: 'utf8' });
  let text = '';
  try {
    text = readFileSync(file, 'utf8').trimEnd();
  } catch {
    // A run that is refused at once writes none.
  }
  const lines = text === '' ? [] : text.split('\n').map((line) => JSON.parse(line));
  return { status, stderr, lines };
}

function digests({ lines, status, stderr }: Ended): string[] {
  assert.is(status, 0, stderr);
  const outputs = lines.filter(({ record, mode }) => record === 'output' && mode === 'eager');
  assert.ok(outputs.length > 0);
  return [...new Set(outputs.map((line) => JSON.stringify(line.digests)))];
}

const inputs = suite('inputs and outputs of a program');
const why = noCompiler();

if (why !== null) skip(inputs, 'generated programs take inputs and give outputs', why);
else {
  let programs: Map<string, BuiltProgram>;
  const program = (name: string) => programs.get(name)!;
  /** Saved outputs of a run, and its records. */
  const outputsOf = (name: string, args: readonly string[], plan = 0) => {
    const folder = join(FOLDER, `${name}-outputs`);
    const ended = run(program(name), [...args, '--save-outputs', folder]);
    assert.is(ended.status, 0, ended.stderr);
    return { ...readTensors(join(folder, `${name}-plan${plan}.safetensors`)), ended };
  };

  inputs('programs compile', async () => {
    mkdirSync(FOLDER, { recursive: true });
    const folders = Object.entries(SCENARIOS).map(([id, scenario]) =>
      writeProgram(generateScenario({ ...scenario, id }), join(FOLDER, 'programs')),
    );
    const built = await buildPrograms(folders, { backend: 'host' });
    programs = new Map(built.programs.map((one) => [one.manifest.id, one]));
  });

  inputs('--describe lists names, shapes, types and meanings as the manifest does', () => {
    for (const { executable, manifest } of programs.values()) {
      const { stdout } = spawnSync(executable, ['--describe'], { encoding: 'utf8' });
      const described = JSON.parse(stdout);
      assert.equal(described.inputs, manifest.tensors.inputs);
      // A mirrored program has one rank, which gives its own rows only.
      if (!manifest.mirrored) assert.equal(described.outputs, manifest.tensors.outputs);
    }
    const shapes = program('cross').manifest.tensors.inputs.map(({ name, shape }) => [name, ...shape]);
    assert.equal(shapes, [
      ['video', 32, 512],
      ['context', 16, 512],
      ['timestep', 1, 3072],
      ['rotary', 32, 64],
    ]);
  });

  for (const [name, ranks] of [
    ['cross', 'threads'],
    ['joint', 'threads'],
    ['joint', 'processes'],
    ['tensor', 'threads'],
  ] as const) {
    inputs(`${name}, ranks as ${ranks}: one step and then another from its outputs are two steps`, () => {
      const args = ['--ranks', ranks];
      const once = outputsOf(name, [...args, '--output-steps', '1']);
      const file = join(FOLDER, `${name}.safetensors`);
      writeTensors(file, once.tensors);
      const again = outputsOf(name, [...args, '--inputs', file]);
      const twice = outputsOf(name, [...args, '--output-steps', '2']);
      assert.equal(again.tensors, twice.tensors);
      assert.equal(digests(again.ended), digests(twice.ended));
      assert.not.equal(digests(again.ended), digests(once.ended));
      assert.is(again.metadata.forwardPasses, '1');
      assert.is(again.metadata.given, [...once.tensors.keys()].join(', '));
      const { inputs: where } = again.ended.lines[0] as unknown as {
        inputs: Record<'given' | 'random' | 'computed', string[]>;
      };
      assert.equal(where.given, [...once.tensors.keys()]);
      assert.equal(where.computed.slice(0, 1), ['rotary']);
      assert.is(where.random.length, 1 + Number(name === 'cross'));
      assert.equal(twice.ended.lines[0]!.inputs, {
        given: [],
        random: [...where.given, ...where.random],
        computed: where.computed,
      });
    });
  }

  inputs('constants given as they would be drawn, in other types and foldings, change no bit', () => {
    const constant = (index: number, count: number) =>
      randomByPlace(1n, 2n ** 48n + BigInt(index) * 2n ** 40n, count, 0.5);
    const file = join(FOLDER, 'constants.safetensors');
    const given: Record<string, Tensor & { dtype?: 'BF16' | 'F32' }> = {
      context: { shape: [1, 16, 512], values: constant(0, 16 * 512), dtype: 'F32' },
      timestep: { shape: [1, 6, 512], values: constant(1, 6 * 512) },
    };
    writeTensors(file, new Map(Object.entries(given)));
    const random = outputsOf('cross', ['--ranks', 'threads', '--output-steps', '1']);
    const same = outputsOf('cross', ['--ranks', 'threads', '--inputs', file]);
    assert.equal(same.tensors, random.tensors);
    for (const name of ['context', 'timestep']) {
      const values = given[name]!.values.slice();
      values[values.length - 1] = 9;
      writeTensors(file, new Map([[name, { ...given[name]!, values }]]));
      const other = outputsOf('cross', ['--ranks', 'threads', '--inputs', file]);
      assert.not.equal(other.tensors, random.tensors, `${name} is read to its end`);
    }
  });

  inputs('a rotary table of cosine 1 and sine 0 is another one than the own, on every rank', () => {
    const file = join(FOLDER, 'rotary.safetensors');
    const values = Float32Array.from({ length: 32 * 64 }, (_, i) => 1 - (i % 2));
    writeTensors(file, new Map([['rotary', { shape: [32, 32, 2], values, dtype: 'F32' }]]));
    const own = outputsOf('cross', ['--ranks', 'threads', '--output-steps', '1']).tensors.get('video')!;
    const still = outputsOf('cross', ['--ranks', 'threads', '--inputs', file]).tensors.get('video')!;
    // Rows after the first of each rank are rotated by the own table.
    for (const row of [1, 17]) {
      const at = row * 512;
      assert.not.equal(still.values.slice(at, at + 512), own.values.slice(at, at + 512));
    }
  });

  inputs(
    'mirrored peers: whole tensors go in, the rows of the one rank come out, and the file says so',
    () => {
      const values = randomByPlace(3n, 0n, 32 * 512, 1);
      const file = join(FOLDER, 'whole.safetensors');
      writeTensors(file, new Map([['video', { shape: [32, 512], values }]]));
      const { tensors, metadata } = outputsOf('mirrored', ['--inputs', file]);
      assert.equal(tensors.get('video')!.shape, [16, 512]);
      assert.is(metadata.mirrored, 'true: rows of one rank');
    },
  );

  const vector = (...shape: number[]): Tensor => ({
    shape,
    values: new Float32Array(shape.reduce((product, side) => product * side, 1)),
  });
  const REFUSED: [string, Record<string, Tensor>, RegExp][] = [
    [
      'a name that is no input',
      { latents: vector(4) },
      /tensor latents is no input of this program, which takes video \[32, 512\], context \[16, 512\], timestep \[1, 3072\], rotary \[32, 64\]$/,
    ],
    [
      'too few rows',
      { video: vector(16, 512) },
      /tensor video is \[16, 512\]; this program needs \[32, 512\] \(/,
    ],
    ['rows and columns exchanged', { context: vector(512, 16) }, /context is \[512, 16\]; .* \[16, 512\]/],
    ['a batch of two', { video: vector(2, 32, 512) }, /video is \[2, 32, 512\]/],
    ['no tensor at all', {}, /has no tensor; this program takes video/],
  ];
  for (const [what, tensors, message] of REFUSED) {
    inputs(`${what}: one line and exit code 2`, () => {
      const file = join(FOLDER, 'refused.safetensors');
      writeTensors(file, new Map(Object.entries(tensors)));
      const { status, stderr } = run(program('cross'), ['--ranks', 'threads', '--inputs', file]);
      assert.is(status, 2, stderr);
      const errors = stderr.split('\n').filter((line) => line.startsWith('error: --inputs '));
      assert.ok(errors.length > 0, stderr);
      for (const error of errors) assert.match(error, message);
    });
  }
  const NO_FILES: [string, string, RegExp][] = [
    ['a file that is not there', join(FOLDER, 'nowhere.safetensors'), /nowhere\.safetensors: cannot be read/],
    ['a folder', FOLDER, /is a folder; give one \.safetensors file/],
    ['a file of another kind', join(FOLDER, 'text'), /is no safetensors file or cut off/],
  ];
  for (const [what, path, message] of NO_FILES) {
    inputs(`${what} as --inputs: one line and exit code 2`, () => {
      writeFileSync(join(FOLDER, 'text'), 'text');
      const { status, stderr } = run(program('cross'), ['--ranks', 'threads', '--inputs', path]);
      assert.is(status, 2, stderr);
      assert.match(stderr, message);
    });
  }

  inputs('--check-weights says whether a checkpoint fits, and runs nothing', () => {
    const { dit } = derive(readYamlFile(modelFile('tiny-cross')));
    const tensors = sketchOf({ dit, outside: [] });
    const file = join(FOLDER, 'weights.safetensors');
    const checked = (change: (tensors: Sketch[]) => Sketch[]) => {
      writeSafetensors(file, change(tensors));
      return run(program('cross'), ['--weights', file, '--check-weights']);
    };
    const fits = checked((all) => all);
    assert.is(fits.status, 0, fits.stderr);
    assert.equal(fits.stderr, `--weights ${file}: has all 54 tensors of this program's 2 blocks\n`);
    assert.equal(fits.lines, []);
    const lacks = checked((all) => all.filter(({ name }) => name !== 'blocks.1.norm2.bias'));
    assert.is(lacks.status, 2);
    assert.match(lacks.stderr, /^error: --weights .*there is no tensor blocks\.1\.norm2\.bias; .*\n$/);
    const nothing = run(program('cross'), ['--check-weights']);
    assert.is(nothing.status, 2);
    assert.match(nothing.stderr, /--check-weights: there is nothing to check; give --weights/);
  });

  inputs('outputs that cannot be written: one line and exit code 2', () => {
    const { status, stderr } = run(program('cross'), ['--ranks', 'threads', '--save-outputs', '/proc/nope']);
    assert.is(status, 2, stderr);
    assert.match(
      stderr,
      /error: --save-outputs: \/proc\/nope\/cross-plan0\.safetensors could not be written/,
    );
  });
}

inputs.run();

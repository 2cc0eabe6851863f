import { spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { type BuiltProgram, buildPrograms } from '../../build/build.ts';
import { generate } from '../../codegen/generate.ts';
import { blockSignature } from '../../codegen/proof.ts';
import { PROVED_BLOCKS } from '../../codegen/provedBlocks.ts';
import { writeProgram } from '../../codegen/writeProgram.ts';
import { catalogueIds } from '../../model/dit/catalogue.ts';
import { firstIndices, withBlocks } from '../../model/dit/depth.ts';
import { derive, tensorsOfBlock } from '../../model/dit/derive.ts';
import type { Dit } from '../../model/dit/dit.ts';
import { loadDit } from '../../model/dit/load.ts';
import { parseSize } from '../../model/dit/tokens.ts';
import { UserError } from '../../model/input/userError.ts';
import { parseYaml } from '../../model/input/yamlFile.ts';
import { makePlan } from '../../model/presets/presets.ts';
import { loadSystem } from '../../model/system/load.ts';
import { bindWorkload } from '../../model/workload/bind.ts';
import { provedBlocksSource } from '../../scripts/proved-blocks.ts';
import { noCompiler } from '../support/compilers.ts';
import { skip } from '../support/skip.ts';
import { readTensors, type StoredTensor, writeTensors } from '../support/tensorFile.ts';
import { type Reference, references, tinyModelFile } from './references.ts';
import { constant, parameter, rotaryTable } from './referenceValues.ts';

const FOLDER = join('out', 'test', 'diffusers');
const REFERENCES = references();

/** A program may be off by this much more than diffusers in bfloat16, which rounds in other places. */
const ALLOWED = 1.5;

type Tensors = Map<string, StoredTensor>;

function generated(dit: Dit, size: string, id: string) {
  const system = loadSystem('host-x1');
  const workload = bindWorkload(dit, { size: parseSize(size), cfg: 'none' });
  return generate(workload, system, [makePlan('none', workload, system)], { id, unproved: true });
}

function modelOf(reference: Reference): Dit {
  return loadDit(tinyModelFile(reference, reference.models[0]!, join(FOLDER, 'models')));
}

/** The checkpoint of a tiny model, under diffusers' names. */
function weightsOf(dit: Dit): Tensors {
  const firsts = firstIndices(dit.blocks);
  const tensors: Tensors = new Map();
  for (const [place, { container, count, segments }] of dit.blocks.entries()) {
    for (let index = firsts[place]!; index < firsts[place]! + count; index += 1) {
      for (const { name, shape } of tensorsOfBlock(segments)) {
        const full = `${container}.${index}.${name}`;
        tensors.set(full, { shape, values: parameter(full, shape) });
      }
    }
  }
  return tensors;
}

/** Names of the tensors of the first block of each kind. */
function tensorsOfFirstBlocks(dit: Dit): string[] {
  const firsts = firstIndices(dit.blocks);
  return dit.blocks.flatMap(({ container, segments }, place) =>
    tensorsOfBlock(segments).map(({ name }) => `${container}.${firsts[place]}.${name}`),
  );
}

interface ManifestTensor {
  name: string;
  shape: [number, number];
  dtype: string;
}

/** Every input that a program takes, by the generator's manifest. */
function inputsOf(manifest: string): Tensors {
  const { tensors } = JSON.parse(readFileSync(manifest, 'utf8')) as { tensors: { inputs: ManifestTensor[] } };
  return new Map(
    tensors.inputs.map(({ name, shape, dtype }) => [
      name,
      dtype === 'F32'
        ? { shape, dtype, values: rotaryTable(name, ...shape) }
        : { shape, values: constant(name, shape) },
    ]),
  );
}

let runs = 0;

function run(program: BuiltProgram, weights: Tensors, inputs: Tensors): Map<string, Float32Array> {
  runs += 1;
  const folder = join(FOLDER, 'runs', String(runs));
  mkdirSync(folder, { recursive: true });
  const files = { weights: join(folder, 'weights.safetensors'), inputs: join(folder, 'inputs.safetensors') };
  writeTensors(files.weights, weights);
  writeTensors(files.inputs, inputs);
  const usual = ['--rounds', '1', '--steps', '1', '--warm-up', '0', '--ranks', 'threads'];
  const { status, stderr } = spawnSync(
    program.executable,
    [
      ...[...usual, '--out', join(folder, 'run.jsonl'), '--save-outputs', folder],
      ...['--weights', files.weights, '--inputs', files.inputs],
    ],
    { encoding: 'utf8' },
  );
  assert.is(status, 0, stderr);
  const saved = readTensors(join(folder, `${program.manifest.id}-plan0.safetensors`));
  rmSync(folder, { recursive: true });
  return new Map([...saved.tensors].map(([name, { values }]) => [name, values]));
}

/** ||value - reference|| / ||reference||. */
function distance(value: Float32Array, reference: Float32Array): number {
  assert.is(value.length, reference.length);
  let difference = 0;
  let norm = 0;
  for (const [index, expected] of reference.entries()) {
    difference += (value[index]! - expected) ** 2;
    norm += expected ** 2;
  }
  return Math.sqrt(difference / norm);
}

function expectedOf({ outputs }: Reference, stream: string): Float32Array {
  const bytes = Buffer.from(outputs[stream]!.float32, 'base64');
  return Float32Array.from({ length: bytes.length / 4 }, (_, i) => bytes.readFloatLE(4 * i));
}

/** The tensor with other values: ones for a bias, a table that turns nothing, zeros for anything else. */
function replaced(tensor: StoredTensor, name: string): StoredTensor {
  const { dtype, values } = tensor;
  const others = dtype === 'F32' ? unturned(values) : values.map(() => (name.endsWith('.bias') ? 1 : 0));
  return { ...tensor, values: others };
}

const unturned = (table: Float32Array) => table.map((_, index) => (index % 2 === 0 ? 1 : 0));

/** Tensors that cannot change an output, and why. */
const IDLE: readonly [family: RegExp, tensor: RegExp, why: string][] = [
  [/^pixart$/, /attn\d\.to_k\.bias$/, 'adds the same to all scores of a query'],
  [/^sd3\.5$/, /\.2\.attn\.(add_q_proj\..*|norm_added_q\.weight)$/, 'the last block gives no text out'],
];

const proof = suite("blocks against diffusers'");

proof('the list of proved blocks is that of the committed references', () => {
  assert.is(
    readFileSync(new URL('../../codegen/provedBlocks.ts', import.meta.url), 'utf8'),
    provedBlocksSource(),
  );
});

proof('15 models are proved and can be generated; each other one is refused with its reason', () => {
  const system = loadSystem('h200-x1');
  const possible: string[] = [];
  for (const id of catalogueIds()) {
    const dit = withBlocks(loadDit(id), loadDit(id).blocks.length);
    const workload = bindWorkload(dit, { size: dit.referenceSize, cfg: 'none' });
    const attempt = () => generate(workload, system, [makePlan('none', workload, system)]);
    if (dit.unproved === null) {
      attempt();
      possible.push(id);
    } else {
      assert.throws(
        attempt,
        (error: Error) =>
          error instanceof UserError &&
          error.message.includes(`${dit.name}: not proved against diffusers: ${dit.unproved}`),
      );
    }
  }
  assert.equal(possible, REFERENCES.flatMap(({ models }) => models).sort());
  assert.is(possible.length, 15);
});

/** A user's model that is not quite Wan: what is written instead of what, and what the refusal says. */
const CHANGED: [what: string, from: string, to: string, message: RegExp][] = [
  [
    'turns halves',
    'pairing: interleaved',
    'pairing: halves',
    /block block: not proved against diffusers: no reference/,
  ],
  [
    'has another epsilon',
    '{kind: rms, eps: 1e-6',
    '{kind: rms, eps: 1e-5',
    /block block: not proved against diffusers/,
  ],
  ['does not gate', ', gated: mlp', '', /block block: not proved against diffusers/],
  [
    'does not say its norm',
    '        norm: {kind: layer, eps: 1e-6, by: norm2}\n',
    '',
    /"cross-attention norm": it does not say its norm/,
  ],
  [
    'gates by nothing that is made',
    'gated: mlp',
    'gated: cross',
    /no segment makes its gate \(x\.cross\.gate\)/,
  ],
  [
    'has a norm of another width',
    'norm2.weight: [d]',
    'norm2.weight: [2*d]',
    /norm2\.weight is \[1024\] beside a norm of 512/,
  ],
  [
    'attends too wide',
    'attn1.to_out.0.weight: [d, d]',
    'attn1.to_out.0.weight: [d, 2*d]',
    /attn1\.to_out\.0\.weight does not fit/,
  ],
];

for (const [what, from, to, message] of CHANGED) {
  proof(`a model that ${what} is refused`, () => {
    const text = readFileSync(join('experiments', 'tiny', 'tiny-cross.yaml'), 'utf8');
    assert.ok(text.includes(from), 'the case changes something');
    const { dit } = derive(parseYaml('own.yaml', text.replace(from, to)));
    const system = loadSystem('host-x1');
    const workload = bindWorkload(dit, { size: parseSize('64x64x5'), cfg: 'none' });
    const attempt = () => generate(workload, system, [makePlan('none', workload, system)]);
    assert.throws(attempt, (error: Error) => error instanceof UserError && message.test(error.message));
  });
}

for (const { family, models } of REFERENCES) {
  proof(`${family}: ${models.join(', ')} have the blocks that the reference is of`, () => {
    const kinds = models.map((id) => loadDit(id).blocks.map(blockSignature));
    for (const signatures of kinds) {
      assert.equal(signatures, kinds[0]);
      for (const signature of signatures) assert.ok(PROVED_BLOCKS.has(signature));
    }
  });
}

const why = noCompiler();
if (why !== null) skip(proof, "generated blocks compute what diffusers' do", why);
else {
  let programs: Map<string, BuiltProgram>;

  proof('a program of each family compiles', async () => {
    rmSync(FOLDER, { recursive: true, force: true });
    const folders = REFERENCES.map((reference) =>
      writeProgram(generated(modelOf(reference), reference.size, reference.family), join(FOLDER, 'programs')),
    );
    const built = await buildPrograms(folders, { backend: 'host' });
    programs = new Map(built.programs.map((program) => [program.manifest.id, program]));
  });

  for (const reference of REFERENCES) {
    const { family, outputs } = reference;
    proof(`${family}: as near to diffusers in float32 as diffusers in bfloat16`, () => {
      const weights = weightsOf(modelOf(reference));
      const inputs = inputsOf(join(FOLDER, 'programs', family, 'manifest.json'));
      const result = run(programs.get(family)!, weights, inputs);
      assert.equal([...result.keys()].sort(), Object.keys(outputs).sort());
      for (const [stream, { ownBf16Error }] of Object.entries(outputs)) {
        const error = distance(result.get(stream)!, expectedOf(reference, stream));
        if (process.env.SHOW_ERRORS) console.log(family, stream, error.toFixed(5), ownBf16Error);
        assert.ok(
          error <= ALLOWED * ownBf16Error,
          `${stream} is off by ${error}; diffusers' own bf16 by ${ownBf16Error}`,
        );
      }
    });

    proof(`${family}: every tensor of a block of each kind and every input changes the outputs`, () => {
      const weights = weightsOf(modelOf(reference));
      const inputs = inputsOf(join(FOLDER, 'programs', family, 'manifest.json'));
      const usual = run(programs.get(family)!, weights, inputs);
      const moved = (other: Map<string, Float32Array>) =>
        Math.max(...[...usual].map(([stream, values]) => distance(other.get(stream)!, values)));
      const without = (all: Tensors, name: string): Tensors =>
        new Map([...all].map(([key, tensor]) => [key, key === name ? replaced(tensor, name) : tensor]));
      // What rounding alone may move: a change must be larger, or it shows nothing.
      const noise = ALLOWED * Math.max(...Object.values(outputs).map(({ ownBf16Error }) => ownBf16Error));
      const changes = [
        ...[...inputs.keys()].map(
          (name) => [name, run(programs.get(family)!, weights, without(inputs, name))] as const,
        ),
        ...tensorsOfFirstBlocks(modelOf(reference)).map(
          (name) => [name, run(programs.get(family)!, without(weights, name), inputs)] as const,
        ),
      ];
      for (const [name, result] of changes) {
        const isIdle = IDLE.some(([of, tensor]) => of.test(family) && tensor.test(name));
        const change = moved(result);
        if (process.env.SHOW_ERRORS)
          console.log(family, 'without', name, change.toFixed(4), isIdle ? 'idle' : '');
        assert.is(
          change > noise,
          !isIdle,
          `without ${name} the outputs move by ${change}; noise is ${noise}`,
        );
      }
    });
  }
}

proof.run();

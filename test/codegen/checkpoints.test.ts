import { spawnSync } from 'node:child_process';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { identifier } from '../../codegen/escape.ts';
import { writeProgram } from '../../codegen/writeProgram.ts';
import { loadCatalogue } from '../../model/dit/catalogue.ts';
import { packageRoot } from '../../model/input/packageFiles.ts';
import { type Sketch, sketchOf, writeSafetensors, writeShards } from '../model/dit/checkpointFiles.ts';
import { compileProgram, noCompiler } from '../support/compilers.ts';
import { skip } from '../support/skip.ts';
import { generateScenario } from './scenarios.ts';

/** Every model of the catalogue that can be generated. */
const MODELS = [
  ...[
    'wan2.1-t2v-1.3b',
    'wan2.1-t2v-14b',
    'wan2.2-t2v-a14b',
    'wan2.2-ti2v-5b',
    'flux.1-dev',
    'qwen-image-20b',
  ],
  ...['hunyuanvideo-13b', 'hunyuanvideo-1.5', 'sd3.5-large', 'pixart-xl-2', 'ltx-video-13b', 'cogvideox-5b'],
  ...['cosmos-1.0-7b', 'cosmos-predict2-2b', 'cosmos-predict2-14b'],
];
/**
 * And one of them with fewer blocks than its checkpoint, at another size: headers of equal text and time are one file to
 * `#pragma once`.
 */
const SHORT = { id: 'sd3.5-short', model: 'sd3.5-large', blocks: 5, scale: 8 } as const;
const FOLDER = resolve('out', 'test', 'checkpoints');

/** A program that asks each generated table of weights whether a checkpoint fits it: what --check-weights does. */
function mainSource(programs: readonly { id: string; folder: string }[]): string {
  const own = programs.flatMap(({ id, folder }) => [
    `#define generated generated_${identifier(id)}`,
    `#define program program_${identifier(id)}`,
    `#include "${join(folder, 'program.cpp')}"`,
    '#undef generated',
    '#undef program',
    // Schedules have no part in it.
    `namespace generated_${identifier(id)} { extern const chunkflow::PlanProgram PLAN_0{}; }`,
  ]);
  return [
    '#include <cstdio>',
    '#include <cstdlib>',
    '#include <string_view>',
    '#include "base/error.hpp"',
    '#include "program/runtime.hpp"',
    '#include "weights/weight_values.hpp"',
    ...own,
    '// Only headers are read.',
    'chunkflow::bf16 chunkflow::toBf16(float) { std::abort(); }',
    'float chunkflow::toFloat(bf16) { std::abort(); }',
    'int main(int, char** argv) {',
    '  try {',
    ...programs.map(
      ({ id }) =>
        `    if (std::string_view(argv[1]) == "${id}") std::puts(chunkflow::checkedCheckpoint(chunkflow::program_${identifier(id)}(), argv[2]).c_str());`,
    ),
    '    return 0;',
    '  } catch (const chunkflow::UserError& error) {',
    '    std::puts(error.what());',
    '    return 2;',
    '  }',
    '}',
    '',
  ].join('\n');
}

function compileMain(programs: readonly { id: string; folder: string }[]): string {
  const main = join(FOLDER, 'main.cpp');
  writeFileSync(main, mainSource(programs));
  const runtime = join(packageRoot, 'runtime');
  const sources = ['weights/weight_values.cpp', 'weights/safetensors.cpp', 'base/json.cpp'].map((name) =>
    join(runtime, name),
  );
  const executable = join(FOLDER, 'check');
  compileProgram(executable, ['-std=c++20', '-O0', `-I${runtime}`], [main, ...sources]);
  return executable;
}

const checkpoints = suite('checkpoints of the models that can be generated');
const why = noCompiler();

if (why !== null) skip(checkpoints, "every model's own checkpoint is taken", why);
else {
  let executable: string;
  /** Exit code and line about a checkpoint of a model. */
  const checked = (id: string, path: string) => {
    const { status, stdout } = spawnSync(executable, [id, path], { encoding: 'utf8' });
    return { status, line: stdout.trimEnd() };
  };
  const sketch = (model: string) => sketchOf(loadCatalogue(model));
  const file = (name: string, tensors: readonly Sketch[]) => {
    const path = join(FOLDER, `${name}.safetensors`);
    writeSafetensors(path, tensors);
    return path;
  };
  const changed = (name: string, shape: readonly number[]) => (tensor: Sketch) =>
    tensor.name === name ? { ...tensor, shape } : tensor;

  checkpoints.before(() => {
    rmSync(FOLDER, { recursive: true, force: true });
    mkdirSync(FOLDER, { recursive: true });
  });
  checkpoints.after(() => rmSync(FOLDER, { recursive: true, force: true }));

  checkpoints('their tables of weights compile', () => {
    const generated = [...MODELS.map((id) => ({ id, model: id })), SHORT].map((program) => {
      const { id, model, scale, ...depth } = { scale: 4, ...program };
      const { vae, patch } = loadCatalogue(model).dit;
      const size = `${scale * vae.spatial * patch.w}x${scale * vae.spatial * patch.h}`;
      const scenario = { model, machine: 'h200-x1', size, layout: { sp: 1 }, plans: ['none'], id };
      return { id, folder: writeProgram(generateScenario({ ...scenario, ...depth }), FOLDER) };
    });
    executable = compileMain(generated);
  });

  for (const id of MODELS) {
    checkpoints(`${id}: names and shapes of its published checkpoint, all of its blocks`, () => {
      const { dit } = loadCatalogue(id);
      const blocks = dit.blocks.reduce((sum, { count }) => sum + count, 0);
      const { status, line } = checked(id, file(id, sketch(id)));
      assert.is(status, 0, line);
      assert.match(line, new RegExp(`has all \\d+ tensors of this program's ${blocks} blocks$`));
    });
  }

  checkpoints('a program of fewer blocks takes those blocks of its kinds from the whole checkpoint', () => {
    const tensors = sketch('sd3.5-large');
    const { status, line } = checked(SHORT.id, file('short', tensors));
    assert.is(status, 0, line);
    const without = (block: number) =>
      tensors.filter(({ name }) => !name.startsWith(`transformer_blocks.${block}.`));
    assert.is(checked(SHORT.id, file('short', without(20))).status, 0);
    assert.match(checked(SHORT.id, file('short', without(37))).line, /no tensor transformer_blocks\.37\./);
  });

  checkpoints('shards, their index, a folder of them, and the folder of a pipeline', () => {
    const model = 'wan2.1-t2v-1.3b';
    const pipeline = join(FOLDER, 'pipeline');
    const index = writeShards(join(pipeline, 'transformer'), sketch(model));
    writeFileSync(join(pipeline, 'model_index.json'), '{}');
    for (const path of [index, join(pipeline, 'transformer'), pipeline]) {
      const { status, line } = checked(model, path);
      assert.is(status, 0, line);
    }
    const [first] = sketch(model);
    const cut = writeShards(join(FOLDER, 'cut'), sketch(model), 1);
    assert.match(checked(model, cut).line, /model-00002-of-00002\.safetensors: cannot be read/);
    writeFileSync(cut, JSON.stringify({ weight_map: {} }));
    assert.match(checked(model, cut).line, /is no index of a checkpoint: expected a weight_map/);
    writeFileSync(cut, JSON.stringify({ weight_map: { [first!.name]: 7 } }));
    assert.match(checked(model, cut).line, /expected the name of a file/);
  });

  const REFUSED: [string, string, (tensors: Sketch[]) => Sketch[], RegExp][] = [
    [
      'a matrix that lies transposed',
      'wan2.1-t2v-1.3b',
      (all) => all.map(changed('blocks.7.ffn.net.2.weight', [8960, 1536])),
      /tensor blocks\.7\.ffn\.net\.2\.weight is \[8960, 1536\]; this program needs \[1536, 8960\]; is this the model's own/,
    ],
    [
      'a modulation table of five vectors',
      'wan2.1-t2v-1.3b',
      (all) => all.map(changed('blocks.29.scale_shift_table', [1, 5, 1536])),
      /blocks\.29\.scale_shift_table is \[1, 5, 1536\]; this program needs \[1, 9216\]/,
    ],
    [
      'a table whose axes are exchanged',
      'pixart-xl-2',
      (all) => all.map(changed('transformer_blocks.0.scale_shift_table', [1152, 6])),
      /scale_shift_table is \[1152, 6\]; this program needs \[6, 1152\]/,
    ],
    [
      'a larger model of the same family',
      'wan2.1-t2v-1.3b',
      () => sketch('wan2.1-t2v-14b'),
      /scale_shift_table is \[1, 6, 5120\]; this program needs \[1, 9216\]/,
    ],
    [
      'a last block like all others',
      'sd3.5-large',
      (all) => all.map(changed('transformer_blocks.37.norm1_context.linear.weight', [14592, 2432])),
      /37\.norm1_context\.linear\.weight is \[14592, 2432\]; this program needs \[4864, 2432\]/,
    ],
    [
      'a block too few',
      'flux.1-dev',
      (all) => all.filter(({ name }) => !name.startsWith('single_transformer_blocks.37.')),
      /there is no tensor single_transformer_blocks\.37\./,
    ],
  ];
  for (const [what, model, change, message] of REFUSED) {
    checkpoints(`${model}: ${what} is refused in one line`, () => {
      const { status, line } = checked(model, file('refused', change(sketch(model))));
      assert.is(status, 2);
      assert.match(line, message);
      assert.is(line.split('\n').length, 1);
    });
  }
}

checkpoints.run();

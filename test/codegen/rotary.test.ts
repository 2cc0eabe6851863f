import { spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { designated } from '../../codegen/escape.ts';
import { rotaryAxisView } from '../../codegen/view/rotary.ts';
import { catalogueIds, loadCatalogue } from '../../model/dit/catalogue.ts';
import { type RotaryAxis, rotaryAxes } from '../../model/dit/rope.ts';
import { parseSize, rowsOf } from '../../model/dit/tokens.ts';
import { packageRoot } from '../../model/input/packageFiles.ts';
import { compileProgram, noCompiler } from '../support/compilers.ts';
import { skip } from '../support/skip.ts';

/** Rows of a table as diffusers computes it; scripts/diffusers-rotary.py makes them. */
interface Reference {
  model: string;
  size: string;
  rows: 'x' | 't';
  count: number;
  width: number;
  /** The largest angle that diffusers computes in float32, radians; 0 where it works in float64. */
  float32Angle: number;
  chosenRows: number[];
  pairs: number[];
  cosines: number[][];
  sines: number[][];
}

const { cases } = JSON.parse(readFileSync(new URL('rotary.json', import.meta.url), 'utf8')) as {
  cases: Reference[];
};

const FOLDER = resolve('out', 'test', 'rotary');

/** A program that prints some rows of some tables, made as a rank makes its own. */
function mainSource(
  tables: readonly { axes: readonly RotaryAxis[]; rows: readonly number[]; width: number }[],
): string {
  return [
    '#include <cstdio>',
    '#include <vector>',
    '#include "compute/rotary_table.hpp"',
    'using namespace chunkflow;',
    'void show(std::span<const RotaryAxis> axes, std::int64_t row, std::int64_t width) {',
    '  std::vector<float> values(static_cast<std::size_t>(width));',
    '  fillRotaryRows(axes, row, width, values);',
    '  for (const float value : values) std::printf("%.9g ", static_cast<double>(value));',
    '  std::puts("");',
    '}',
    ...tables.map(
      ({ axes }, index) =>
        `constexpr RotaryAxis T${index}[] = {${axes.map((axis) => designated(rotaryAxisView(axis))).join(', ')}};`,
    ),
    'int main() {',
    ...tables.flatMap(({ rows, width }, index) => rows.map((row) => `  show(T${index}, ${row}, ${width});`)),
    '}',
    '',
  ].join('\n');
}

function printed(source: string): number[][] {
  mkdirSync(FOLDER, { recursive: true });
  const main = join(FOLDER, 'main.cpp');
  const executable = join(FOLDER, 'tables');
  writeFileSync(main, source);
  const runtime = join(packageRoot, 'runtime');
  const sources = [main, join(runtime, 'compute', 'rotary_table.cpp')];
  compileProgram(executable, ['-std=c++20', `-I${runtime}`], sources);
  const { stdout } = spawnSync(executable, { encoding: 'utf8', maxBuffer: 2 ** 28 });
  return stdout
    .trimEnd()
    .split('\n')
    .map((line) => line.trim().split(' ').map(Number));
}

const axesOf = ({ model, size, rows, width }: Reference): RotaryAxis[] => {
  const { dit } = loadCatalogue(model);
  return rotaryAxes(dit, dit.rope!, parseSize(size), rows, width);
};

const rotary = suite('rotary tables');
rotary.after(() => rmSync(FOLDER, { recursive: true, force: true }));

rotary('every model whose segments rotate rows and that can be generated is held against diffusers', () => {
  const facts = catalogueIds().filter((id) => loadCatalogue(id).dit.rope !== undefined);
  assert.equal([...new Set(cases.map(({ model }) => model))].sort(), facts.sort());
});

if (noCompiler() !== null) skip(rotary, 'tables are those of diffusers', noCompiler()!);
else {
  let rows: number[][];
  rotary('the runtime makes them', () => {
    const tables = cases.map((one) => ({ axes: axesOf(one), rows: one.chosenRows, width: one.width }));
    rows = printed(mainSource(tables));
    assert.is(
      rows.length,
      cases.reduce((sum, { chosenRows }) => sum + chosenRows.length, 0),
    );
  });

  let first = 0;
  for (const one of cases) {
    const own = first;
    first += one.chosenRows.length;
    // Two units in the last place of that angle, and the rounding of cosines and sines in the runtime and in the file.
    const bound = 4e-7 + one.float32Angle * 2 ** -22;
    const title = `${one.model} at ${one.size}, ${one.rows === 'x' ? 'video or image' : 'text'}`;
    rotary(`${title}: within ${bound.toExponential(1)} of diffusers'`, () => {
      if (one.rows === 'x') assert.is(one.count, rowsOf(loadCatalogue(one.model).dit, parseSize(one.size)).x);
      let largest = 0;
      for (const [index] of one.chosenRows.entries()) {
        const row = rows[own + index]!;
        assert.is(row.length, one.width);
        for (const [place, pair] of one.pairs.entries()) {
          largest = Math.max(
            largest,
            Math.abs(row[2 * pair]! - one.cosines[index]![place]!),
            Math.abs(row[2 * pair + 1]! - one.sines[index]![place]!),
          );
        }
      }
      if (process.env.SHOW_DIFFERENCES !== undefined) console.log(`${title}: ${largest.toExponential(2)}`);
      assert.ok(largest <= bound, `${largest}`);
    });
  }
}

rotary.run();

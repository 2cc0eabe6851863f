import { spawnSync } from 'node:child_process';
import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { buildPrograms } from '../../build/build.ts';
import { writeProgram } from '../../codegen/writeProgram.ts';
import { noCompiler } from '../support/compilers.ts';
import { skip } from '../support/skip.ts';
import { generateScenario, SHARED } from './scenarios.ts';

const FOLDER = join('out', 'test', 'host-sanitizers');

const sanitizers = suite('sanitizers on the host backend');
const why = noCompiler();

if (why !== null) skip(sanitizers, 'the thread and address sanitizers run the generated programs', why);
else {
  // Few tokens: an instrumented step takes seconds, and what is looked for does not depend on their number.
  const small = generateScenario({
    model: 'tiny-cross',
    machine: 'host-x2',
    size: '32x32x5',
    blocks: 2,
    layout: { sp: 2 },
    plans: SHARED,
    id: 'cross-small',
  });
  for (const sanitize of ['thread', 'address'] as const) {
    sanitizers(`${sanitize} sanitizer finds nothing in any preset or transport`, async () => {
      const folder = writeProgram(small, join(FOLDER, 'programs'));
      const [program] = (await buildPrograms([folder], { backend: 'host', sanitize })).programs;
      const file = join(FOLDER, `${sanitize}.jsonl`);
      rmSync(file, { force: true });
      const quick = ['--rounds', '1', '--steps', '1', '--warm-up', '0', '--ranks', 'threads'];
      const args = [...quick, '--arena-layout', 'surveyed', '--out', file];
      const env = { ...process.env, TSAN_OPTIONS: 'halt_on_error=1', ASAN_OPTIONS: 'detect_leaks=1' };
      const { status, stderr } = spawnSync(program!.executable, args, { encoding: 'utf8', env });
      assert.is(status, 0, stderr.slice(0, 4000));

      const lines = readFileSync(file, 'utf8').trimEnd().split('\n');
      const outputs = lines.map((line) => JSON.parse(line)).filter(({ record }) => record === 'output');
      for (const steps of new Set(outputs.map((line) => line.steps))) {
        const same = outputs.filter((line) => line.steps === steps);
        assert.is(new Set(same.map(({ digests }) => JSON.stringify(digests))).size, 1);
      }
      assert.is(new Set(outputs.map(({ plan }) => plan)).size, SHARED.length);
    });
  }
}

sanitizers.run();

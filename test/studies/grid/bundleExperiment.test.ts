import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { bundle } from '../../../build/bundle.ts';
import { bundleExperiment } from '../../../studies/grid/bundleExperiment.ts';
import { cellsOf, readExperiment } from '../../../studies/grid/experimentFile.ts';
import { noCompiler } from '../../support/compilers.ts';
import { skip } from '../../support/skip.ts';
import { writeStubRuntime } from '../../support/stubProgram.ts';
import { stubWriter, writeExperiment } from './stubExperiment.ts';

const folder = mkdtempSync(join(tmpdir(), 'chunkflow-bundled-'));
const test = suite('bundling an experiment');
test.after(() => rmSync(folder, { recursive: true, force: true }));

const runtime = writeStubRuntime(join(folder, 'runtime'));
const experiment = readExperiment(writeExperiment(folder));
const cells = cellsOf(experiment);

test('all programs, with the arguments of the experiment', async () => {
  const { out, files } = await bundleExperiment(experiment, cells, { out: join(folder, 'all'), runtime });
  assert.is(readFileSync(join(out, 'arguments.txt'), 'utf8'), '--rounds\n2\n');
  for (const { id } of cells) assert.ok(files.includes(`programs/${id}/manifest.json`), id);
  const again = await bundleExperiment(experiment, cells, { out: join(folder, 'again'), runtime });
  const sums = (place: string) => readFileSync(join(place, 'SHA256SUMS'), 'utf8');
  assert.is(sums(again.out), sums(out));
});

const whyNot = noCompiler();
const compiled = (name: string, body: () => Promise<void>) =>
  whyNot === null ? test(name, body) : skip(test, name, whyNot);

compiled('measure.sh takes them unless it is given others', async () => {
  const [cell] = cells;
  const program = stubWriter(folder)(cell!);
  const args = ['--rounds', '2', '--plans', '1'];
  const { out } = await bundle([program], { out: join(folder, 'stub'), runtime, args });
  const run = (...own: string[]) => {
    const env = { ...process.env, CHUNKFLOW_BACKEND: 'host' };
    const { status, stderr } = spawnSync(join(out, 'measure.sh'), own, { encoding: 'utf8', env });
    assert.is(status, 0, stderr);
    return /arguments: (.*)/.exec(stderr)![1];
  };
  assert.is(run(), args.join(' '));
  assert.is(run('--', '--rounds', '7'), '--rounds 7');
  const results = readFileSync(join(out, 'results', `${cell!.id}.jsonl`), 'utf8');
  assert.is(results.match(/"record":"run"/g)!.length, 2);
});

test.run();

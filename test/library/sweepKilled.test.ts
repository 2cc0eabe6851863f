import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { randomNumbers } from '../../model/leastSquares/multiStart.ts';
import { partFacts } from '../../studies/sweep/partFacts.ts';
import { readSweep } from '../../studies/sweep/sweep.ts';
import { Tasks } from '../../studies/sweep/tasks.ts';
import { runOwnCli, startCli } from '../support/ownCli.ts';
import { sqlRows, sweepRows } from '../support/sweepRows.ts';

/** Another sweep and more kills, for a longer run: `SWEEP=bench/catalogue.sweep.yaml KILLS=20 npx tsx test/library/sweepKilled.test.ts`. */
const GIVEN = process.env.SWEEP;
const KILLS = Number(process.env.KILLS ?? 8);
const SEED = 1;
/** Longest time from the first sign of work to a kill: some tasks long. */
const MOST_MS = 1500;

const folder = mkdtempSync(join(tmpdir(), 'chunkflow-sweep-killed-'));
const test = suite(`a sweep that is killed ${KILLS} times`);
test.after(() => rmSync(folder, { recursive: true, force: true }));

const SWEEP = `sweep: killed
grids:
  - models: [{model: wan2.1-t2v-1.3b, sizes: [480x320x17, 832x480x81]}, {model: flux.1-dev, sizes: [512x512, 1024x1024]}]
    machines: [2xrtx-4090, h200-x2, h100-pcie-x2]
    set: {gpu.copyEngine.h2d: {from: 5 GB/s, to: 50 GB/s, steps: 8}}
    sp: [1, 2, 4]
    plans: [none, layerwise, layerwise-drain, {preset: yield, resident: {from: 0, to: 0.9, steps: 6}}]
`;

test('every point is there once, with the rows of an uninterrupted run', async () => {
  const file = GIVEN ?? join(folder, 'killed.yaml');
  if (GIVEN === undefined) writeFileSync(file, SWEEP);
  const results = join(folder, 'results');
  const random = randomNumbers(SEED);
  const parts = () => {
    const path = join(results, 'parts');
    return existsSync(path) ? readdirSync(path).filter((name) => name.endsWith('.parquet')) : [];
  };
  const tasks = new Tasks(readSweep(file, true).grids).count;
  let inTheMiddle = 0;
  for (let kill = 0; kill < KILLS; kill += 1) {
    const before = parts().length;
    const child = startCli(['sweep', file, '--results', results, '--jobs', '2']);
    const ended = new Promise((resolve) => child.once('exit', resolve));
    // Every other kill waits for a first new part, so that the sweep gets on.
    while (kill % 2 === 0 && parts().length === before && child.exitCode === null) await sleep(10);
    await sleep(random() * MOST_MS);
    child.kill('SIGKILL');
    await ended;
    if (child.signalCode === 'SIGKILL' && parts().length < tasks) inTheMiddle += 1;
    for (const name of parts()) assert.ok(partFacts(join(results, 'parts', name)).rows > 0, name);
  }
  assert.ok(inTheMiddle >= KILLS / 2, `${inTheMiddle} kills were in the middle of ${tasks} tasks`);
  const rest = runOwnCli(['sweep', file, '--results', results]);
  assert.is(rest.code, 0, rest.stderr);
  assert.equal(
    readdirSync(join(results, 'parts')).filter((name) => !name.endsWith('.parquet')),
    [],
    'no leftover stays',
  );
  const points = readSweep(file, true).points;
  assert.equal(
    await sqlRows(results, 'SELECT count(*), count(DISTINCT point), min(point), max(point) FROM sweep'),
    [JSON.stringify([points, points, 0, points - 1])],
  );
  const other = join(folder, 'uninterrupted');
  assert.is(runOwnCli(['sweep', file, '--results', other]).code, 0);
  assert.equal(await sweepRows(results), await sweepRows(other));
});

test.run();

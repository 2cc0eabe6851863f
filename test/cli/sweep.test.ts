import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { startCli } from '../support/ownCli.ts';
import { runCli } from '../support/runCli.ts';
import { sqlRows, sweepRows } from '../support/sweepRows.ts';

const folder = mkdtempSync(join(tmpdir(), 'chunkflow-sweep-cli-'));
const file = join(folder, 'one.yaml');
const results = join(folder, 'results');
const SWEEP = `sweep: one
doubt: false
grids:
  - models: [wan2.1-t2v-1.3b]
    machines: [2xrtx-4090]
    set: {gpu.copyEngine.h2d: {from: 5 GB/s, to: 25 GB/s, steps: 8}}
    sp: [1, 2, 4]
    plans: [none, "yield,resident=0.5"]
`;
writeFileSync(file, SWEEP);

const test = suite('chunkflow sweep in threads');
test.after(() => rmSync(folder, { recursive: true, force: true }));
const sweep = (...args: string[]) => runCli(['sweep', file, ...args]);
const query = (...args: string[]) => runCli(['query', ...args]);

test('some tasks, then the rest, then nothing; the status and every query say what is missing', async () => {
  const some = await sweep('--results', results, '--tasks', '0,2-3', '--jobs', '1');
  assert.is(some.code, 0, some.stderr);
  assert.match(some.stdout, /results: 3 of 24 tasks are done; 2 new rows have an error\n/);
  assert.equal(readdirSync(join(results, 'parts')), [
    ...['part-00000000.parquet', 'part-00000002.parquet', 'part-00000003.parquet'],
  ]);
  const status = await sweep('--results', results, '--status');
  assert.is(status.code, 0);
  assert.match(status.stdout, /points {3}6 of 48 are answered \(12\.5 %\)/);
  assert.match(status.stdout, /missing: 1,4-23\n/);
  const asked = await query('SELECT count(*) AS rows FROM sweep', results, '--json');
  assert.equal(JSON.parse(asked.stdout), [{ rows: 6 }]);
  assert.match(asked.stderr, /^note: .*results: is unfinished: 3 of 24 tasks are done/);
  const kept = readFileSync(join(results, 'parts', 'part-00000002.parquet'));
  const rest = await sweep('--results', results, '--jobs', '2');
  assert.match(rest.stdout, /24 of 24 tasks are done; 3 were before; 14 new rows have an error\n/);
  assert.equal(readFileSync(join(results, 'parts', 'part-00000002.parquet')), kept, 'is not answered again');
  assert.match((await sweep('--results', results)).stdout, /24 of 24 tasks are done; nothing was left to do/);
  const whole = await query('SELECT count(*), count(DISTINCT point) FROM sweep', results, '--csv');
  assert.equal([whole.stdout.split('\n')[1], whole.stderr], ['48,48', '']);
});

test('Ctrl-C ends with 130 and leaves whole parts alone, with which the next start goes on', async () => {
  const path = join(folder, 'stopped');
  const child = startCli(['sweep', file, '--results', path, '--jobs', '1']);
  let said = '';
  child.stderr!.on('data', (text) => {
    said += text;
  });
  const parts = () => (existsSync(join(path, 'parts')) ? readdirSync(join(path, 'parts')) : []);
  while (!parts().some((name) => name.endsWith('.parquet')))
    await new Promise((resolve) => setTimeout(resolve, 20));
  child.kill('SIGINT');
  const code = await new Promise((resolve) => child.once('exit', resolve));
  assert.is(code, 130, said);
  assert.match(said, /stopped by SIGINT/);
  const rest = await sweep('--results', path);
  assert.is(rest.code, 0, rest.stderr);
  assert.match(rest.stdout, /24 of 24 tasks are done/);
  assert.equal(await sweepRows(path), await sweepRows(results), 'one thread, then two');
  const [who] = await sqlRows(results, 'SELECT DISTINCT node IS NOT NULL, version FROM sweep');
  assert.match(who!, /^\[true,"\d+\.\d+\.\d+"\]$/);
});

test.run();

import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { answeredSweep } from '../support/answeredSweep.ts';
import { runCli } from '../support/runCli.ts';

const folder = mkdtempSync(join(tmpdir(), 'chunkflow-query-cli-'));
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
await answeredSweep(file, results);

const test = suite('chunkflow query, and what sweep refuses');
test.after(() => rmSync(folder, { recursive: true, force: true }));
const query = (...args: string[]) => runCli(['query', ...args]);

test('which plan is fastest, by SQL: as a table, CSV and Parquet', async () => {
  const sql =
    'SELECT set_gpu_copyEngine_h2dBytesPerS / 1e9 AS gb, arg_min(plan, stepS) AS best FROM sweep WHERE sp = 1 GROUP BY ALL ORDER BY gb';
  const table = await query(sql, results);
  assert.match(table.stdout, /^ *gb {2}best\n-+ {2}-+\n +5 {2}none\n/);
  const out = join(folder, 'best.parquet');
  assert.equal(
    [(await query(`${sql}; -- of each rate`, results, '--out', out)).stdout, existsSync(out)],
    [`${out}\n`, true],
  );
  assert.match((await query('SELECT count(*) FROM steps', out)).stdout, /\n +8\n$/);
  const cut = await query('SELECT point FROM sweep ORDER BY point', results, '--rows', '2');
  assert.is(cut.stdout.split('\n').length, 5);
  assert.match(cut.stderr, /^note: these are the first 2 rows/);
});

test('without SQL, what is in the results', async () => {
  const { stdout, code } = await query(results);
  assert.is(code, 0);
  assert.match(stdout, /^sweep: 48 rows, 16 with an error, \d+ whose plan fits\n/);
  assert.match(stdout, /\nstepS +DOUBLE .*step time\n/);
  assert.match(stdout, /\nset_gpu_copyEngine_h2dBytesPerS +DOUBLE +\d+ +0 +5000000000 \.\. 25000000000/);
  assert.match(stdout, /\nwithout a value: .*breakEvenTokens/);
});

test('queries only read, and only what they were given', async () => {
  const secret = join(folder, 'secret.csv');
  writeFileSync(secret, 'a\n1\n');
  const part = join(results, 'parts', 'part-00000000.parquet');
  const before = readFileSync(part);
  for (const [sql, message] of [
    [`SELECT * FROM read_csv('${secret}')`, /Permission Error: Cannot access file/],
    [`SELECT * FROM '${secret}'`, /Permission Error/],
    ["SELECT * FROM glob('/etc/*')", /Permission Error/],
    ["SELECT * FROM read_csv('https://example.com/x.csv')", /Permission Error|disabled/],
    [`COPY (SELECT 1) TO '${part}'`, /a query only reads/],
    [`EXPLAIN ANALYZE COPY (SELECT 1) TO '${part}'`, /a query only reads/],
    ['SET enable_external_access = true', /a query only reads|Cannot|locked/],
    ['DROP VIEW sweep', /a query only reads/],
    [`ATTACH '${secret}'`, /a query only reads/],
    ['SELECT 1; SELECT 2', /expected one statement, got 2/],
    ['SELECT stepZ FROM sweep', /Binder Error: Referenced column "stepZ" not found/],
    ['SELEC', /Parser Error: syntax error/],
  ] as const) {
    const { code, stderr, stdout } = await query(sql, results);
    assert.equal([code, stdout], [2, ''], sql);
    assert.match(stderr, message, sql);
    assert.is(stderr.trimEnd().split('\n').length, 1, sql);
  }
  assert.equal(readFileSync(part), before);
});

test('mistakes are one line with a way out', async () => {
  const empty = join(folder, 'empty');
  mkdirSync(empty, { recursive: true });
  for (const [args, message] of [
    [['sweep', file], /--results is missing/],
    [
      ['sweep', file, '--results', results, '--tasks', '24'],
      /there is no task 24; the last of this sweep is 23/,
    ],
    [['sweep', file, '--results', results, '--wait'], /--wait: only a scheduler reads it/],
    [['sweep', file, '--estimate', '--results', results], /an estimate keeps nothing/],
    [['sweep', file, '--results', results, '--seed', '3'], /--seed 3: is of --estimate/],
    [['sweep', file, '--status'], /--results is missing/],
    [['sweep', file, '--status', '--results', empty], /has no sweep\.json/],
    [['sweep', file, '--results', results, '--array', join(folder, 'x.json')], /is no array of a sweep/],
    [['query', 'SELECT 1'], /of what\? give a folder of results/],
    [['query', 'SELECT 1', empty], /has no sweep\.json/],
    [['query', 'SELECT 1', results, '--json', '--csv'], /--json --csv: give one of them/],
    [['query', 'SELECT 1', results, '--out', 'x.csv'], /expected a name that ends in \.parquet/],
    [['query', results, '--json'], /without SQL/],
  ] as const) {
    const { code, stderr } = await runCli(args);
    assert.is(code, 2, args.join(' '));
    assert.match(stderr, message);
    assert.is(stderr.trimEnd().split('\n').length, 1);
  }
});

test.run();

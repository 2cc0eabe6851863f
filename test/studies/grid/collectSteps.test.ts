import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { UserError } from '../../../model/input/userError.ts';
import { readSteps } from '../../../studies/dataset/stepRecords.ts';
import { cellProgram } from '../../../studies/grid/cellProgram.ts';
import { cellScenario } from '../../../studies/grid/cellScenario.ts';
import { collectSteps } from '../../../studies/grid/collectSteps.ts';
import { cellsOf, readExperiment } from '../../../studies/grid/experimentFile.ts';
import { keepManifest } from '../../../studies/grid/keptManifests.ts';
import { stepProgramHash } from '../../../studies/grid/stepProgramHash.ts';
import { arenaSurvey, runLines } from '../../support/measurementFixture.ts';
import { runCli } from '../../support/runCli.ts';
import { writeExperiment } from './stubExperiment.ts';

const folder = mkdtempSync(join(tmpdir(), 'chunkflow-collect-'));
const test = suite('collecting steps');
test.after(() => rmSync(folder, { recursive: true, force: true }));

const file = writeExperiment(folder);
const experiment = readExperiment(file);
const [cell, other] = cellsOf(experiment) as [ReturnType<typeof cellsOf>[0], ReturnType<typeof cellsOf>[0]];
const { manifest } = cellProgram(cell);
const { fingerprint } = manifest;

type Change = (record: Record<string, unknown>) => object;

/** A run of the first cell, with fields of its records replaced. */
function lines(change: Change = () => ({}), name: Parameters<typeof runLines>[0] = {}): string[] {
  return runLines({ program: cell.id, fingerprint, ...name }).map((line) => {
    const record = JSON.parse(line);
    return JSON.stringify({ ...record, ...change(record) });
  });
}

function results(name: string, ...files: string[][]): string {
  const place = join(folder, name);
  mkdirSync(place, { recursive: true });
  files.forEach((text, index) => {
    writeFileSync(join(place, `${index}.jsonl`), `${text.join('\n')}\n`);
  });
  return place;
}

const at =
  (record: string, fields: object): Change =>
  (value) =>
    value.record === record ? fields : {};

test('a run becomes a line for each plan', () => {
  const { runs, notes } = collectSteps(experiment, [results('one', lines())]);
  assert.equal(
    runs.map(({ plan, stepS }) => [plan, stepS]),
    [
      ['none', 0.01],
      ['yield', 0.012],
    ],
  );
  const { workload, system, plans } = cellScenario(cell);
  const [none] = runs;
  assert.equal(none, {
    ...{ schema: 'chunkflow/steps@1', experiment: 'stub', split: 'fit' },
    cell: {
      ...{ id: cell.id, model: 'experiments/tiny/tiny-joint.yaml', size: '64x64', blocks: 2, sp: 2, tp: 1 },
      machine: 'h200-x1',
    },
    ...{
      plan: 'none',
      mode: 'eager',
      place: 'mirrored',
      transport: manifest.plans[0]!.transport,
      fingerprint,
    },
    stepProgram: stepProgramHash(workload, system, plans[0]!),
    ...{ stepS: 0.01, madS: 1e-5, visitS: [(0.01 + 0.011) / 2], steps: 2, smHz: 1.98e9, powerW: null },
    memory: {
      ...{ claimedBytes: 3 * 2 ** 30, reserveBytes: 2 ** 29, deviceBytes: 2 * 2 ** 30 },
      ...{ pinnedBytes: 0, claimedPinnedBytes: 0 },
    },
    sameOutput: true,
    // Statement 0 of the fixture's timeline is the block's first, 1 its second.
    segments: [
      { name: 'modulation', category: 'compute', count: 1, seconds: 0.005 },
      { name: 'norm and modulate', category: 'compute', count: 2, seconds: 0.002 },
    ],
    device: { name: 'NVIDIA H200', driver: '580.95', cuda: '13.0' },
    gpus: [{ pciBus: '0000:18:00.0', uuid: 'GPU-1' }],
    ...{ libraries: 'none', runtime: '', startedAt: '2026-11-23T21:00:00Z' },
  });
  assert.not.equal(runs[1]!.stepProgram, none!.stepProgram);
  assert.equal(notes, [
    `not measured: ${other.id} (2 of 2 plans), ${cellsOf(experiment)[2]!.id} (2 of 2 plans)`,
  ]);
});

/** A run as a node's runtime records it. */
const onNode =
  (node: string, pciBus: string, more: object = {}): Change =>
  (record) =>
    record.record === 'run'
      ? {
          ...{ commit: `${'ab'.repeat(20)}-dirty`, slurmJob: '4700_3', options: { rounds: 5, seed: 7 } },
          devices: [
            {
              ...{ name: 'NVIDIA H200', uuid: `GPU-${node}`, driver: '580.95', cuda: '13.0', pciBus, node },
              ...{
                memoryBytes: 2 ** 37,
                vbios: '96.00',
                link: { lanes: 16, mostLanes: 16, mostGeneration: 5 },
              },
            },
          ],
          ...more,
        }
      : {};

test('a line says who measured it, as far as the records do', () => {
  const [step] = collectSteps(experiment, [results('who', lines(onNode('gpu-17', '0000:18:00.0')))]).runs;
  const { node, nodes, gpus, commit, seed, slurmJob } = step!;
  assert.equal(
    { node, nodes, gpus, commit, seed, slurmJob },
    {
      ...{ node: 'gpu-17', nodes: undefined, gpus: [{ pciBus: '0000:18:00.0', uuid: 'GPU-gpu-17' }] },
      ...{ commit: `${'ab'.repeat(20)}-dirty`, seed: 7, slurmJob: '4700_3' },
    },
  );
});

test('nodes and GPUs do not replace each other, a later run on the same ones does', () => {
  const at = (day: number) => ({ startedAt: `2026-11-${day}T00:00:00Z` });
  const place = results(
    'fleet',
    lines(onNode('b', '0000:18:00.0', at(20))),
    lines(onNode('a', '0000:18:00.0', at(21))),
    lines(onNode('a', '0000:19:00.0', at(22))),
    lines(onNode('b', '0000:18:00.0', at(23))),
  );
  const { runs, notes } = collectSteps(experiment, [place]);
  assert.equal(
    runs.map(({ plan, node, gpus, startedAt }) => [
      plan,
      node,
      gpus![0]!.pciBus.slice(5, 7),
      startedAt.slice(8, 10),
    ]),
    ['none', 'yield'].flatMap((plan) => [
      [plan, 'a', '18', '21'],
      [plan, 'a', '19', '22'],
      [plan, 'b', '18', '23'],
    ]),
  );
  assert.ok(notes.includes('2 earlier measurements were replaced by later ones'));
});

test('--anonymous names nodes alike in all datasets of a list, and says nothing else that tells them', async () => {
  const place = (node: string) => results(`anonymous-${node}`, lines(onNode(node, '0000:18:00.0')));
  const names = join(folder, 'names.json');
  const collect = async (nodes: string[], ...more: string[]) => {
    const out = join(folder, 'anonymous.jsonl');
    const from = nodes.flatMap((node) => ['--results', place(node)]);
    const { code, stderr } = await runCli([
      'experiment',
      'collect',
      file,
      ...from,
      '--out',
      out,
      '--anonymous',
      ...more,
    ]);
    assert.is(code, 0, stderr);
    const text = readFileSync(out, 'utf8');
    assert.not.match(text, /secret|UUID|uuid|4700/);
    return readSteps([out]).map(({ node }) => node);
  };
  assert.equal(await collect(['secret-b', 'secret-a'], names), ['node-1', 'node-2', 'node-1', 'node-2']);
  assert.equal(await collect(['secret-c', 'secret-b'], names), ['node-2', 'node-3', 'node-2', 'node-3']);
  assert.equal(JSON.parse(readFileSync(names, 'utf8')), {
    ...{ 'secret-a': 'node-1', 'secret-b': 'node-2', 'secret-c': 'node-3' },
  });
  assert.equal(await collect(['secret-c']), ['node-1', 'node-1'], 'without a list none is kept');
  for (const [text, message] of [
    ['{"a":"node-0"}', /names\.json:1:\d+: a: /],
    ['{"a":"node-1","b":"node-1"}', /names\.json:1:\d+: b: "node-1" is a already/],
  ] as const) {
    writeFileSync(names, text);
    const args = [
      'experiment',
      'collect',
      file,
      '--results',
      place('secret-a'),
      '--out',
      join(folder, 'no.jsonl'),
    ];
    const { code, stderr } = await runCli([...args, '--anonymous', names]);
    assert.is(code, 2);
    assert.match(stderr, message);
  }
});

test('a claim that does not say its reserve has none in the dataset', () => {
  const own = lines(at('memory', { claim: { slotBytes: 2 ** 30 } }));
  const [none] = collectSteps(experiment, [results('reserve', own)]).runs;
  assert.not.ok('reserveBytes' in none!.memory);
  assert.is(none!.memory.claimedBytes, 3 * 2 ** 30);
});

test('a layout of pinned memory that is not the usual one is noted', () => {
  const [run, ...rest] = lines();
  const surveyed = results('surveyed', [run!, JSON.stringify(arenaSurvey), ...rest]);
  assert.match(
    collectSteps(experiment, [surveyed]).notes[0]!,
    /0\.jsonl:1: .*: arena \(surveyed\): one rank/,
  );
  const reversed = results('reversed', lines(at('run', { options: { arenaLayout: 'reversed' } })));
  assert.match(collectSteps(experiment, [reversed]).notes[0]!, /0\.jsonl:1: .*: arena \("?reversed"?\)$/);
});

/** Lines of a run that was cut off in its second round, or with less of it. */
function cutOff(visits: number): string[] {
  const whole = lines();
  const visit = (plan: number, round: number, stepS: number[]) =>
    JSON.stringify({
      ...{ record: 'visit', plan, round, mode: 'eager', stepS, enqueueS: [] },
      ...{ smHz: null, powerW: null, temperatureC: null },
    });
  const begun = whole.filter((line) => !/"record":"(visit|summary|timeline|end)"/.test(line));
  const rounds = [visit(0, 0, [3, 1, 2]), visit(1, 0, [4, 6]), visit(0, 1, [9])];
  return [...begun, ...rounds.slice(0, visits)];
}

test('of a run that was cut off the whole rounds count, unless another ended well', () => {
  const { runs, notes } = collectSteps(experiment, [results('cut', cutOff(3))]);
  assert.equal(
    runs.map(({ plan, stepS, madS, steps, visitS }) => [plan, stepS, madS, steps, visitS]),
    [
      ['none', 2, 1, 3, [2]],
      ['yield', 5, 1, 2, [5]],
    ],
  );
  assert.match(notes[0]!, /0\.jsonl:1: the run of .* was cut off$/);
  assert.match(notes[1]!, /0\.jsonl:1: its one whole round counts$/);
  const before = collectSteps(experiment, [results('cut-early', cutOff(1))]);
  assert.equal(before.runs, []);
  const later = results('cut-later', lines(), cutOff(3));
  assert.equal(
    collectSteps(experiment, [later]).runs.map(({ stepS }) => stepS),
    [0.01, 0.012],
  );
});

test('rounds, clock, power, memory and libraries are taken together', () => {
  const visit = (round: number, stepS: number[], smHz: number | null, powerW: number) =>
    JSON.stringify({
      ...{
        record: 'visit',
        plan: 0,
        round,
        mode: 'eager',
        stepS,
        enqueueS: [],
        smHz,
        powerW,
        temperatureC: 40,
      },
    });
  const own = lines((record) => ({
    ...at('run', { place: 'host', backend: 'host', nccl: '2.28.9', runtime: 'cafe' })(record),
    ...(record.record === 'summary' && record.plan === 0 && { rounds: 2, steps: 5 }),
  }));
  const index = own.findIndex((line) => line.includes('"visit","plan":0'));
  own.splice(index, 1, visit(0, [3, 1, 2], null, 600), visit(1, [4, 6], 1.5e9, 500));
  const [none] = collectSteps(experiment, [results('rounds', own)]).runs;
  assert.equal(none!.visitS, [2, 5]);
  assert.is(none!.smHz, 1.5e9);
  assert.is(none!.powerW, 550);
  assert.is(none!.place, 'host');
  // What the host's runtime had allocated: there is no device to ask.
  assert.is(none!.memory.deviceBytes, 2 ** 30);
  assert.is(none!.libraries, 'none, NCCL 2.28.9');
  assert.is(none!.runtime, 'cafe');
});

test('graphs are lines of their own, without segments; no timeline gives none', () => {
  const graph = lines()
    .filter((line) => /"(visit|summary)"/.test(line))
    .map((line) => line.replace('"eager"', '"graph"').replace('"medianS":0.01,', '"medianS":0.009,'));
  const own = lines();
  own.splice(-1, 0, ...graph);
  const { runs } = collectSteps(experiment, [results('graph', own)]);
  assert.equal(
    runs.map(({ plan, mode, segments }) => [plan, mode, segments.length]),
    [
      ['none', 'eager', 2],
      ['none', 'graph', 0],
      ['yield', 'eager', 2],
      ['yield', 'graph', 0],
    ],
  );
  assert.is(runs[1]!.stepS, 0.009);
  const untraced = lines().filter((line) => !line.includes('"timeline"'));
  assert.equal(collectSteps(experiment, [results('untraced', untraced)]).runs[0]!.segments, []);
});

test('a later run replaces an earlier one, whatever the order of the files', () => {
  const run = (startedAt: string, madS: number): string[] =>
    lines((value) => ({ ...at('run', { startedAt })(value), ...at('summary', { madS })(value) }));
  const later = run('2026-11-24T08:00:00Z', 0.002);
  const [first] = later;
  // The later run has only the first plan.
  const short = [first!, ...later.slice(1).filter((line) => !line.includes('"plan":1'))];
  const place = results('later', short, run('2026-11-23T08:00:00Z', 0.001));
  const { runs, notes } = collectSteps(experiment, [place]);
  assert.equal(
    runs.map(({ plan, madS }) => [plan, madS]),
    [
      ['none', 0.002],
      ['yield', 0.001],
    ],
  );
  assert.ok(notes.includes('1 earlier measurements were replaced by later ones'), notes.join('\n'));
});

test('what has no place in the dataset is left out with a note', () => {
  const cases: [string[], RegExp][] = [
    [
      lines(at('run', { options: { compute: 'synthetic' } })),
      /0\.jsonl:1: .* only took the time of its kernels/,
    ],
    [lines(() => ({}), { place: 'colocated' }), /0\.jsonl:1: .* ranks that shared a GPU/],
    [lines(() => ({}), { program: 'stranger' }), /0\.jsonl:1: stranger is no program of the experiment/],
    [cutOff(1), /0\.jsonl:1: the run of .* was cut off/],
    [lines(at('end', { ok: false, error: 'lost', wallS: undefined })), /the run of .* failed: lost/],
  ];
  for (const [[...own], message] of cases) {
    const { runs, notes } = collectSteps(experiment, [results('left-out', own)]);
    assert.equal(runs, []);
    assert.match(notes.join('\n'), message);
  }
});

/** Lines of a run of a pair: `none` over NVLink and `yield` over host shared memory, in an environment of NCCL. */
function pairLines(pair: ReturnType<typeof pairCell>, ncclVariables?: Record<string, string>): string[] {
  const [first, second] = pair.cell.plans;
  const names = new Map([
    ['none', first],
    ['yield', second],
  ]);
  return runLines({ program: pair.cell.id, fingerprint: pair.fingerprint, place: 'real', ranks: 2 })
    .map((line) => JSON.parse(line))
    .filter(({ record }) => record !== 'timeline')
    .map((record) => ({
      ...record,
      ...(names.has(record.name) && { name: names.get(record.name) }),
      ...(record.record === 'run' && ncclVariables !== undefined && { ncclVariables }),
    }))
    .map((record) => JSON.stringify(record));
}

function pairCell() {
  const pair = join(folder, 'pair.yaml');
  writeFileSync(
    pair,
    `name: pair
split: held-out
machine: h200-x2
measure: []
cells:
  - model: experiments/tiny/tiny-joint.yaml
    size: 64x64
    blocks: 2
    sp: 2
    plans: ["none,transport=nvlink", "yield,transport=shm"]
`,
  );
  const experiment = readExperiment(pair);
  const [cell] = cellsOf(experiment) as [ReturnType<typeof cellsOf>[0]];
  return { experiment, cell, fingerprint: cellProgram(cell).manifest.fingerprint };
}

test("plans over a transport that a run's environment kept NCCL from are left out, with one note for each run", () => {
  const pair = pairCell();
  const [nvlink, shm] = pair.cell.plans as [string, string];
  const disabled = { NCCL_P2P_DISABLE: '1' };
  for (const [variables, collected, note] of [
    [disabled, [shm], /0\.jsonl:1: .*: NCCL_P2P_DISABLE=1 rules nvlink out: left out none,transport=nvlink$/],
    [{}, [nvlink, shm], /0\.jsonl:1: .* without NCCL_P2P_DISABLE=1: plans over shm took another path/],
    [undefined, [nvlink, shm], null],
  ] as const) {
    const place = results('pair', pairLines(pair, variables));
    const { runs, notes } = collectSteps(pair.experiment, [place]);
    assert.equal(
      runs.map(({ plan }) => plan),
      collected,
    );
    const own = notes.filter((one) => one.includes('NCCL_P2P_DISABLE'));
    assert.is(own.length, note === null ? 0 : 1, notes.join('\n'));
    if (note !== null) assert.match(own[0]!, note);
  }
  // What an earlier run measured over NVLink stays.
  const earlier = pairLines(pair, {}).map((line) => line.replace('2026-11-23', '2026-11-22'));
  const { runs } = collectSteps(pair.experiment, [results('both', earlier, pairLines(pair, disabled))]);
  assert.equal(
    runs.map(({ plan, startedAt }) => [plan, startedAt.slice(0, 10)]),
    [
      [nvlink, '2026-11-22'],
      [shm, '2026-11-23'],
    ],
  );
});

test('an older program is collected by its manifest, and refused without', () => {
  const place = results(
    'older',
    lines(() => ({}), { fingerprint: '0123' }),
  );
  assert.throws(
    () => collectSteps(experiment, [place]),
    (error: Error) =>
      error instanceof UserError &&
      /older\/0\.jsonl:1: .* fingerprint 0123, the one generated now has .*, and no manifest/.test(
        error.message,
      ),
  );
  const [now] = collectSteps(experiment, [results('now', lines())]).runs;

  // Other text around the same operations: the step program is the same.
  keepManifest(place, { ...manifest, fingerprint: '0123' });
  for (const from of [place, join(place, '0.jsonl')]) {
    const [same] = collectSteps(experiment, [from]).runs;
    assert.equal(same, { ...now!, fingerprint: '0123' });
  }

  // Other operations: it is another.
  const changed = structuredClone(manifest);
  const [plan] = changed.plans;
  for (const statements of Object.values(plan!.statements)) statements[0]!.bytes += 1;
  changed.plans[1]!.name = 'yield,chunk=1MiB';
  const moved = results(
    'moved',
    lines(({ record, plan }) => (record === 'summary' && plan === 1 ? { name: 'yield,chunk=1MiB' } : {}), {
      fingerprint: '4567',
    }),
  );
  keepManifest(moved, { ...changed, fingerprint: '4567' });
  // A plan that the experiment has no more is left out.
  const { runs, notes } = collectSteps(experiment, [moved]);
  assert.is(runs.length, 1);
  assert.match(runs[0]!.stepProgram, /^[0-9a-f]{16}$/);
  assert.not.equal(runs[0]!.stepProgram, now!.stepProgram);
  assert.match(notes.join('\n'), /has no plan yield,chunk=1MiB any more: left out/);
});

test('broken records are named by file and line', () => {
  const place = results('broken', [...lines(), '{"record":"viisit"}']);
  assert.throws(() => collectSteps(experiment, [place]), /broken\/0\.jsonl:\d+: record: expected one of/);
  const bare = lines().filter((line) => !line.includes('"memory"'));
  assert.throws(
    () => collectSteps(experiment, [results('bare', bare)]),
    /bare\/0\.jsonl:1: .* has a summary of plan 0 and no memory record/,
  );
});

/** Records that are well-formed one by one, and together are none of this program. */
const AT_ODDS: [what: string, change: Change, message: RegExp][] = [
  [
    'a summary of a plan that is not there',
    (record) => (record.record === 'summary' && record.plan === 1 ? { plan: 9 } : {}),
    /0\.jsonl:\d+: summary of plan "yield", eager: is of 2 steps in 1 rounds, and 0 in 0 stand before it/,
  ],
  [
    'a plan that is not there in all its records',
    ({ plan }) => (plan === 1 ? { plan: 9 } : {}),
    /0\.jsonl:\d+: summary: plan 9 is called "yield", and the program of this fingerprint has 2 plans/,
  ],
  [
    'a summary under another name',
    at('summary', { name: 'other' }),
    /0\.jsonl:7: summary: plan 0 is called "other", and the program of this fingerprint has "none" there/,
  ],
  [
    'more rounds than are there',
    at('summary', { rounds: 3 }),
    /0\.jsonl:7: summary of plan "none", eager: is of 2 steps in 3 rounds, and 2 in 1 stand before it; a part of the file/,
  ],
  [
    'a statement that the program has not',
    at('timeline', { statement: [0, 1, 99] }),
    /0\.jsonl:6: timeline: plan none has no statement 99 at position 0; give the manifest/,
  ],
  [
    'a position that the program has not',
    at('timeline', { position: [0, 0, 12345] }),
    /0\.jsonl:6: timeline: plan none has no statement 1 at position 12345/,
  ],
  [
    'an end before its beginning',
    at('timeline', { endS: [0.005, 0.0005, 0.003] }),
    /0\.jsonl:6: timeline: statement 1 at position 0 runs from 0\.001 to 0\.0005 s/,
  ],
  [
    'a time of a round that is none',
    at('visit', { stepS: [-1, 2] }),
    /0\.jsonl:5: visit\.stepS\.0: .*, got -1; measure it anew/,
  ],
  [
    'a clock that stands still',
    at('visit', { smHz: 0 }),
    /0\.jsonl:1: plan "none" of the run of .*: smHz: .*, got 0; measure it anew/,
  ],
];
for (const [index, [what, change, message]] of AT_ODDS.entries()) {
  test(`refused by file and line: ${what}`, () => {
    const place = results(`odds${index}`, lines(change));
    assert.throws(
      () => collectSteps(experiment, [place]),
      (error: Error) =>
        error instanceof UserError && (message.test(error.message) || assert.unreachable(error.message)),
    );
  });
}

test('law: of a file that is cut anywhere, or misses any line, nothing is collected unsaid', () => {
  const text = `${lines().join('\n')}\n`;
  const whole = collectSteps(experiment, [results('whole', lines())]);
  const place = results('cut', lines());
  const collected = (given: string) => {
    writeFileSync(join(place, '0.jsonl'), given);
    try {
      return collectSteps(experiment, [place]);
    } catch (error) {
      assert.instance(error, UserError);
      assert.match((error as Error).message, /0\.jsonl:\d+: /);
      return null;
    }
  };
  for (let length = 1; length < text.length; length += 97) {
    const { runs, notes } = collected(text.slice(0, length)) ?? { runs: [], notes: [] };
    if (runs.length > 0) assert.match(notes.join('\n'), /0\.jsonl:1: its one whole round counts/);
    assert.match(notes.join('\n'), /0\.jsonl:\d+: /);
  }
  for (const [index, line] of lines().entries()) {
    const { record } = JSON.parse(line);
    // These say themselves what is not there: no checks, no timeline.
    if (record === 'verify' || record === 'timeline' || record === 'output') continue;
    const without = collected(`${lines().toSpliced(index, 1).join('\n')}\n`);
    const unsaid = without !== null && without.notes.length === whole.notes.length && without.runs.length > 0;
    assert.not.ok(unsaid && record !== 'summary', `${index}: ${record}`);
  }
});

test('the command writes a dataset that is read back, and says what it left out', async () => {
  const place = results('command', lines());
  const out = join(folder, 'steps.jsonl');
  const { code, stdout, stderr } = await runCli([
    'experiment',
    'collect',
    file,
    '--results',
    place,
    '--out',
    out,
  ]);
  assert.is(code, 0, stderr);
  assert.is(stdout, `${out}: 2 steps\n`);
  assert.match(stderr, /^note: not measured: /);
  assert.equal(readSteps([out]), collectSteps(experiment, [place]).runs);

  const before = readFileSync(out, 'utf8');
  const empty = results('empty', cutOff(1));
  const refused = await runCli(['experiment', 'collect', file, '--results', empty, '--out', out]);
  assert.is(refused.code, 2);
  assert.match(refused.stderr, /hold no step of the experiment/);
  assert.is(readFileSync(out, 'utf8'), before);

  const parquet = join(folder, 'steps.parquet');
  const table = await runCli(['experiment', 'parquet', out, '--out', parquet]);
  assert.is(table.stdout, `${parquet}: 2 rows\n`);
  assert.is(readFileSync(parquet).subarray(0, 4).toString(), 'PAR1');

  const listed = await runCli(['experiment', 'list', file, '--results', place]);
  assert.match(listed.stdout, new RegExp(`^cell +plans +split +done\n-.*\n${cell.id} +2 +fit +0\n`));
  writeFileSync(join(place, `${cell.id}.jsonl`), `${lines().join('\n')}\n`);
  const done = await runCli(['experiment', 'list', file, '--results', place]);
  assert.match(done.stdout, new RegExp(`\n${cell.id} +2 +fit +2\n`));
  assert.match(done.stderr, /stub: 3 cells, 6 plans, 2 of them measured/);
});

test('what the commands refuse', async () => {
  const nowhere = join(folder, 'nowhere', 'x');
  const place = results('refusals', lines());
  for (const [args, message] of [
    [
      ['run', file, '--results', place, '--only', 'tiny'],
      /--only "tiny": is no cell of the experiment; nearest: /,
    ],
    [['collect', file, '--results', place, '--out', nowhere], /--out .*cannot be written \(ENOENT\)/],
    [['collect', file, '--results', nowhere, '--out', 'x'], /cannot be read \(ENOENT\)/],
    [['collect', file, '--out', 'x'], /--results/],
    [['parquet', join(place, '0.jsonl'), '--out', nowhere], /0\.jsonl:1: is a record of a raw results file/],
  ] as const) {
    const { code, stderr } = await runCli(['experiment', ...args]);
    assert.is(code, 2, stderr);
    assert.match(stderr, message);
  }
});

test.run();

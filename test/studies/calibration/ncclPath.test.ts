import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { MeasuredRun } from '../../../measure/readMeasurement.ts';
import { calibrationCases } from '../../../model/calibration/cases.ts';
import { loadSystem } from '../../../model/system/load.ts';
import { asNcclWent } from '../../../studies/calibration/ncclPath.ts';

const system = loadSystem('h200-x2');
const hosts = loadSystem('h200-2x2-loopback');

/** A run of a pair's cases with one of NCCL's transports, in an environment. */
const runOf = (nccl: string, ncclVariables?: Record<string, string>): MeasuredRun =>
  ({
    ...{ file: 'pair.jsonl', line: 1, cases: calibrationCases(system, 2, { nccl }) },
    run: {
      place: 'real',
      program: 'calibration',
      devices: [],
      ...(ncclVariables === undefined ? {} : { ncclVariables }),
    },
  }) as unknown as MeasuredRun;

const path = suite("which of NCCL's transports a run measured");

for (const [what, run, left, note] of [
  ['before variables were written: what it says', runOf('nvlink'), true, null],
  [
    'nvlink with NCCL_P2P_DISABLE=1: none',
    runOf('nvlink', { NCCL_P2P_DISABLE: '1' }),
    false,
    /rules nvlink out/,
  ],
  ['nvlink without: what it says', runOf('nvlink', {}), true, null],
  ['shm with NCCL_P2P_DISABLE=1: what it says', runOf('shm', { NCCL_P2P_DISABLE: '1' }), true, null],
  ['shm without: perhaps another', runOf('shm', {}), true, /shm was measured without NCCL_P2P_DISABLE=1/],
] as [string, MeasuredRun, boolean, RegExp | null][]) {
  path(what, () => {
    const { run: went, notes } = asNcclWent(run, system);
    const [first] = notes;
    assert.is(went.cases.length === run.cases.length, left);
    assert.is(went.cases.filter(({ parameters }) => parameters.kind === 'copies').length > 0, true);
    if (note === null) assert.is(first, undefined);
    else assert.match(first!, note);
  });
}

/** A run of two pairs, each GPU of which says what host it is on. */
const runOn = (nccl: string, ids: string[], key: 'node' | 'ncclHostId', variables = {}): MeasuredRun =>
  ({
    ...{ file: 'pairs.jsonl', line: 1, cases: calibrationCases(hosts, 4, { nccl }) },
    run: {
      ...{ place: 'real', program: 'calibration', ncclVariables: variables },
      devices: ids.map((id) => ({ [key]: id })),
    },
  }) as unknown as MeasuredRun;

for (const [what, run, note] of [
  ['net between nodes: what it says', runOn('net', ['a', 'a', 'b', 'b'], 'node'), null],
  ['net between ranks that NCCL takes apart', runOn('net', ['a', 'a', 'b', 'b'], 'ncclHostId'), null],
  ['net on one node: none', runOn('net', ['a', 'a', 'a', 'a'], 'node'), /ranks on one host rule net out/],
  [
    'net on one node where nothing else is left',
    runOn('net', ['a', 'a', 'a', 'a'], 'node', { NCCL_P2P_DISABLE: '1', NCCL_SHM_DISABLE: '1' }),
    null,
  ],
] as [string, MeasuredRun, RegExp | null][]) {
  path(what, () => {
    const { notes, run: went } = asNcclWent(run, hosts);
    assert.is(went.cases.length === run.cases.length, note === null);
    if (note === null) assert.equal(notes, []);
    else assert.match(notes[0]!, note);
  });
}

path('nvlink between several nodes: none', () => {
  const run = { ...runOf('nvlink', {}), run: runOn('net', ['a', 'b'], 'node').run };
  assert.match(asNcclWent(run, system).notes[0]!, /ranks on several hosts rule nvlink out/);
});

path.run();

import { mkdtempSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { parse } from 'yaml';
import { calibrationCases } from '../../../model/calibration/cases.ts';
import { loadSystem } from '../../../model/system/load.ts';
import { simulateCase } from '../../../sim/simulateCase.ts';
import { bundleCalibration, CALIBRATION_FILE } from '../../../studies/calibration/calibrate.ts';

const pack = (results: string, machine: string, more: { transport?: string; groupSize?: number } = {}) =>
  bundleCalibration(
    { ...{ machine, results, rounds: 1, quick: true, onNote: () => undefined }, ...more },
    { out: join(mkdtempSync(join(tmpdir(), 'chunkflow-pack-')), 'quick.tar') },
  );

const runs = suite('runs of a calibration');

runs('add up in one folder: another transport and another group have results of their own', async () => {
  const results = mkdtempSync(join(tmpdir(), 'chunkflow-calibrate-'));
  await pack(results, 'h100-sxm-x4');
  await pack(results, 'h100-sxm-x4', { transport: 'nvlink' });
  await pack(results, 'h100-sxm-x4', { groupSize: 2 });
  const { hostOnly, split, cases } = parse(readFileSync(join(results, CALIBRATION_FILE), 'utf8'));
  assert.equal({ hostOnly, split }, { hostOnly: true, split: 'none' });
  assert.equal(cases, [
    'quick-calibration-h100-sxm-x4.jsonl',
    'quick-calibration-h100-sxm-x4-nvlink.jsonl',
    'quick-calibration-h100-sxm-x4-sp2.jsonl',
  ]);
  let refused = '';
  await pack(results, 'h200-x2').catch((error: Error) => {
    refused = error.message;
  });
  assert.match(refused, /is a calibration of "h100-sxm-x4", a quick one; give another folder/);
});

const cases = suite('cases of a calibration');

for (const [machine, groupSize, expected] of [
  ['h200-x1', 2, [1]],
  ['h200-x2', 2, [1, 2]],
  ['h100-sxm-x4', 4, [1, 2, 3, 4]],
  ['h100-sxm-x8', 8, [1, 2, 4, 8]],
] as const) {
  cases(`copy on ${expected.join(', ')} of ${machine}, in each direction and both`, () => {
    for (const direction of ['h2d', 'd2h', 'both']) {
      const gpus = calibrationCases(loadSystem(machine), groupSize).flatMap(({ parameters }) =>
        parameters.kind === 'copies' && parameters.direction === direction ? [parameters.gpus] : [],
      );
      assert.equal([...new Set(gpus)], [...expected]);
    }
  });
}

cases('have one of the transports that NCCL carries, and no other name is taken for one', () => {
  const system = loadSystem('h200-x2');
  const carried = (nccl?: string) =>
    ['shm', 'nvlink'].filter((name) =>
      calibrationCases(system, 2, nccl === undefined ? {} : { nccl }).some(
        ({ parameters }) => parameters.kind !== 'copies' && parameters.transport === name,
      ),
    );
  assert.equal([carried(), carried('nvlink')], [['shm'], ['nvlink']]);
  assert.throws(
    () => carried('staged-copy'),
    /"staged-copy" is measured anyway; expected one of NCCL's, of which .* has shm, nvlink/,
  );
  assert.throws(() => carried('ib'), /"ib" is not one of/);
});

for (const quick of [true, false])
  cases(`copy beside slow sockets for longer than the calls take${quick ? ', in a quick one' : ''}`, () => {
    const asked = loadSystem('h200-2x2-loopback');
    const slower = loadSystem('h200-2x2-loopback', ['transports.net.all-to-all.rate=1.7 GB/s']);
    const beside = calibrationCases(asked, 4, { quick }).flatMap(({ id, parameters }) =>
      parameters.kind === 'together' && parameters.transport === 'net' && parameters.gpus === 1
        ? [{ id, parameters }]
        : [],
    );
    assert.ok(beside.length >= 2, `${beside.length}`);
    for (const { id, parameters } of beside) {
      const { windowBytes } = simulateCase(slower, 4, parameters);
      assert.ok(windowBytes < parameters.chunks * parameters.chunkBytes, id);
    }
  });

runs.run();
cases.run();

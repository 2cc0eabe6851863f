import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { packageRoot } from '../../../model/input/packageFiles.ts';
import { parseYaml, readYamlFile, type YamlFile } from '../../../model/input/yamlFile.ts';
import { buildSystem, systemFileOf } from '../../../model/system/load.ts';
import { readCalibration } from '../../../studies/calibration/calibrationFile.ts';
import { type FittedMachine, fitReadings } from '../../../studies/calibration/fitMachine.ts';
import { fittedMachineFile } from '../../../studies/calibration/machineFile.ts';
import { readingsOf } from '../../../studies/calibration/readings.ts';

const committed = join(packageRoot, 'experiments', 'h200-calibration', 'h200-calibration.yaml');
const { segments } = readingsOf(readCalibration(committed));
const fitTo = (source: YamlFile) => fitReadings(source, { cases: [], segments, notes: [] }, 'segments.jsonl');

/** The machine file without what only a calibration of compute gives, as files of pairs were for a long time. */
function sparse(): YamlFile {
  const source = readYamlFile(systemFileOf('h200-x1'));
  const { gpu } = source.value as { gpu: Record<string, unknown> & { power: Record<string, unknown> } };
  delete gpu.power.topClock;
  delete gpu.traffic;
  delete gpu.kernelOverhead;
  return source;
}

const valuesOf = ({ stages }: FittedMachine) =>
  stages.flatMap(({ name, result }) => result.parameters.map((parameter) => ({ stage: name, ...parameter })));

const missing = suite('a machine file that lacks numbers of its GPU');

missing(
  'is fitted to clock and power like a whole one: the highest clock is the highest that was read',
  () => {
    const fitted = fitTo(sparse());
    const whole = fitTo(readYamlFile(systemFileOf('h200-x1')));
    const highest = Math.max(...segments.map(({ smHz }) => smHz ?? 0));
    assert.is(fitted.system.gpu.power!.topClockHz, highest);
    assert.is(fitted.entries.get('gpu.power.topClock')!.from, 'measured');
    assert.ok(
      fitted.notes.includes(`gpu.power.topClock is missing; ${highest / 1e9} GHz is the highest clock read`),
    );
    for (const expected of valuesOf(whole)) {
      const found = valuesOf(fitted).find(({ name }) => name === expected.name)!;
      assert.ok(
        found.value >= expected.low95 && found.value <= expected.high95,
        `${expected.name}: ${found.value} for ${expected.value}`,
      );
    }
  },
);

missing('says so in the file that is written', () => {
  const text = fittedMachineFile(fitTo(sparse()), 'pair');
  assert.match(text, /topClock: \{ is: [\d.]+ GHz, from: (measured|fitted)/);
});

missing('gets links for GPUs that share them by an alias once, where the anchor is', () => {
  const source = readYamlFile(systemFileOf('h200-x2'));
  const entry = { is: '50 GB/s', from: 'fitted', source: 'a test' } as const;
  const entries = new Map([
    ['tree.gpu0.down', entry],
    ['tree.gpu1.down', entry],
  ]);
  const text = fittedMachineFile({ ...fitTo(sparse()), source, entries }, 'pair');
  assert.match(text, /\n {2}gpu1: \*link\n/);
  const { tree } = buildSystem(parseYaml('pair.yaml', text));
  assert.equal(
    tree.filter(({ id }) => id.startsWith('gpu')).map(({ downBytesPerS }) => downBytesPerS),
    [50e9, 50e9],
  );
});

missing.run();

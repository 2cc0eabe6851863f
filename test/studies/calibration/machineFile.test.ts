import { copyFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { parseYaml, readYamlFile } from '../../../model/input/yamlFile.ts';
import { buildSystem, systemFileOf } from '../../../model/system/load.ts';
import { composedSource } from '../../../model/system/machineFile.ts';
import { fitReadings } from '../../../studies/calibration/fitMachine.ts';
import { fittedMachineFile } from '../../../studies/calibration/machineFile.ts';
import { type FittedEntry, systemWith } from '../../../studies/calibration/machineValues.ts';

const folder = mkdtempSync(join(tmpdir(), 'chunkflow-machine-'));
const test = suite('the file of a fitted machine');
test.after(() => rmSync(folder, { recursive: true, force: true }));

/** A machine that was given as a file and fitted to nothing. */
function fitted() {
  const file = join(folder, 'Base Machine.yaml');
  copyFileSync(systemFileOf('h200-x2'), file);
  return fitReadings(readYamlFile(file), { cases: [], segments: [], notes: [] }, 'nothing');
}

test("names the machine after the calibrated one's id, wherever its file lies, and can be read", () => {
  assert.is(buildSystem(parseYaml('fitted.yaml', fittedMachineFile(fitted()))).id, 'h200-x2-fitted');
});

test('or as it is told', () => {
  assert.is(buildSystem(parseYaml('fitted.yaml', fittedMachineFile(fitted(), 'mine'))).id, 'mine');
});

test('of a card keeps the card, and has the fitted numbers in place of its', () => {
  const file = join(folder, 'card.yaml');
  writeFileSync(
    file,
    '# Under the desk.\ncard: 2xrtx-4090,pcie=4x8\nhost:\n  memory: {is: 96 GB, from: measured}\n',
  );
  const source = composedSource(readYamlFile(file));
  const entries = new Map<string, FittedEntry>([
    ['gpu.copyEngine.h2d', { is: '12.5 GB/s', from: 'fitted', source: 'readings' }],
    ['tree.gpu1.down', { is: '12.4 GB/s', from: 'fitted', source: 'readings' }],
  ]);
  const base = fitReadings(source, { cases: [], segments: [], notes: [] }, 'nothing');
  const system = systemWith(source, entries);
  const text = fittedMachineFile({ ...base, entries, system });
  assert.match(text, /^# Under the desk\.\ncard: 2xrtx-4090,pcie=4x8\n/);
  const again = buildSystem(parseYaml('fitted.yaml', text));
  assert.is(again.id, '2xrtx-4090.pcie-4x8-fitted');
  assert.equal(again.gpu, system.gpu);
  assert.equal(again.tree, system.tree);
  assert.is(again.gpu.copyEngine.h2dBytesPerS, 12.5e9);
  assert.ok(again.tree.find(({ id }) => id === 'gpu0')!.downBytesPerS > 13e9);
  assert.is(again.host.memoryBytes, 96e9);
});

test.run();

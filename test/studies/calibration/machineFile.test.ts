import { copyFileSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { parseYaml, readYamlFile } from '../../../model/input/yamlFile.ts';
import { buildSystem, systemFileOf } from '../../../model/system/load.ts';
import { fitReadings } from '../../../studies/calibration/fitMachine.ts';
import { fittedMachineFile } from '../../../studies/calibration/machineFile.ts';

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

test.run();

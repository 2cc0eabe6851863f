import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { readYamlFile } from '../../../model/input/yamlFile.ts';
import { systemFileOf } from '../../../model/system/load.ts';
import { type FittedEntry, systemsWith, systemWith } from '../../../studies/calibration/machineValues.ts';

const entry = (is: FittedEntry['is']): FittedEntry => ({ is, from: 'fitted', source: 'a test' });
const without = (machine: ReturnType<typeof systemWith>) => ({ ...machine, provenance: null });

const values = suite('a machine at many values of the same numbers');

for (const [what, key, numbers] of [
  ['rates', 'gpu.copyEngine.h2d', ['40.1234 GB/s', '61 GB/s']],
  ['rates that two links share by an alias', 'tree.gpu0.down', ['40.1234 GB/s', '61 GB/s']],
  ['times', 'gpu.copyEngine.gap', ['0.333333 us', '8 us']],
  ['powers', 'gpu.power.idle', ['99.5 W', '120 W']],
  ['energies', 'gpu.power.gemm', ['0.9 pJ/FLOP', '1.1 pJ/FLOP']],
  ['plain numbers', 'gpu.efficiency.gemm', [0.5, 0.75]],
  ['numbers that the file does not have', 'gpu.traffic.norm', [0.5, 2]],
] as [string, string, FittedEntry['is'][]][]) {
  values(`is the machine that the whole file makes: ${what}`, () => {
    const source = readYamlFile(systemFileOf('h200-x2'));
    const before = new Map([['gpu.copyEngine.startUp', entry('9 us')]]);
    const machineAt = systemsWith(source, before);
    for (const is of numbers) {
      const entries = new Map([[key, entry(is)]]);
      assert.equal(
        without(machineAt(entries)),
        without(systemWith(source, new Map([...before, ...entries]))),
      );
    }
  });
}

values.run();

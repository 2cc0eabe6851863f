import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { CaseParameters } from '../../../model/calibration/cases.ts';
import { parseYaml, readYamlFile } from '../../../model/input/yamlFile.ts';
import { copyRates } from '../../../model/physics/rates.ts';
import { buildSystem, systemFileOf } from '../../../model/system/load.ts';
import type { System } from '../../../model/system/system.ts';
import { type FittedMachine, fitReadings } from '../../../studies/calibration/fitMachine.ts';
import { fittedMachineFile } from '../../../studies/calibration/machineFile.ts';
import { type FittedEntry, systemWith } from '../../../studies/calibration/machineValues.ts';
import type { CaseReading } from '../../../studies/calibration/readings.ts';
import { syntheticReadings } from './syntheticReadings.ts';

const NOISE = 0.01;
const GB = 1e9;

const machineOf = (name: string, numbers: Record<string, FittedEntry['is']>): System => {
  const entries = Object.entries(numbers).map(([key, is]): [string, FittedEntry] => [
    `tree.memory.${key}`,
    { is, from: 'measured', source: 'a test' },
  ]);
  return systemWith(readYamlFile(systemFileOf(name)), new Map(entries));
};

const isCopy = ({ kind }: CaseParameters) => kind === 'copies';
const fitTo = (name: string, cases: CaseReading[]): FittedMachine =>
  fitReadings(readYamlFile(systemFileOf(name)), { cases, segments: [], notes: [] }, 'simulated');
const hostOf = ({ tree }: System) => tree.find(({ memory }) => memory !== null)!.memory!;

const host = suite('host memory, fitted to simulated copies of k of N GPUs with 1 % noise');

for (const [name, gpus, numbers] of [
  ['h200-x2', 2, { memory: '165 GB/s', sharpness: 4 }],
  ['h200-x2', 2, { memory: '400 GB/s', reads: '95 GB/s', writes: '80 GB/s', sharpness: 8 }],
  ['h100-sxm-x4', 4, { memory: '165 GB/s', sharpness: 4 }],
  ['h100-sxm-x4', 4, { memory: '220 GB/s', reads: '165 GB/s', writes: '150 GB/s', sharpness: 6 }],
] as [string, number, Record<string, FittedEntry['is']>][]) {
  host(`gives each of 1 to ${gpus} GPUs what it gave: ${JSON.stringify(numbers)}`, () => {
    const truth = machineOf(name, numbers);
    const cases = syntheticReadings(truth, {
      ...{ groupSize: gpus, noise: NOISE, seed: 3, keep: isCopy, split: true },
    });
    const fitted = fitTo(name, cases);
    for (let count = 1; count <= gpus; count += 1) {
      const [found, expected] = [fitted.system, truth].map((system) => copyRates(system, count));
      for (const [direction, rate] of Object.entries(expected!))
        assert.ok(
          Math.abs((found as unknown as Record<string, number>)[direction]! / rate - 1) < 0.03,
          `${direction} of ${count}: ${JSON.stringify(found)} for ${JSON.stringify(expected)}`,
        );
    }
    const read = buildSystem(parseYaml('fitted.yaml', fittedMachineFile(fitted, 'fitted')));
    assert.equal(hostOf(read), hostOf(fitted.system));
  });
}

host('finds the limit and its sharpness where four GPUs show them', () => {
  const truth = machineOf('h100-sxm-x4', { memory: '165 GB/s', sharpness: 4 });
  const given = { groupSize: 4, noise: NOISE, seed: 5, keep: isCopy, split: false };
  const found = hostOf(fitTo('h100-sxm-x4', syntheticReadings(truth, given)).system);
  assert.ok(Math.abs(found.bytesPerS / (165 * GB) - 1) < 0.05, `${found.bytesPerS}`);
  assert.ok(found.sharpness > 2.5 && found.sharpness < 7, `${found.sharpness}`);
});

host('is left alone where all GPUs get what one gets', () => {
  const truth = machineOf('h200-x2', { memory: '4000 GB/s' });
  const given = { groupSize: 2, noise: NOISE, seed: 5, keep: isCopy, split: true };
  const { stages, entries } = fitTo('h200-x2', syntheticReadings(truth, given));
  assert.not(stages.some(({ name }) => name === 'host memory'));
  assert.not([...entries.keys()].some((key) => key.startsWith('tree.memory')));
});

host.run();

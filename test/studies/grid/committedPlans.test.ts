import { suite } from 'uvu';
import { cellScenario } from '../../../studies/grid/cellScenario.ts';
import { cellsOf, readExperiment } from '../../../studies/grid/experimentFile.ts';

const test = suite('plans of the experiments that lie here');

const COMMITTED = [
  ...['h200-steps', 'h100-choices', 'h100-headlines'].map((name) => `${name}/${name}`),
  ...['pair-steps', 'pair-choices', 'pair-full-depth', 'pair-headlines'].map((name) => `pair/${name}`),
];

for (const name of COMMITTED) {
  test(`every plan of ${name} is made`, () => {
    for (const cell of cellsOf(readExperiment(`experiments/${name}.yaml`))) cellScenario(cell);
  });
}

test.run();

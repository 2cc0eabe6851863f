import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { loadDit } from '../../../model/dit/load.ts';
import { makePlan } from '../../../model/presets/presets.ts';
import { loadSystem } from '../../../model/system/load.ts';
import { bindWorkload } from '../../../model/workload/bind.ts';
import { DistinctPlans } from '../../../studies/grid/distinctPlans.ts';

const test = suite('distinct plans');
const system = loadSystem('h100-pcie-x2');
const workload = bindWorkload(loadDit('wan2.1-t2v-1.3b'), {
  size: { width: 480, height: 320, frames: 17 },
  sp: 2,
});
const named = (text: string, name: string) => ({ ...makePlan(text, workload, system), name });

test('a content that is there keeps its name, a name that is taken gets a number', () => {
  const distinct = new DistinctPlans(workload, [named('none', 'first')]);
  assert.is(distinct.add(named('none', 'again')), 'first');
  assert.is(distinct.add(named('layerwise', 'tight')), 'tight');
  assert.is(distinct.add(named('yield', 'tight')), 'tight-2');
  assert.is(distinct.add(named('chunked', 'tight')), 'tight-3');
  assert.is(distinct.add(named('yield', 'other')), 'tight-2');
  assert.equal(
    distinct.plans.map(({ name }) => name),
    ['first', 'tight', 'tight-2', 'tight-3'],
  );
});

test.run();

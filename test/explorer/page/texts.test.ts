import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { predictionQuestion, searchQuestion } from '../../../explorer/page/model/questions.ts';
import { sidesOf, withSide } from '../../../explorer/page/model/sides.ts';
import { capBytesOf } from '../../../explorer/page/text/cap.ts';
import { mistakePlace } from '../../../explorer/page/text/mistakePlace.ts';
import {
  isFile,
  planText,
  planWords,
  settingOf,
  withSetting,
} from '../../../explorer/page/text/planWords.ts';
import { amount, gibibytes, interval, milliseconds, percent } from '../../../explorer/page/text/units.ts';
import type { ExplorerState } from '../../../explorer/state.ts';
import { predict } from '../../../library/index.ts';
import { quantity } from '../../../model/input/quantity.ts';
import { UserError } from '../../../model/input/userError.ts';
import { isPlanFile } from '../../../model/plan/planFile.ts';

const test = suite("texts of the explorer's page");

test('numbers have units and the digits that are read', () => {
  assert.is(milliseconds(3.6605), '3,661 ms');
  assert.is(milliseconds(0.0126), '12.6 ms');
  assert.is(milliseconds(0.00126), '1.26 ms');
  assert.is(interval([3.4812, 3.8497]), '3,480 to 3,850 ms');
  assert.is(interval([0.0123456, 0.1234]), '12.3 to 123 ms');
  assert.is(gibibytes(5289738624), '4.9 GiB');
  assert.is(percent(0.1234), '12 %');
  assert.is(percent(0.01234), '1.2 %');
  assert.is(amount(32760), '32,760');
  assert.is(amount(0.387), '0.39');
  assert.is(amount(0.05), '0.05');
  assert.is(amount(2.84), '2.8');
  assert.is(amount(1), '1');
});

test("a plan's text is taken apart and put together", () => {
  for (const text of ['none', 'yield,resident=0.25', 'yield,resident=0.25,chunk=16MiB', 'sglang,prefetch=2'])
    assert.is(planText(planWords(text)), text);
  assert.is(settingOf('yield,resident=0.25', 'resident'), '0.25');
  assert.is(settingOf('yield', 'resident'), undefined);
  assert.is(
    withSetting('yield,resident=0.25,prefetch=2', 'resident', '0.5'),
    'yield,resident=0.5,prefetch=2',
  );
  assert.is(withSetting('yield,prefetch=2', 'chunk', '4MiB'), 'yield,prefetch=2,chunk=4MiB');
  assert.is(withSetting('yield,resident=0.25,prefetch=2', 'resident', undefined), 'yield,prefetch=2');
  for (const text of ['best.json', 'plans.jsonl#a', 'p.yaml', 'yield', 'yield,resident=0.5', 'json'])
    assert.is(isFile(text), isPlanFile(text), text);
});

test('a link of any number of plans shows two', () => {
  const plans = (...plan: string[]) => sidesOf({ plan });
  assert.equal(plans(), ['layerwise', 'yield']);
  assert.equal(plans('yield'), ['yield', 'layerwise']);
  assert.equal(plans('none'), ['none', 'layerwise']);
  assert.equal(plans('none', 'yield'), ['none', 'yield']);
  assert.equal(plans('none', 'layerwise', 'yield'), ['layerwise', 'yield']);
  assert.equal(plans('chunked', 'layerwise', 'yield', 'none'), ['chunked', 'layerwise']);
  assert.equal(withSide({ plan: ['a', 'b'] }, 1, 'c').plan, ['a', 'c']);
});

test('the search is asked nothing of plans, the prediction nothing of caps', () => {
  const state: ExplorerState = {
    ...{ model: 'flux.1-dev', machine: 'h200-x2', plan: ['layerwise', 'yield'], gpuMemory: '8GiB' },
    ...{ resident: '0.5', steps: 20, before: '1s' },
  };
  assert.equal(searchQuestion(state), { model: 'flux.1-dev', machine: 'h200-x2', gpuMemory: '8GiB' });
  assert.equal(predictionQuestion(state), {
    ...{ model: 'flux.1-dev', machine: 'h200-x2', plan: ['layerwise', 'yield', 'none'] },
    ...{ resident: '0.5', steps: 20, before: '1s' },
  });
});

test('a cap is read as the command line reads it', () => {
  for (const text of ['8GiB', '12.5 GiB', '8000MB', '16GB', '900 MiB'])
    assert.is(capBytesOf(text), quantity(text, 'bytes'), text);
  for (const text of [undefined, '', 'much', '8', 'GiB']) assert.is(capBytesOf(text), null, text);
});

const STATE: ExplorerState = {
  ...{ model: 'wan2.1-t2v-14b', size: '832x480x81', machine: 'h200-x2', plan: ['layerwise', 'yield'] },
};

/** What is wrong, and the control that the model's own line about it stands beside. */
const MISTAKES: readonly [fields: Partial<ExplorerState>, place: string][] = [
  [{ model: 'wan9' }, 'model'],
  [{ size: 'axbxc' }, 'size'],
  [{ size: '<b>x480x81' }, 'size'],
  [{ sp: 3 }, 'sp'],
  [{ sp: 8 }, 'sp'],
  [{ ring: 7 }, 'sp'],
  [{ machine: 'nowhere' }, 'machine'],
  [{ machine: 'rtx-4090', pcie: '9x9' }, 'pcie'],
  [{ machine: 'rtx-4090', gpus: '99' }, 'gpus'],
  [{ transport: 'pigeon' }, 'transport'],
  [{ dtype: 'fp5' }, 'dtype'],
  [{ computeDtype: 'fp4' }, 'computeDtype'],
  [{ plan: ['layerwise,resident=7', 'yield'] }, 'plan0'],
  [{ plan: ['layerwise', 'yield,chunk=1B'] }, 'plan1'],
  [{ plan: ['layerwise', 'best'] }, 'plan1'],
  [{ plan: ['layerwise', 'sglang,flavour=1'] }, 'plan1'],
  [{ plan: ['layerwise', 'missing.json'] }, 'plan1'],
  [{ set: ['gpu.nonsense=1'] }, 'general'],
];

for (const [fields, place] of MISTAKES)
  test(`the line about ${JSON.stringify(fields)} stands at ${place}`, () => {
    const state = { ...STATE, ...fields };
    try {
      predict(predictionQuestion(state));
    } catch (error) {
      if (!(error instanceof UserError)) throw error;
      assert.is(mistakePlace(error.message, state), place, error.message);
      return;
    }
    assert.unreachable('nothing is wrong');
  });

test.run();

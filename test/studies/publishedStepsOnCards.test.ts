import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { catalogueIds } from '../../model/dit/load.ts';
import { cardIds, readCard } from '../../model/system/cards/cards.ts';
import { loadSystem } from '../../model/system/load.ts';
import { closedFormPredictor } from '../../studies/published/steps/closedFormPredictor.ts';
import { compareRecords, groupRecords } from '../../studies/published/steps/compareRecords.ts';
import { aboveRatedClock } from '../../studies/published/steps/leastTime.ts';
import { isSettingKnown } from '../../studies/published/steps/publishedTime.ts';
import { readStepFolder } from '../../studies/published/steps/readSteps.ts';
import type { StepRecord } from '../../studies/published/steps/stepFormat.ts';

const records = readStepFolder();
const { compared, refused } = compareRecords(records, closedFormPredictor);
const known = compared.filter(({ record }) => isSettingKnown(record));
const share = (rows: typeof compared) => rows.filter(({ isCovered }) => isCovered).length / rows.length;
const distinct = (of: (record: StepRecord) => string | null) =>
  new Set(known.map(({ record }) => of(record)).filter((name) => name !== null)).size;

const test = suite('published step times on cards');

test('at least 40 figures of 8 cards, 12 models and 4 tools are predicted whose settings are known', () => {
  assert.ok(known.length >= 40, `${known.length} figures`);
  assert.ok(distinct(({ card }) => card) >= 8);
  assert.ok(distinct(({ model }) => model) >= 12);
  assert.ok(distinct(({ tool }) => tool) >= 4);
  for (const { record } of compared) assert.match(record.url, /^https:\/\//, record.id);
});

test('at least 90 % of them lie inside their intervals, of those with known settings and of all', () => {
  assert.ok(compared.every(({ isCovered }) => isCovered !== null));
  assert.ok(share(known) >= 0.9, `${share(known)} of the known`);
  assert.ok(share(compared) >= 0.9, `${share(compared)} of all`);
  // A single step has no rest of a run to hide in.
  const steps = known.filter(({ published }) => !published.isUpperBound);
  assert.ok(share(steps) >= 0.85, `${share(steps)} of ${steps.length} steps`);
});

test('intervals are no wider than a few times, and have the prediction in them', () => {
  for (const { record, prediction } of compared) {
    const [low, high] = prediction.interval!;
    assert.ok(low < prediction.stepS && prediction.stepS < high, record.id);
  }
  const all = groupRecords(known).find(({ kind }) => kind === 'all')!;
  assert.ok(all.medianWidth! < 3, `${all.medianWidth}`);
});

test('what set a number of this project is not counted', () => {
  const tuned = records.filter(({ usedToTune }) => usedToTune !== false);
  assert.ok(tuned.length > 0);
  for (const { id } of tuned) {
    assert.not.ok(compared.some(({ record }) => record.id === id));
    assert.is(refused.find(({ record }) => record.id === id)?.reason, 'used to tune');
  }
});

test('every figure is predicted or refused, and models that the catalogue gets are predicted by their names', () => {
  assert.is(compared.length + refused.length, records.length);
  for (const { record, reason } of refused) {
    const { catalogueModel } = record;
    const isMissing = catalogueModel === null || !catalogueIds().includes(catalogueModel);
    assert.is(isMissing, /not in the catalogue/.test(reason), `${record.id}: ${reason}`);
  }
});

test('no figure is faster than the peak of its card in any of its settings', () => {
  for (const { record, peakShare } of compared) {
    const cards = record.card === null ? record.unknown.card! : [record.card];
    const most = Math.max(...cards.map(aboveRatedClock));
    assert.ok(peakShare! > 0.01 && peakShare! <= most, `${record.id}: ${peakShare} of ${most}`);
  }
  // A figure of twice its speed would be found out in most cases.
  const close = compared.filter(({ peakShare }) => peakShare! > 0.5);
  assert.ok(close.length > compared.length / 4, `${close.length}`);
});

test("an efficiency's interval in a card's file reaches its machine, so that it widens predictions", () => {
  let found = 0;
  for (const id of cardIds()) {
    const card = readCard(id);
    if (card.link === 'unified') continue;
    const { provenance } = loadSystem(id);
    const { efficiency = {} } = card;
    const numbers = Object.entries(efficiency).flatMap(([key, entry]) =>
      entry !== undefined && 'bf16' in entry
        ? [[`${key}.bf16`, entry.bf16] as const]
        : [[key, entry] as const],
    );
    for (const [key, entry] of numbers) {
      if (entry === undefined || !('interval' in entry) || entry.interval === undefined) continue;
      const factors = provenance.find((number) => number.key === `gpu.efficiency.${key}`)?.interval;
      assert.equal(
        factors,
        [entry.interval[0]! / entry.value, entry.interval[1]! / entry.value],
        `${id} ${key}`,
      );
      found += 1;
    }
  }
  assert.ok(found >= 3);
});

test.run();

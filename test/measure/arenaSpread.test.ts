import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { arenaSpread, arenaText } from '../../measure/arenaSpread.ts';
import { readMeasurementLines } from '../../measure/readMeasurement.ts';
import { UserError } from '../../model/input/userError.ts';
import { arenaSurvey, runLines } from '../support/measurementFixture.ts';

const test = suite('arena records');

/** The run of a file with this record behind its first. */
function read(record: object) {
  const [run, ...others] = runLines();
  return readMeasurementLines([run!, JSON.stringify(record), ...others], 'survey.jsonl').runs[0]!;
}

test('a survey is read, and is null in a run without one', () => {
  assert.equal(read(arenaSurvey).arena, arenaSurvey);
  assert.is(readMeasurementLines(runLines(), 'plain.jsonl').runs[0]!.arena, null);
});

test("the spread of each rank's slots, and of the slowest rank of each block", () => {
  const { ranks, inOrder, placed } = arenaSpread(read(arenaSurvey).arena!);
  assert.is(ranks.length, 2);
  assert.equal([ranks[0]!.alone.worst, ranks[0]!.alone.best], [53e9, 54e9]);
  assert.equal([ranks[1]!.together.worst, ranks[1]!.together.best], [41e9, 51e9]);
  // 40 and 49: the mean is 44.5, the deviation 4.5.
  assert.equal([inOrder.worst, inOrder.best], [40e9, 49e9]);
  assert.ok(Math.abs(inOrder.variation - 4.5 / 44.5) < 1e-12);
  assert.equal(placed, { worst: 50e9, best: 50e9, variation: 0 });
});

test('one line for people', () => {
  const text =
    'arena (surveyed): one rank alone 52.0 to 55.0 GB/s; blocks on all ranks at once 40.0 to 49.0 GB/s (variation 10.1 %) ' +
    'in order, 50.0 to 50.0 GB/s (variation 0.0 %) as laid out';
  assert.is(arenaText(read(arenaSurvey).arena!), text);
  assert.is(arenaText(read({ ...arenaSurvey, remark: 'one rank' }).arena!), `${text}; one rank`);
});

const DAMAGED: [string, object, RegExp][] = [
  ['a rank without its rates', { alone: [[54e9, 54e9, 53e9]] }, /arena\.groupOfSlot|arena\.together/],
  [
    'a slot without its rate',
    { alone: [[54e9], [55e9]] },
    /arena\.alone: expected 3 numbers of each of 2 ranks/,
  ],
  [
    'a rate of nothing',
    {
      alone: [
        [0, 1, 1],
        [1, 1, 1],
      ],
    },
    /arena\.alone\.0\.0/,
  ],
  [
    'a slot that there is none',
    {
      slotOf: [
        [0, 3],
        [1, 2],
      ],
    },
    /arena\.slotOf: expected a slot for each block/,
  ],
  [
    'two blocks in one slot',
    {
      slotOf: [
        [0, 1],
        [2, 2],
      ],
    },
    /arena\.slotOf: expected a slot for each block/,
  ],
  ['a block without a slot', { slotOf: [[0], [1]] }, /arena\.slotOf: expected 2 numbers of each of 2 ranks/],
  ['slots without their groups', { groupOfSlot: [0] }, /arena\.groupOfSlot: expected 3 numbers/],
  ['an unknown layout', { layout: 'random' }, /arena\.layout/],
  ['a survey that took days', { surveyS: 1e6 }, /arena\.surveyS/],
];

for (const [what, fields, message] of DAMAGED) {
  test(`${what} is refused with its place`, () => {
    assert.throws(
      () => read({ ...arenaSurvey, ...fields }),
      (error: unknown) =>
        error instanceof UserError && message.test(error.message) && error.message.includes('survey.jsonl:2'),
    );
  });
}

test.run();

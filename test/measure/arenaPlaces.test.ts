import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { arenaPlaces } from '../../measure/arenaPlaces.ts';
import { readArenas } from '../../measure/arenaRecords.ts';
import {
  chanceRange,
  type IntraclassCorrelation,
  pooledCorrelation,
} from '../../measure/intraclassCorrelation.ts';
import type { MeasurementRecord } from '../../measure/records.ts';
import { randomNumbers } from '../../model/leastSquares/multiStart.ts';
import { normalNumbers } from '../model/leastSquares/normalNumbers.ts';

import { arenaSurvey, runLines } from '../support/measurementFixture.ts';
import { runCli } from '../support/runCli.ts';

const test = suite('place and time in surveys of arenas');

const SLOTS = 20;
const SHIFTS = [0, 1, 9, 3, 13, 7, 11, 5, 15, 8, 2, 12, 6];
const inOrder = Array.from({ length: SLOTS }, (_, slot) => slot);
const atShift = (shift: number) => inOrder.map((slot) => (slot + shift) % SLOTS);

/** What both ranks lose, GB/s, where rank 0 copies from slot `first` and rank 1 from slot `second`. */
type Loss = (first: number, second: number) => number;

/**
 * A survey of two ranks at 53 GB/s whose copies lose something by place, and by a drift that both ranks share and that has half
 * of its variance from the copy before.
 */
function survey(
  loss: Loss,
  { drift, seed, reversed = false }: { drift: number; seed: number; reversed?: boolean },
) {
  const normal = normalNumbers(seed);
  let wander = 0;
  const pass = (second: readonly number[]) => {
    const bytesPerS = [inOrder.map(() => 0), inOrder.map(() => 0)];
    for (const slot of inOrder) {
      wander = Math.SQRT1_2 * wander + Math.SQRT1_2 * drift * normal();
      for (const [rank, own] of [slot, second[slot]!].entries())
        bytesPerS[rank]![own] = (53 - loss(slot, second[slot]!) + wander + 0.02 * normal()) * 1e9;
    }
    return bytesPerS;
  };
  const byBlock = ([first, second]: number[][], slots: readonly number[]) => [
    first!,
    slots.map((slot) => second![slot]!),
  ];
  const slots = reversed ? inOrder.toReversed() : inOrder;
  const rates = (second: readonly number[]) => ({
    bytesPerS: byBlock(pass(second), second),
    ...{ maxOverMin: 1, variation: 0 },
  });
  return {
    ...{
      record: 'arena',
      layout: reversed ? 'reversed' : 'same',
      blocks: inOrder,
      sampleBytes: 2 ** 26,
      repeats: 3,
    },
    ...{ slotBytes: inOrder.map(() => 2 ** 30), groupOfSlot: inOrder.map(() => 0), remark: null, surveyS: 3 },
    alone: [inOrder.map(() => 54e9), inOrder.map(() => 54e9)],
    together: SHIFTS.map((shift) => ({ shift, bytesPerS: pass(atShift(shift)) })),
    slotOf: [inOrder, slots],
    inOrder: rates(inOrder),
    placed: rates(slots),
  } as MeasurementRecord<'arena'>;
}

const placesOf = (record: MeasurementRecord<'arena'>) => arenaPlaces(record, randomNumbers(1));
const beyondChance = (correlation: IntraclassCorrelation | null) =>
  correlation!.share > chanceRange(correlation!)[1];

const random = randomNumbers(7);
const slowness = inOrder.map(() => 4 * random());
/** Copies collide that read from one memory domain: on each rank the listed slots lie in the first, the others in the second. */
const domains =
  (ofFirst: number[], ofSecond: number[]): Loss =>
  (first, second) =>
    ofFirst.includes(first) === ofSecond.includes(second) ? 3 : 0;
const halves = domains([0, 1, 4, 6, 7, 8, 13, 15, 16, 19], [2, 3, 4, 7, 9, 10, 11, 14, 15, 18]);
const lopsided = domains([3, 11], [0, 1, 5, 12, 18]);

for (const [what, loss, drift, slots, blocks] of [
  ['slow slots, beside a drift', (first, second) => slowness[first]! + slowness[second]!, 0.5, true, true],
  ['slots that are slow on rank 0 alone', (first) => slowness[first]!, 0.5, false, true],
  ['memory domains of a size, where slots are as slow as their partners make them', halves, 0.5, false, true],
  ['a large memory domain and a small one', lopsided, 0.5, true, true],
  ['a drift alone', () => 0, 1, false, false],
] as [string, Loss, number, boolean, boolean][]) {
  for (const reversed of [false, true]) {
    test(`${what}, ${reversed ? 'reversed' : 'same'}`, () => {
      const places = placesOf(survey(loss, { drift, seed: 3, reversed }));
      const found = `${places.slots!.share} of ${chanceRange(places.slots!)}, ${places.blocks!.share} of ${chanceRange(places.blocks!)}`;
      assert.is(beyondChance(places.slots), slots, found);
      assert.is(beyondChance(places.blocks), blocks, found);
    });
  }
}

test('a drift makes ranks alike at the same moment, not at the same slot', () => {
  const { ranksAlike } = placesOf(survey(() => 0, { drift: 1, seed: 3 }));
  assert.ok(ranksAlike.sameMoment! > 0.99, `${ranksAlike.sameMoment}`);
  assert.ok(Math.abs(ranksAlike.sameSlot!) < 0.2, `${ranksAlike.sameSlot}`);
});

test('slow slots make ranks alike at the same slot', () => {
  const slow: Loss = (first, second) => slowness[first]! + slowness[second]!;
  const { ranksAlike } = placesOf(survey(slow, { drift: 0, seed: 3 }));
  assert.ok(ranksAlike.sameSlot! > 0.3, `${ranksAlike.sameSlot}`);
});

test('mean rates, in order and as placed', () => {
  const places = placesOf(
    survey((first, second) => (first === second ? 0 : 2), { drift: 0, seed: 1, reversed: true }),
  );
  const near = (value: number | null, expected: number) =>
    assert.ok(value !== null && Math.abs(value / 1e9 - expected) < 0.05, `${value} is not ${expected} GB/s`);
  near(places.aloneBytesPerS, 54);
  near(places.inOrder.surveyBytesPerS, 53);
  near(places.inOrder.blockBytesPerS, 53);
  near(places.placed.surveyBytesPerS, 51);
  near(places.placed.blockBytesPerS, 51);
});

test('two H200 pairs: copies vary with time, and place explains none of it', () => {
  const surveys = readArenas([
    ...['same', 'reversed', 'surveyed'].map((layout) => `experiments/pair/host-a/arena-${layout}.jsonl`),
    'experiments/pair/host-b/arena-full-depth.jsonl',
  ]);
  assert.is(surveys.length, 7);
  const places = surveys.map(({ arena }) => placesOf(arena));
  const slots = pooledCorrelation(places.flatMap((each) => each.slots!))!;
  const blocks = pooledCorrelation(places.flatMap((each) => each.blocks!))!;
  assert.ok(Math.abs(slots.share) < 0.02 && !beyondChance(slots), `slots ${slots.share}`);
  assert.ok(Math.abs(blocks.share) < 0.05 && !beyondChance(blocks), `blocks ${blocks.share}`);
});

test('the command prints a row for each survey and one for all, then the steps of their runs', async () => {
  const { code, stdout } = await runCli([
    ...['experiment', 'arena', 'experiments/pair/host-a/arena-same.jsonl'],
    'experiments/pair/host-b/arena-full-depth.jsonl',
  ]);
  assert.is(code, 0);
  const lines = stdout.split('\n');
  assert.equal(
    lines.map((line) => line.split(' ', 1)[0]).filter((name) => /:|all/.test(name!)),
    [
      ...['arena-same.jsonl:2', 'arena-same.jsonl:25'],
      ...[1, 2, 3].map((line) => `arena-full-depth.jsonl:${line}`),
      'all',
      ...Array(4).fill('arena-same.jsonl:2'),
      ...Array(4).fill('arena-same.jsonl:25'),
    ],
  );
  assert.match(
    lines.find((line) => line.includes('layerwise-drain'))!,
    /same +layerwise-drain,transport=shm +552\.34 +2\.93$/,
  );
});

test('files without a survey, or with a damaged one, are refused', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'arena-'));
  const file = join(folder, 'results.jsonl');
  for (const [text, message] of [
    [runLines().join('\n'), /hold no arena record; measure with --survey-arena/],
    [
      JSON.stringify({
        ...arenaSurvey,
        slotOf: [
          [0, 0],
          [0, 1],
        ],
      }),
      /results\.jsonl:1: arena\.slotOf/,
    ],
    ['{"schema":"chunkflow/steps@1"}', /results\.jsonl:1: record: expected one of/],
  ] as const) {
    writeFileSync(file, `${text}\n`);
    const { code, stderr } = await runCli(['experiment', 'arena', file]);
    assert.is(code, 2);
    assert.match(stderr, message);
  }
  rmSync(folder, { recursive: true });
});

test.run();

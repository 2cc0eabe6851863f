import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { Power, System } from '../../../model/system/system.ts';
import { predictSegments } from '../../../studies/calibration/predictReadings.ts';
import type { SegmentReading } from '../../../studies/calibration/readings.ts';
import { compute, roundMachine } from '../../model/program/roundMachine.ts';

/** A product of 8 s that costs 800 J at the highest clock, 2 GHz; 100 W idle and a cap of 150. */
const power: Power = {
  ...{ capW: 150, idleW: 100, joulesPerFlop: { gemm: 100, attention: 1 }, joulesPerByte: 0 },
  ...{ energyExponent: 2, usefulClock: { gemm: 1, attention: 1, elementwise: 0 } },
  ...{ minClock: 0.1, topClockHz: 2e9, of: roundMachine().gpu },
};

const predicted = (fields: Partial<SegmentReading>, of: Power | null = power): number => {
  const base = roundMachine();
  const system: System = { ...base, gpu: { ...base.gpu, power: of } };
  return predictSegments(system, [
    {
      ...{ kind: 'segment', id: 'one', side: 'fit', measured: 1, spread: 0 },
      ...{ quantity: 'runS', segment: compute('product', 8), gapS: 0, smHz: null, sustained: false },
      ...fields,
    } as SegmentReading,
  ])[0]!;
};
const near = (value: number, expected: number, within = 1e-3) =>
  assert.ok(Math.abs(value / expected - 1) < within, `expected ${expected}, got ${value}`);

const test = suite('what a machine predicts for segments by themselves');

for (const [what, fields, of, expected] of [
  ['nothing is known of power: 8 s', { smHz: 1e9, sustained: true }, null, 8],
  ['the highest clock is not known: 8 s', { smHz: 1e9 }, { ...power, topClockHz: null }, 8],
  ['a moment at an unread clock: the highest', {}, power, 8],
  ['a moment at half of the clock: twice as long', { smHz: 1e9 }, power, 16],
  ['a moment at a clock above the highest: no shorter', { smHz: 2.5e9 }, power, 8],
  // 100 + 800 f^2 / (8 / f) = 150: f^3 = 0.5.
  ['sustained: at the clock that the cap allows', { sustained: true }, power, 8 / 0.5 ** (1 / 3)],
  ['its clock', { sustained: true, quantity: 'smHz' }, power, 2e9 * 0.5 ** (1 / 3)],
  ['its power: the cap', { sustained: true, quantity: 'powerW' }, power, 150],
  // 100 + 800 f^2 / (8 / f + 4) = 150: f^3 = 0.5 + 0.25 f, at f = 0.898161.
  [
    'a pause after each run buys clock',
    { sustained: true, gapS: 4, quantity: 'smHz' },
    power,
    2e9 * 0.898161,
  ],
  ['power counts the pause', { sustained: true, gapS: 4, quantity: 'powerW' }, power, 150],
  [
    'a long pause: the highest clock, power below the cap',
    { sustained: true, gapS: 24, quantity: 'powerW' },
    power,
    125,
  ],
] as [string, Partial<SegmentReading>, Power | null, number][]) {
  test(what, () => near(predicted(fields, of), expected));
}

test.run();

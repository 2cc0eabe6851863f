import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { UserError } from '../../../model/input/userError.ts';
import { type PlanKeys, parsePlanText, planKeyHelp } from '../../../model/presets/planText.ts';

const test = suite('plans as users type them');

const PARSED: [text: string, preset: string, keys: PlanKeys][] = [
  ['none', 'none', {}],
  ['  chunked ', 'chunked', {}],
  ['yield,chunk=16MiB', 'yield', { chunkBytes: 16_777_216 }],
  ['yield,chunk=16 MB', 'yield', { chunkBytes: 16_000_000 }],
  ['yield,chunk=64KiB', 'yield', { chunkBytes: 65_536 }],
  ['yield , resident=0.25 , prefetch=2', 'yield', { resident: 0.25, prefetch: 2 }],
  ['chunked,resident=0,slots=3', 'chunked', { resident: 0, slots: 3 }],
  ['chunked,resident=1', 'chunked', { resident: 1 }],
  ['layerwise,resident-layers=30', 'layerwise', { residentLayers: 30 }],
  ['layerwise,resident-layers=0.5', 'layerwise', { residentLayers: 0.5 }],
  ['layerwise,resident-layers=0', 'layerwise', { residentLayers: 0 }],
  ['yield,windows=0.3/0.3', 'yield', { windows: [0.3, 0.3] }],
  ['yield,windows=1', 'yield', { windows: [1] }],
  ['paced,pace=0.25s,piece=4MiB', 'paced', { paceS: 0.25, pieceBytes: 4_194_304 }],
  ['yield,transport=staged-sm:4', 'yield', { transport: 'staged-sm:4' }],
  // A preset is a name here; whether there is one by that name is asked later.
  ['', '', {}],
];
for (const [text, preset, keys] of PARSED) {
  test(JSON.stringify(text), () => assert.equal(parsePlanText(text), { preset, keys }));
}

const REFUSED: [text: string, message: RegExp][] = [
  ['yield,', /"": expected key=value with one of resident, resident-layers, prefetch, slots, chunk, windows/],
  ['yield,chunk', /"chunk": expected key=value/],
  ['yield,chunks=16MiB', /"chunks=16MiB": expected key=value with one of/],
  ['yield,constructor=1', /"constructor=1": expected key=value/],
  ['yield,__proto__=1', /"__proto__=1": expected key=value/],
  ['yield,chunk=', /chunk: expected a size of at least 64 KiB such as 16MiB, got ""/],
  ['yield,chunk=16', /chunk: expected a size .*got "16"/],
  ['yield,chunk=63KiB', /chunk: expected a size .*got "63KiB"/],
  ['yield,chunk=16GB/s', /chunk: expected a size .*got "16GB\/s"/],
  ['yield,chunk=-16MiB', /chunk: expected a size/],
  ['paced,piece=1B', /piece: expected a size/],
  ['yield,resident=1.1', /resident: expected a fraction from 0 to 1, got "1\.1"/],
  ['yield,resident=-0.1', /resident: expected a fraction/],
  ['yield,resident=', /resident: expected a fraction .*got ""/],
  ['yield,resident=50%', /resident: expected a fraction/],
  ['yield,resident=NaN', /resident: expected a fraction/],
  [
    'yield,resident-layers=1.5',
    /resident-layers: expected a count of blocks, or a fraction below 1, got "1\.5"/,
  ],
  ['yield,resident-layers=-1', /resident-layers: expected a count/],
  ['yield,prefetch=0', /prefetch: expected a whole number of at least 1, got "0"/],
  ['yield,prefetch=1.5', /prefetch: expected a whole number/],
  ['yield,prefetch=two', /prefetch: expected a whole number/],
  ['yield,slots=0', /slots: expected a whole number/],
  ['yield,slots=Infinity', /slots: expected a whole number/],
  [
    'yield,windows=0.5/',
    /windows: expected fractions such as 0\.3\/0\.3 that add up to at most 1, got "0\.5\/"/,
  ],
  ['yield,windows=0.5/2', /windows: expected fractions/],
  ['yield,windows=0.6/0.6', /windows: expected fractions such as .* at most 1, got "0\.6\/0\.6"/],
  ['paced,pace=40', /pace: expected a time such as 40us, got "40"/],
  ['paced,pace=-40us', /pace: expected a time/],
  ['paced,pace=40MiB', /pace: expected a time/],
];
for (const [text, message] of REFUSED) {
  test(`refuses ${text}`, () =>
    assert.throws(
      () => parsePlanText(text),
      (error: Error) =>
        error instanceof UserError &&
        error.message.startsWith(`--plan ${text}: `) &&
        message.test(error.message) &&
        !error.message.includes('\n'),
    ));
}

test('a second = is part of no value', () => {
  assert.throws(() => parsePlanText('yield,chunk=16MiB=3'), /chunk/);
});

test('a key given twice is a mistake', () => {
  assert.throws(() => parsePlanText('yield,chunk=16MiB,chunk=4MiB'), /chunk/);
});

test('the help lists every key with what it expects', () => {
  for (const { name, expected } of planKeyHelp) {
    assert.throws(() => parsePlanText(`yield,${name}`), new RegExp(`\\b${name}\\b`));
    assert.ok(expected.length > 5);
  }
  assert.is(planKeyHelp.length, 9);
});

test.run();

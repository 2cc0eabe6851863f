import * as fc from 'fast-check';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { catalogueIds, loadDit } from '../../../model/dit/load.ts';
import { formatSize, gridOf, parseSize, rowsAt, rowsOf, tokensOfFrames } from '../../../model/dit/tokens.ts';

const sizes = suite('sizes');

sizes('are read with and without frames, and written back', () => {
  assert.equal(parseSize('1280x720x81'), { width: 1280, height: 720, frames: 81 });
  assert.equal(parseSize(' 1024 X 768 '), { width: 1024, height: 768, frames: 1 });
  for (const text of ['1280x720x81', '1024x1024']) assert.is(formatSize(parseSize(text)), text);
});

for (const text of [
  '',
  '1024',
  '1280x720x81x2',
  '-1x5',
  '1e3x5',
  '1280*720',
  '10.5x10',
  '9999999999x10',
  '1x2x',
]) {
  sizes(`refuses ${JSON.stringify(text)}`, () => {
    assert.throws(() => parseSize(text), /^size ".*": expected width x height x frames such as 1280x720x81/);
  });
}

for (const [text, side] of [
  ['0x720', 'width is 0'],
  ['720x0x5', 'height is 0'],
  ['720x720x0', 'frames is 0'],
  ['999999999x16', 'width is 999999999'],
  ['16x16x999999999', 'frames is 999999999'],
] as const) {
  sizes(`refuses ${text}`, () => assert.throws(() => parseSize(text), side));
}

sizes.run();

const rows = suite('rows');

/** Sizes that a model refuses, and what the message must say. */
const REFUSED: [id: string, size: string, message: string][] = [
  ['wan2.1-t2v-14b', '1280x720x80', 'frames 80: Wan2.1-T2V-14B takes 1 plus a multiple of 4; use 77 or 81'],
  ['mochi-1-10b', '848x480x2', 'takes 1 plus a multiple of 6; use 1 or 7'],
  ['step-video-t2v-30b', '992x544x200', 'takes a multiple of 17; use 187 or 204'],
  ['step-video-t2v-30b', '992x544x5', 'takes a multiple of 17; use 17'],
  ['flux.1-dev', '1024x1024x5', 'frames 5: FLUX.1-dev (12B) makes single images, so leave the frames away'],
  ['flux.1-dev', '15x1024', 'gives FLUX.1-dev (12B) no tokens; one token is 16x16 pixels'],
  ['ltx-video-13b', '1216x16x121', 'no tokens; one token is 32x32 pixels'],
];
for (const [id, size, message] of REFUSED) {
  rows(`${id} refuses ${size}`, () => assert.throws(() => rowsOf(loadDit(id), parseSize(size)), message));
}

rows('a size made by hand is checked, too', () => {
  assert.throws(() => rowsOf(loadDit('flux.1-dev'), { width: Number.NaN, height: 16, frames: 1 }), 'width');
});

rows('round width and height down to whole patches', () => {
  assert.is(rowsOf(loadDit('wan2.1-t2v-14b'), parseSize('1295x735x81')).x, 75600);
});

rows('round text and image up to the multiple of Z-Image', () => {
  const dit = loadDit('z-image-6b');
  const counts = rowsOf({ ...dit, textRows: 33 }, parseSize('160x160'));
  assert.equal(counts, { x: 128, t: 64, i: 0, a: 0, j: 192, c: 1 });
});

rows('tokens of reference images, of any size, stand beside those of the output', () => {
  const kontext = loadDit('flux.1-kontext-dev');
  const size = parseSize('1024x1024');
  assert.is(rowsOf(kontext, size).x, 8192, 'the usual image');
  assert.is(rowsOf(kontext, size, []).x, 4096);
  assert.is(rowsOf(kontext, size, [parseSize('512x768')]).x, 4096 + 32 * 48);
  const flux2 = loadDit('flux.2-dev');
  assert.is(rowsOf(flux2, size).x, 4096, 'usually none');
  assert.is(rowsOf(flux2, size, [size, parseSize('512x512')]).x, 2 * 4096 + 1024);
});

rows(
  'reference images are refused by a model that takes none, and where they are smaller than a token',
  () => {
    const size = parseSize('1024x1024');
    assert.throws(
      () => rowsOf(loadDit('flux.1-dev'), size, [parseSize('512x512')]),
      /^--reference-image 512x512: FLUX\.1-dev \(12B\) takes none; leave it out/,
    );
    assert.throws(
      () => rowsOf(loadDit('flux.2-dev'), size, [parseSize('8x8')]),
      /size "8x8": gives FLUX\.2-dev/,
    );
  },
);

rows('frames are padded to whole patches', () => {
  const dit = loadDit('cogvideox-1.5-5b');
  const tokens = (frames: number) => rowsOf(dit, { width: 1360, height: 768, frames }).x / (48 * 85);
  assert.equal([77, 81, 85, 89].map(tokens), [10, 11, 11, 12]);
});

rows('audio follows the frames', () => {
  const dit = loadDit('ltx-2-19b');
  assert.is(rowsOf(dit, parseSize('768x512x121')).a, 126);
  assert.is(rowsOf(dit, parseSize('768x512x241')).a, 251);
});

for (const id of catalogueIds()) {
  rows(`${id}: the continuous count agrees with the exact one, and grows with the frames`, () => {
    const dit = loadDit(id);
    const { referenceSize } = dit;
    const exact = rowsOf(dit, referenceSize, []);
    assert.equal(rowsAt(dit, exact.x), exact);
    // Frames that are padded to a whole patch are less than a patch.
    const { down, across, frames } = gridOf(dit, referenceSize);
    const padded = exact.x - Math.round(tokensOfFrames(dit, referenceSize, referenceSize.frames));
    assert.is(exact.x, frames * down * across);
    assert.ok(padded >= 0 && padded <= (down * across * (dit.patch.t - 1)) / dit.patch.t);
    if (dit.vae.frames === 'none') return;
    fc.assert(
      fc.property(
        fc.double({ min: 1, max: 1e4, noNaN: true }),
        fc.double({ min: 0.01, max: 1e3, noNaN: true }),
        (f, more) => {
          return tokensOfFrames(dit, referenceSize, f + more) > tokensOfFrames(dit, referenceSize, f);
        },
      ),
    );
  });
}

rows.run();

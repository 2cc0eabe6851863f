import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { THEMES } from '../../../studies/plots/theme.ts';

type Rgb = [number, number, number];

/** Linear light of an sRGB colour. */
function linear(hex: string): Rgb {
  const channel = (at: number) => {
    const value = Number.parseInt(hex.slice(at, at + 2), 16) / 255;
    return value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
  };
  return [channel(1), channel(3), channel(5)];
}

/** WCAG's contrast ratio. */
function contrast(one: string, other: string): number {
  const luminance = (hex: string) => {
    const [r, g, b] = linear(hex);
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const [low, high] = [luminance(one), luminance(other)].sort((a, b) => a - b) as [number, number];
  return (high + 0.05) / (low + 0.05);
}

/** Machado, Oliveira and Fernandes 2009, severity 1; in linear light. */
const EYES: Readonly<Record<string, readonly Rgb[]>> = {
  usual: [
    [1, 0, 0],
    [0, 1, 0],
    [0, 0, 1],
  ],
  deuteranope: [
    [0.367322, 0.860646, -0.227968],
    [0.280085, 0.672501, 0.047413],
    [-0.01182, 0.04294, 0.968881],
  ],
  protanope: [
    [0.152286, 1.052583, -0.204868],
    [0.114503, 0.786281, 0.099216],
    [-0.003882, -0.048116, 1.051998],
  ],
};

function seen(hex: string, matrix: readonly Rgb[]): Rgb {
  const light = linear(hex);
  const row = (of: Rgb) => Math.min(1, Math.max(0, of[0] * light[0] + of[1] * light[1] + of[2] * light[2]));
  return [row(matrix[0]!), row(matrix[1]!), row(matrix[2]!)];
}

/** OKLab (Ottosson 2020), whose distances are about as large as what is seen: 0.02 is just seen. */
function okLab([r, g, b]: Rgb): Rgb {
  const l = Math.cbrt(0.4122214708 * r + 0.5363325363 * g + 0.0514459929 * b);
  const m = Math.cbrt(0.2119034982 * r + 0.6806995451 * g + 0.1073969566 * b);
  const s = Math.cbrt(0.0883024619 * r + 0.2817188376 * g + 0.6299787005 * b);
  return [
    0.2104542553 * l + 0.793617785 * m - 0.0040720468 * s,
    1.9779984951 * l - 2.428592205 * m + 0.4505937099 * s,
    0.0259040371 * l + 0.7827717662 * m - 0.808675766 * s,
  ];
}

function leastDistance(colours: readonly string[], matrix: readonly Rgb[]): number {
  const places = colours.map((colour) => okLab(seen(colour, matrix)));
  const distances = places.flatMap((one, index) =>
    places.slice(index + 1).map((other) => Math.hypot(...one.map((value, axis) => value - other[axis]!))),
  );
  return Math.min(...distances);
}

const theme = suite('the theme of charts');
/** Four times what is just seen; Okabe and Ito's own palette has 0.076 to the deuteranope. */
const APART = 0.08;

for (const [name, { roles, series }] of Object.entries(THEMES)) {
  for (const [eye, matrix] of Object.entries(EYES)) {
    theme(`${name}: the ${eye} tells every two series apart`, () => {
      const least = leastDistance(series, matrix);
      assert.ok(least >= APART, least.toFixed(3));
    });
  }
  theme(`${name}: series stand out from the paper 3:1, text 4.5:1, lines 3:1`, () => {
    const least = (colours: readonly string[]) =>
      Math.min(...colours.map((colour) => contrast(colour, roles.paper)));
    assert.ok(least(series) >= 3, `${least(series)}`);
    assert.ok(least([roles.ink, roles.soft]) >= 4.5 && least([roles.line]) >= 3);
  });
}

theme('the measure finds colours that a deuteranope takes for one another', () => {
  // An olive and a brown.
  assert.ok(leastDistance(['#8c8c3c', '#b0703c'], EYES.usual!) > APART);
  assert.ok(leastDistance(['#8c8c3c', '#b0703c'], EYES.deuteranope!) < APART);
});
theme.run();

import { createHash } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Resvg } from '@resvg/resvg-js';
import { SaxesParser } from 'saxes';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { Chart, Row } from '../../../studies/plots/chart.ts';
import { chartCsv } from '../../../studies/plots/csv.ts';
import { FONT_FILES } from '../../../studies/plots/fonts.ts';
import { chartPage } from '../../../studies/plots/html.ts';
import { chartPdf } from '../../../studies/plots/pdf.ts';
import {
  chartPng,
  chartSpec,
  type Look,
  renderSvg,
  SCREEN_LOOK,
  sizeOf,
} from '../../../studies/plots/render.ts';
import { chartWidth } from '../../../studies/plots/size.ts';
import { textWidth } from '../../../studies/plots/textWidth.ts';
import { FONT, FONT_PX, THEMES } from '../../../studies/plots/theme.ts';
import { chartKinds } from './chartKinds.ts';

const SNAPSHOTS = join(import.meta.dirname, 'snapshots.json');
const COLUMN: Look = { theme: 'dark', width: chartWidth('column') };
const PHONE: Look = { theme: 'light', width: { px: 358, mm: null } };

const kinds = chartKinds();
const drawings = new Map<string, { screen: string; column: string; phone: string }>();
for (const { kind, chart } of kinds) {
  drawings.set(kind, {
    screen: await renderSvg(chart),
    column: await renderSvg(chart, { ...COLUMN, width: { ...COLUMN.width, mm: null } }),
    phone: await renderSvg(chart, PHONE),
  });
}
const texts = (svg: string) => [...svg.matchAll(/<t(?:ext|span)[^>]*>([^<]+)</g)].map(([, text]) => text!);
const hash = (content: string) => createHash('sha256').update(content).digest('hex').slice(0, 16);

const looks = suite('charts of every kind');

looks('are the drawings that were looked at; UPDATE=1 takes new ones', () => {
  const found = Object.fromEntries(
    [...drawings].map(([kind, { screen, column }]) => [kind, { screen: hash(screen), column: hash(column) }]),
  );
  if (process.env.UPDATE === '1') writeFileSync(SNAPSHOTS, `${JSON.stringify(found, null, 2)}\n`);
  assert.equal(found, JSON.parse(readFileSync(SNAPSHOTS, 'utf8')));
});

looks('are as wide as asked, whatever their labels', () => {
  for (const [kind, { screen, column, phone }] of drawings) {
    for (const [svg, px] of [
      [screen, SCREEN_LOOK.width.px],
      [column, COLUMN.width.px],
      [phone, PHONE.width.px],
    ] as const)
      assert.ok(Math.abs(sizeOf(svg).width / px - 1) < 0.01, `${kind}: ${sizeOf(svg).width} px of ${px}`);
  }
});

looks('say everything in the theme: colours of it and no others', () => {
  for (const [kind, { screen, column }] of drawings) {
    for (const [svg, { roles, series }] of [
      [screen, THEMES.light],
      [column, THEMES.dark],
    ] as const) {
      const used = new Set(
        [...svg.matchAll(/(?:fill|stroke)="(#[0-9a-f]+|[a-z]+:?\w*)"/g)].map(([, colour]) => colour!),
      );
      const known = new Set([...Object.values(roles), ...series, 'none', 'transparent']);
      assert.equal(
        [...used].filter((colour) => !known.has(colour)),
        [],
        kind,
      );
    }
  }
});

looks('have labels in letters of the size that a column of a paper is read at', () => {
  for (const [kind, { column }] of drawings) {
    const sizes = [...column.matchAll(/font-size="([\d.]+)px"/g)].map(([, px]) => Number(px));
    // 10 px at 96 to the inch are 7.5 pt.
    assert.ok(sizes.length > 5 && Math.min(...sizes) >= FONT_PX, `${kind}: ${Math.min(...sizes)} px`);
  }
});

looks('tooltips have human titles', () => {
  const raw: string[] = [];
  const visit = (value: unknown): void => {
    if (typeof value !== 'object' || value === null) return;
    if ('tooltip' in value && Array.isArray(value.tooltip)) {
      for (const { title, field } of value.tooltip as { title?: string; field: string }[])
        if (title === undefined || /\b[a-z]+[A-Z]|^$/.test(title)) raw.push(`${field}: ${title}`);
    }
    for (const inner of Object.values(value)) visit(inner);
  };
  for (const { chart } of kinds) visit(chart.groups);
  assert.equal(raw, []);
});

looks("say how many of the model's blocks their programs have", () => {
  const ofPrograms = [
    'predicted-vs-measured',
    'errors',
    'block',
    'tokens',
    'memory',
    'sensitivity',
    'roofline',
  ];
  for (const { kind, chart } of kinds.filter((one) => ofPrograms.includes(one.kind)))
    assert.match(chart.subtitle.join(' '), /\d+ blocks/, kind);
});

looks.run();

const labels = suite('labels are there');

/** Pixels that texts change in a picture. */
function labelPixels(svg: string, fontFiles: readonly string[]): number {
  const pixels = (text: string) =>
    new Resvg(text, {
      font: {
        loadSystemFonts: false,
        fontFiles: [...fontFiles],
        defaultFontFamily: FONT,
        sansSerifFamily: FONT,
      },
    }).render().pixels;
  const [drawn, bare] = [pixels(svg), pixels(svg.replace(/<text[^>]*\/>|<text.*?<\/text>/gs, ''))];
  let changed = 0;
  for (let at = 0; at < drawn.length; at += 4) {
    if (drawn[at] !== bare[at] || drawn[at + 1] !== bare[at + 1] || drawn[at + 2] !== bare[at + 2])
      changed += 1;
  }
  return changed;
}

/** Share of the boxes around its texts that a picture must have ink in. */
const INK = 0.15;

function leastPixels(svg: string): number {
  const boxes = texts(svg).map((text) => textWidth(text, FONT_PX, false) * FONT_PX);
  return INK * boxes.reduce((sum, box) => sum + box, 0);
}

for (const [kind, { screen }] of drawings) {
  labels(`${kind}: every text leaves ink, and a drawing without fonts is found out`, () => {
    const least = leastPixels(screen);
    assert.ok(texts(screen).length > 8 && least > 500);
    const [withFont, without] = [labelPixels(screen, Object.values(FONT_FILES)), labelPixels(screen, [])];
    assert.ok(withFont >= least, `${withFont} of ${least}`);
    assert.is(without, 0);
    assert.not.ok(without >= least);
  });
}
labels.run();

const formats = suite('one chart in every format');
const sample = kinds.find(({ kind }) => kind === 'memory')!.chart;

formats('the same bytes again', async () => {
  for (const draw of [renderSvg, chartPng, chartPdf, chartSpec, chartPage, chartCsv]) {
    const [one, other] = [await draw(sample), await draw(structuredClone(sample))];
    assert.equal(one, other, draw.name);
  }
});

formats("PDF: one page of a column's width, with the shipped font in it and no clock", async () => {
  const pdf = Buffer.from(await chartPdf(sample, COLUMN)).toString('latin1');
  assert.ok(pdf.startsWith('%PDF-') && /%%EOF\s*$/.test(pdf));
  const [, width] = /\/MediaBox \[0 0 ([\d.]+) /.exec(pdf)!;
  assert.ok(Math.abs(Number(width) - 3.5 * 72) < 1.5, width);
  assert.match(pdf, /\/BaseFont \/[A-Z]{6}\+DejaVuSans/);
  assert.match(pdf, /\/FontFile2/);
  assert.match(pdf, /\(D:19700101000000Z\)/);
  assert.not.match(pdf, /\(D:2\d{3}/);
});

formats('SVG for paper: millimetres of a column and of a page', async () => {
  for (const [name, mm] of [
    ['column', 88.9],
    ['page', 177.8],
  ] as const) {
    const [, width] = /^<svg [^>]*width="([\d.]+)mm"/.exec(
      await renderSvg(sample, { theme: 'light', width: chartWidth(name) }),
    )!;
    assert.ok(Math.abs(Number(width) - mm) < 0.6, `${width} of ${mm} mm`);
  }
});

formats('specification: drawn again from its JSON alone it is the same drawing', async () => {
  const spec = await chartSpec(sample);
  const { datasets, config } = JSON.parse(JSON.stringify(spec));
  assert.equal(datasets.rows.length, sample.rows.length);
  assert.not.match(JSON.stringify([spec, config]), /"role:/);
});

formats('CSV: each record a line, each field a column', () => {
  for (const { chart } of kinds) {
    const [header, ...lines] = csvCells(chartCsv(chart));
    assert.is(lines.length, chart.rows.length);
    const columns = [...new Set(chart.rows.flatMap((row: Row) => Object.keys(row)))];
    assert.equal(header, columns);
    lines.forEach((cells, index) => {
      assert.equal(
        cells,
        columns.map((column) => String(chart.rows[index]![column] ?? '')),
      );
    });
  }
});

/** RFC 4180, as any reader has it. */
function csvCells(text: string): string[][] {
  const lines: string[][] = [[]];
  for (const [, quoted, plain, end] of text.matchAll(/(?:"((?:[^"]|"")*)"|([^",\r\n]*))(,|\r\n)/g)) {
    lines.at(-1)!.push(quoted === undefined ? plain! : quoted.replaceAll('""', '"'));
    if (end === '\r\n') lines.push([]);
  }
  return lines.slice(0, -1);
}

formats('page: nothing from outside, dark where the reader is, text of its own', () => {
  const page = chartPage(sample);
  assert.match(page, /Content-Security-Policy" content="default-src 'none';/);
  assert.match(page, /@media screen and \(prefers-color-scheme:dark\)/);
  assert.not.match(page, /<script [^>]*src=/);
  assert.not.match(page.replace(/<script.*?<\/script>/gs, ''), / (?:src|href)=|url\(/);
  assert.match(page, /<span class="chart-title" dir="auto">memory<\/span>/);
});
formats.run();

const names = suite('hostile names are text');
const HOSTILE: Readonly<Record<string, string>> = {
  markup: `<script>alert(1)</script></text></svg>&amp;<!-- ]]>`,
  quotes: `"; datum.constructor('x')() //' \\ \${1} {{x}} \`,\r\n=1+1`,
  'very long': 'Wan'.repeat(2000),
  'right to left': '\u0646\u0645\u0648\u0630\u062c \u202eabc\u2066',
  controls: 'a\u0000\u0007\u001b[31mb\ud800c\ufffe',
  words: 'role:ink',
  prototype: '__proto__',
};
const ELEMENTS = new Set(['svg', 'g', 'path', 'text', 'tspan', 'rect', 'line', 'defs', 'clipPath', 'title']);

/** A chart in which somebody had given another name to something. */
function renamed(value: unknown, from: string, to: string): unknown {
  if (typeof value === 'string') return value.replaceAll(from, () => to);
  if (Array.isArray(value)) return value.map((inner) => renamed(inner, from, to));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, renamed(inner, from, to)]));
}

/** @throws for text that is no XML, or draws what no chart draws. */
function checkSvg(svg: string): string {
  let said = '';
  const parser = new SaxesParser();
  parser.on('error', (error) => {
    throw error;
  });
  parser.on('opentag', ({ name, attributes }) => {
    assert.ok(ELEMENTS.has(name), name);
    assert.equal(
      Object.keys(attributes).filter((key) => /^on|href/i.test(key)),
      [],
    );
  });
  parser.on('text', (text) => {
    said += text;
  });
  parser.write(svg).close();
  return said;
}

async function checkHostile(chart: Chart, from: string, to: string): Promise<void> {
  const hostile = renamed(chart, from, to) as Chart;
  assert.not.equal(hostile, chart);
  const svg = await renderSvg(hostile);
  const said = checkSvg(svg);
  const { width } = sizeOf(svg);
  assert.ok(width > 0.9 * SCREEN_LOOK.width.px && width < 1.02 * SCREEN_LOOK.width.px, `${width} px`);
  assert.ok(said.length > 20);
  const page = chartPage(hostile);
  assert.not.match(page, /<script>alert|<\/svg>&amp;/);
  const [, data] = /<script type="application\/json">(.*?)<\/script>/s.exec(page)!;
  assert.is((JSON.parse(data!) as Chart).rows.length, chart.rows.length);
  assert.is(csvCells(chartCsv(hostile)).length, chart.rows.length + 1);
}

for (const [index, { kind, chart, named }] of kinds.entries()) {
  const all = Object.entries(HOSTILE);
  const own =
    kind === 'memory'
      ? all
      : [all[index % all.length]!, ['all together', Object.values(HOSTILE).join(' ')] as const];
  for (const [what, hostile] of own) names(`${kind}: ${what}`, () => checkHostile(chart, named, hostile));
}

names('in a title, and as a PDF', async () => {
  for (const hostile of Object.values(HOSTILE)) {
    const chart = { ...sample, title: hostile, subtitle: [hostile] };
    checkSvg(await renderSvg(chart, PHONE));
    assert.ok((await chartPdf(chart, COLUMN)).length > 1000);
    assert.match(chartPage(chart), /<title>[^<]*<\/title>/);
  }
});
names.run();

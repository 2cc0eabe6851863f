import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { runCli } from '../support/runCli.ts';

const folder = mkdtempSync(join(tmpdir(), 'chunkflow-plot-'));
const plot = suite('chunkflow plot');
plot.after(() => rmSync(folder, { recursive: true, force: true }));

const MODEL = '--model flux.1-dev --size 512x512 --blocks 4 --machine h200-x2-fitted';
const PLANS = '--plan none --plan yield';
const PROFILE = 'experiments/profile/synthetic-dit.profile.json';

const KINDS: readonly { words: string; header: RegExp; rows: number; says: RegExp }[] = [
  {
    words: `tokens ${MODEL} ${PLANS}`,
    header: /^plan,transport,tokens,stepS,noneS,ratio,breakEven$/,
    rows: 40,
    says: /4 of 57 blocks/,
  },
  {
    words: `block ${MODEL}`,
    header: /^plan,track,name,category,fromMs,toMs,of,link,gbPerS,usePercent$/,
    rows: 20,
    says: /host memory/,
  },
  {
    words: `memory ${MODEL} ${PLANS}`,
    header: /^plan,transport,of,holds,place,gib,allGib$/,
    rows: 14,
    says: /139\.8 GiB/,
  },
  {
    words: `sensitivity ${MODEL} --plan layerwise --by 20`,
    header: /^plan,parameter,value,side,stepMs,percent$/,
    rows: 6,
    says: /20 % smaller and larger/,
  },
  {
    words: `roofline ${MODEL}`,
    header: /^segment,kind,class,flops,bytes,intensity,tflopPerS,ms,perStep,stepMs$/,
    rows: 15,
    says: /roofline of/,
  },
];

for (const { words, header, rows, says } of KINDS) {
  plot(`${words.split(' ')[0]}: data and picture`, async () => {
    const file = (format: string) => join(folder, `${words.split(' ')[0]}${format}`);
    const draw = (format: string) => runCli(['plot', ...words.split(' '), '--out', file(format)]);
    const csv = await draw('.csv');
    assert.equal([csv.code, csv.stdout, csv.stderr], [0, `${file('.csv')}\n`, '']);
    const lines = readFileSync(file('.csv'), 'utf8').split('\r\n');
    assert.match(lines[0]!, header);
    assert.ok(lines.length > rows, `${lines.length} lines`);
    assert.is((await draw('.svg')).code, 0);
    const said = [...readFileSync(file('.svg'), 'utf8').matchAll(/>([^<]+)</g)]
      .map(([, text]) => text)
      .join(' ');
    assert.match(said, says);
  });
}

plot('a profile: what needs no size and no FLOPs is drawn', async () => {
  for (const kind of ['memory', 'sensitivity', 'block']) {
    const out = join(folder, `profile-${kind}.csv`);
    const drawn = await runCli([
      'plot',
      kind,
      '--profile',
      PROFILE,
      '--machine',
      'h200-x2-fitted',
      '--out',
      out,
    ]);
    assert.equal([drawn.code, drawn.stderr], [0, ''], kind);
  }
});

plot('mistakes get one line and write nothing', async () => {
  for (const [words, message] of [
    [
      `memory ${MODEL} --out x.jpg`,
      /--out "x\.jpg": expected a name that ends in \.svg, \.png, \.pdf, \.html, \.csv, \.vl\.json/,
    ],
    [`memory ${MODEL} --theme dark --out x.html`, /--theme dark: has no effect on \.html; leave it out/],
    [`memory ${MODEL} --width column --out x.csv`, /--width column: has no effect on \.csv/],
    [`memory ${MODEL} --width 80mm --out x.svg`, /Allowed choices are screen, column, page/],
    [
      `memory ${MODEL} --out ${folder}/none/x.svg`,
      /cannot be written \(ENOENT\); choose a folder that exists/,
    ],
    [`sensitivity ${MODEL} --by 0 --out x.svg`, /Expected per cent above 0 and up to 90/],
    [`block ${MODEL} --block 99 --out x.svg`, /--block 99: the step has blocks 0 to 3/],
    [`tokens --profile ${PROFILE} --machine h200-x2-fitted --out x.svg`, /--profile: it knows no other size/],
    [
      `roofline --profile ${PROFILE} --machine h200-x2-fitted --out x.svg`,
      /--profile: its compute is known in seconds/,
    ],
    ['contention experiments/measured/none.yaml --out x.svg', /none\.yaml/],
    ['errors README.md --out x.svg', /README\.md/],
  ] as const) {
    const refused = await runCli(['plot', ...words.split(' ')]);
    assert.is(refused.code, 2, words);
    assert.match(refused.stderr, message);
    assert.is(refused.stderr.trimEnd().split('\n').length, 1, refused.stderr);
    assert.not.ok(existsSync('x.svg') || existsSync('x.csv') || existsSync('x.html'));
  }
});

plot.run();

import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { catalogueIds } from '../../model/dit/load.ts';
import { packageRoot } from '../../model/input/packageFiles.ts';
import { UserError } from '../../model/input/userError.ts';
import { makePlan } from '../../model/presets/presets.ts';
import { loadSystem } from '../../model/system/load.ts';
import { closedRecords } from '../../studies/published/steps/openSettings.ts';
import { publishedTime } from '../../studies/published/steps/publishedTime.ts';
import { PUBLISHED_STEPS, readStepFolder } from '../../studies/published/steps/readSteps.ts';
import { recordWorkload } from '../../studies/published/steps/recordWorkload.ts';
import type { StepRecord } from '../../studies/published/steps/stepFormat.ts';
import { readStepText, stepFileText } from '../support/stepTexts.ts';

const records = readStepFolder();
const distinct = (of: (record: StepRecord) => string | null) =>
  new Set(records.map(of).filter((name) => name !== null));

const collection = suite('published step times');

collection('there are enough of them, and not of one kind', () => {
  assert.ok(records.filter(({ usedToTune }) => usedToTune === false).length >= 60);
  assert.ok(distinct(({ card }) => card).size >= 8);
  assert.ok(distinct(({ model }) => model).size >= 12);
  assert.ok(distinct(({ tool }) => tool).size >= 4);
  assert.ok(records.some(({ offload }) => offload?.kind === 'layerwise' && offload.plan !== undefined));
});

collection('their files stay below 1 MB', () => {
  const bytes = readdirSync(PUBLISHED_STEPS).reduce(
    (sum, name) => sum + statSync(join(PUBLISHED_STEPS, name)).size,
    0,
  );
  assert.ok(bytes < 1e6, `${bytes} bytes`);
});

collection('each model of the catalogue takes its sizes and layouts in every variant', () => {
  for (const record of records) {
    const { catalogueModel } = record;
    assert.ok(catalogueModel === null || catalogueIds().includes(catalogueModel), `${catalogueModel}`);
    const variants = closedRecords(record);
    assert.ok(variants.length > 0, record.id);
    for (const variant of variants) {
      const workload = recordWorkload(variant);
      if (!('reason' in workload)) assert.ok(workload.blocks.length > 0, record.id);
    }
  }
});

collection('each plan is one of this project', () => {
  for (const { offload, id, ...record } of records) {
    if (offload?.plan === undefined) continue;
    const workload = recordWorkload({
      ...record,
      offload,
      id,
      gpus: 1,
      layout: {},
      guidance: 'none',
      passes: 1,
    });
    if (!('reason' in workload)) {
      assert.is.not(makePlan(offload.plan, workload, loadSystem('h100-sxm-x1')).blocks.length, 0, id);
    }
  }
});

collection.run();

const reading = suite('reading published step times');

reading('a record takes what its source shares, and its own values before that', () => {
  const [first, second] = readStepText(stepFileText({}, [{ id: 'b', card: 'rtx-3090' }]));
  assert.is(first!.card, 'rtx-4090');
  assert.is(second!.card, 'rtx-3090');
  assert.is(second!.url, 'https://example.org/page');
  assert.is(second!.usedToTune, false);
});

const REFUSED: readonly [string, string, RegExp][] = [
  ['an unknown card', stepFileText({ card: 'rtx-9999' }), /:\d+:\d+: card: .*rtx-3090.*got "rtx-9999"/],
  ['a misspelt key', stepFileText({ widht: 3 }), /:\d+:\d+: widht: unknown key/],
  ['no width', stepFileText({ width: undefined }), /:\d+:\d+: width: is missing/],
  ['a time of 0', stepFileText({ measured: { stepS: 0 } }), /: measured\.stepS: .*got 0/],
  ['no time', stepFileText({ measured: {} }), /: measured\.\w+: /],
  [
    'null without candidates',
    stepFileText({ steps: null, measured: { denoiseS: 3 } }),
    /: steps: is null; say under unknown\.steps/,
  ],
  [
    'candidates beside a value',
    stepFileText({ unknown: { steps: [28, 50] } }),
    /: unknown: steps has candidates and a value/,
  ],
  [
    'a candidate that is none',
    stepFileText({ steps: null, unknown: { steps: ['many'] } }),
    /: unknown\.steps\.0: /,
  ],
  [
    'degrees of other GPUs',
    stepFileText({ layout: { ulysses: 2 } }),
    /: layout: its degrees make 2 GPUs, but gpus is 1/,
  ],
  ['passes without guidance', stepFileText({ passes: 2 }), /: passes: 2 a step do not go with guidance none/],
  ['an id that stands twice', stepFileText({}, [{ id: 'a' }]), /:\d+:\d+: id: a stands in .*steps\.yaml too/],
  ['no source', '[]', /: the file: /],
  ['what is no link', stepFileText({}).replace('https://example.org/page', 'page 3'), /: 0\.url: /],
];
for (const [title, text, expected] of REFUSED) {
  reading(`refuses ${title} in one line with its place`, () => {
    try {
      readStepText(text);
      assert.unreachable();
    } catch (error) {
      assert.instance(error, UserError);
      assert.match((error as UserError).message, expected);
      assert.not.match((error as UserError).message, /\n/);
    }
  });
}

reading('the place is that of the value, where it is shared and where a record has its own', () => {
  for (const text of [
    stepFileText({ card: 'rtx-9999' }),
    stepFileText({}, [{ id: 'b', card: 'rtx-9999' }]),
  ]) {
    const line = text.split('\n').findIndex((one) => one.includes('rtx-9999')) + 1;
    assert.throws(
      () => readStepText(text),
      (error: UserError) => error.place?.line === line,
    );
  }
});

reading('refuses a folder that is none, and one without such files', () => {
  assert.throws(
    () => readStepFolder(join(PUBLISHED_STEPS, 'none')),
    /steps\/none: cannot be read as a folder \(ENOENT\)/,
  );
  assert.throws(
    () => readStepFolder(join(packageRoot, 'studies', 'published')),
    /published: has no file that ends in \.yaml/,
  );
});

reading('an open number of steps needs no candidates where a step itself was timed', () => {
  const [record] = readStepText(stepFileText({ steps: null }));
  assert.equal(publishedTime(record!), { lowS: 0.5, highS: 0.5, isUpperBound: false });
});

const TIMES: readonly [Record<string, unknown>, number, number, boolean][] = [
  [{ measured: { denoiseS: 14 } }, 0.5, 0.5, false],
  [{ measured: { runS: 14, includes: ['VAE'] } }, 0.5, 0.5, true],
  [{ measured: { runS: 140, includes: ['VAE'] }, steps: null, unknown: { steps: [28, 70] } }, 2, 5, true],
];
for (const [changes, lowS, highS, isUpperBound] of TIMES) {
  reading(`${JSON.stringify(changes)} is ${lowS} to ${highS} s a step`, () => {
    assert.equal(publishedTime(readStepText(stepFileText(changes))[0]!), { lowS, highS, isUpperBound });
  });
}

reading.run();

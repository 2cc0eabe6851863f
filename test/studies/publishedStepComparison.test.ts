import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { documentFormats } from '../../documents/documents.ts';
import {
  closedFormPredictions,
  closedFormPredictor,
} from '../../studies/published/steps/closedFormPredictor.ts';
import {
  compareRecords,
  groupRecords,
  type StepPrediction,
} from '../../studies/published/steps/compareRecords.ts';
import { isNotPredicted } from '../../studies/published/steps/notPredicted.ts';
import { closedRecords } from '../../studies/published/steps/openSettings.ts';
import { predictArguments } from '../../studies/published/steps/predictArguments.ts';
import { publishedTime } from '../../studies/published/steps/publishedTime.ts';
import { readStepFolder } from '../../studies/published/steps/readSteps.ts';
import { runCli } from '../support/runCli.ts';
import { readStepText, stepFileText } from '../support/stepTexts.ts';

const records = readStepFolder();

const comparing = suite('comparing published step times');

comparing(
  'a predictor that says what was published is right about every record, and its intervals hold',
  () => {
    const said = new Map(records.map((record) => [record.id, publishedTime(record)]));
    const { compared, refused } = compareRecords(records, ({ id }) => {
      const { lowS, highS } = said.get(id)!;
      return { stepS: (lowS + highS) / 2, interval: [lowS, highS] };
    });
    assert.is(refused.length, 0);
    assert.is(compared.length, records.length);
    for (const { ratio, isCovered } of compared) {
      assert.ok(Math.abs(ratio - 1) < 1e-12);
      assert.is(isCovered, true);
    }
    const all = groupRecords(compared).find(({ kind }) => kind === 'all')!;
    assert.is(all.coverage, 1);
    assert.ok(all.medianAbsoluteError < 1e-12);
  },
);

comparing('scaling a predictor scales every ratio, and groups add up', () => {
  const times = (factor: number) =>
    compareRecords(records, (record) => ({ stepS: factor * 1e4 * publishedTime(record).highS })).compared;
  const [once, twice] = [times(1), times(2)];
  for (const [index, { ratio }] of once.entries())
    assert.ok(Math.abs(twice[index]!.ratio / ratio - 2) < 1e-9);
  const groups = groupRecords(once);
  for (const kind of new Set(groups.map((group) => group.kind))) {
    const counts = groups.filter((group) => group.kind === kind).map(({ count }) => count);
    assert.is(
      counts.reduce((sum, count) => sum + count, 0),
      once.length,
    );
  }
  assert.is(groups[0]!.coverage, null);
});

comparing('open settings become variants, and the interval lies around those of all of them', () => {
  const [record] = readStepText(
    stepFileText({
      passes: null,
      guidance: null,
      compiled: null,
      unknown: { passes: [1, 2], guidance: ['none', 'sequential', 'parallel'], compiled: [true, false] },
    }),
  );
  const variants = closedRecords(record!);
  // Guidance in parallel takes two GPUs, and the record has one.
  assert.equal(
    variants.map(({ passes, guidance, compiled }) => `${passes} ${guidance} ${compiled}`),
    ['1 none true', '1 none false', '2 sequential true', '2 sequential false'],
  );
  const { compared } = compareRecords([record!], ({ passes }) => ({
    stepS: 0.1 * passes!,
    interval: [0.09 * passes!, 0.2 * passes!],
  }));
  assert.equal(compared[0]!.prediction.interval, [0.09, 0.4]);
  assert.is(compared[0]!.isCovered, false);
  assert.ok(Math.abs(compared[0]!.prediction.stepS - 0.1 * Math.SQRT2) < 1e-12);
});

comparing('one variant that cannot be predicted refuses the record', () => {
  const [record] = readStepText(stepFileText({ compiled: null, unknown: { compiled: [true, false] } }));
  const { compared, refused } = compareRecords([record!], ({ compiled }) =>
    compiled ? { reason: 'compiled' } : { stepS: 1 },
  );
  assert.is(compared.length, 0);
  assert.equal(
    refused.map(({ reason }) => reason),
    ['compiled'],
  );
});

const H100 = { card: 'h100-sxm', cardAsWritten: 'H100 SXM' };

interface PredictedDocument {
  plans: { stepTimeS: number; doubt: { stepS: [number, number] }; request?: { totalS: number } }[];
}

comparing('a prediction is what `chunkflow` says of the arguments of the same case', async () => {
  const variants = records
    .map((record) => closedRecords(record)[0]!)
    .filter((one) => !isNotPredicted(predictArguments(one)));
  assert.ok(variants.length > 100);
  // One of each tool and of each card, and one in fifteen, for the command searches break-even points too.
  const chosen = new Map([
    ...variants.map((one) => [one.tool, one] as const),
    ...variants.map((one) => [one.card, one] as const),
    ...variants.filter((_, index) => index % 15 === 0).map((one) => [one.id, one] as const),
  ]);
  for (const variant of new Set(chosen.values())) {
    const { stdout, stderr, code } = await runCli([...(predictArguments(variant) as string[]), '--json']);
    assert.is(code, 0, `${variant.id}: ${stderr}`);
    const [plan] = (JSON.parse(stdout) as PredictedDocument).plans;
    const [first] = closedFormPredictions(variant) as StepPrediction[];
    if ('stepS' in variant.measured) {
      assert.is(first!.stepS, plan!.stepTimeS, variant.id);
      assert.equal(first!.interval, plan!.doubt.stepS, variant.id);
    } else assert.is(first!.stepS, plan!.request!.totalS / variant.steps!, variant.id);
  }
});

comparing('a streaming plan takes longer than none, an exchange of components between steps does not', () => {
  const timeOf = (offload: Record<string, unknown>) => {
    const prediction = closedFormPredictor(readStepText(stepFileText({ ...H100, offload }))[0]!);
    return 'stepS' in prediction ? prediction.stepS : assert.unreachable(prediction.reason);
  };
  const noneS = timeOf({ kind: 'none', setting: 'none' })!;
  assert.ok(timeOf({ kind: 'layerwise', setting: 'layerwise', plan: 'layerwise' })! > 2 * noneS);
  assert.is(timeOf({ kind: 'component', setting: 'model offload' }), noneS);
});

comparing('a ring is predicted with its Ulysses groups, as `chunkflow predict --ring` says it', () => {
  const [record] = readStepText(stepFileText({ gpus: 4, card: 'h100-sxm', layout: { ulysses: 2, ring: 2 } }));
  const text = (predictArguments(record!) as string[]).join(' ');
  assert.match(text, /--sp 2 --tp 1 --cfg \w+ --ring 2/);
});

const NOT_PREDICTED: readonly [Record<string, unknown>, string][] = [
  [{ usedToTune: 'its machine' }, 'used to tune'],
  [{ catalogueModel: null }, 'model not in the catalogue'],
  [{ catalogueModel: 'flux.9' }, 'flux.9 not in the catalogue'],
  [{ card: 'a100-sxm-80gb', compute: 'fp8' }, 'products in fp8 on a100-sxm-80gb'],
  [{ attention: 'xformers' }, 'attention by xformers on h100-sxm'],
  [{ card: 'rtx-4000-ada' }, 'no card rtx-4000-ada'],
  [{ card: 'gb10' }, 'no machine of gb10'],
  [{ passes: 4, guidance: 'sequential' }, '4 passes of sequential guidance'],
  [{ gpus: 8, layout: { ulysses: 8, fsdp: true } }, 'weights sharded by FSDP'],
  [{ offload: { kind: 'leaf', setting: 'leaf_level' } }, 'offload of kind leaf without a plan'],
];
for (const [changes, reason] of NOT_PREDICTED) {
  comparing(`is not predicted: ${reason}`, () => {
    const [record] = readStepText(stepFileText({ ...H100, ...changes }));
    assert.equal(closedFormPredictor(record!), { reason });
    assert.equal(predictArguments(record!), { reason });
  });
}

comparing.run();

const command = suite('chunkflow validate published-steps');
const folder = mkdtempSync(join(tmpdir(), 'published-steps-'));
writeFileSync(
  join(folder, 'steps.yaml'),
  stepFileText(H100, [
    { id: 'b', attention: 'fa3' },
    { id: 'c', compute: 'bf16', usedToTune: 'its host' },
  ]),
);
const asked = ['validate', 'published-steps', '--folder', folder];

command('prints the figures of a folder as a table, a document of its schema, and commands', async () => {
  const text = await runCli(asked);
  assert.is(text.code, 0);
  assert.match(text.stdout, /^2 step times that others have published, predicted; 1 not\n/);
  assert.match(text.stdout, /used to tune +1/);
  const { stdout } = await runCli([...asked, '--json']);
  const document = documentFormats['published-steps'].parse(JSON.parse(stdout));
  assert.equal(
    document.figures.map(({ id }) => id),
    ['a', 'b'],
  );
  for (const { intervalS, isHeld, publishedS } of document.figures)
    assert.is(isHeld, intervalS!.low <= publishedS.high && publishedS.low <= intervalS!.high);
  assert.equal(document.notPredicted, [{ reason: 'used to tune', count: 1 }]);
  const commands = await runCli([...asked, '--commands']);
  assert.match(commands.stdout, /^chunkflow predict --model flux\.1-dev .* # a\nchunkflow predict .* # b\n$/);
});

const REFUSED: readonly [string[], RegExp][] = [
  [['--machine', 'h200-x1'], /leave out --machine h200-x1/],
  [['--profiles', folder], /leave out --profiles/],
  [['--fail-above', 'simulated=3%'], /leave out --fail-above simulated=3%/],
  [['--json', '--commands'], /give one of both/],
  [['more.jsonl'], /takes no datasets beside it/],
];
for (const [more, message] of REFUSED) {
  command(`refuses ${more.join(' ')}`, async () => {
    const { stdout, stderr, code } = await runCli([...asked, ...more]);
    assert.equal([stdout, code], ['', 2]);
    assert.match(stderr, message);
  });
}

command('its flags are refused elsewhere', async () => {
  for (const flag of [['--commands'], ['--folder', folder]]) {
    const { stderr, code } = await runCli(['validate', 'published', ...flag]);
    assert.is(code, 2);
    assert.match(stderr, /of `validate published-steps`; leave it out/);
  }
});

command.after(() => rmSync(folder, { recursive: true }));
command.run();

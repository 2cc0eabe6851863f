import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { Prediction } from '../../../documents/prediction.ts';
import { predictionQuestion } from '../../../explorer/page/model/questions.ts';
import { plain, verdictOf } from '../../../explorer/page/text/verdictSentence.ts';
import { type ExplorerState, stateOf } from '../../../explorer/state.ts';
import { predict } from '../../../library/index.ts';
import { packageRoot } from '../../../model/input/packageFiles.ts';
import { planDocument } from '../../../model/plan/planDocument.ts';
import { FILES } from '../../../model/scenario/files.ts';
import { scenarioOf } from '../../../model/scenario/scenario.ts';
import { accessibilityFaults } from '../../browser/accessibility.ts';
import { runCli } from '../../support/runCli.ts';
import { skip } from '../../support/skip.ts';
import { ExplorerPages } from './explorerPages.ts';

const test = suite("the explorer's page");

const pages = await ExplorerPages.launch();

const WAN: ExplorerState = {
  ...{ model: 'wan2.1-t2v-14b', size: '832x480x81', machine: 'h200-x2', plan: ['layerwise', 'yield'] },
};
const FLUX: ExplorerState = {
  ...{ model: 'flux.1-dev', size: '1024x1024', machine: 'rtx-4090', gpus: '2', gpuMemory: '8GiB' },
  plan: ['layerwise', 'yield,resident=0.2'],
};

/** The sentence that the library's own prediction gives. */
const expected = (state: ExplorerState, capBytes: number | null = null): string =>
  plain(verdictOf(predict(predictionQuestion(state)), capBytes).phrases);

/** Words as a shell without expansions takes them apart. */
const wordsOf = (command: string): string[] =>
  [...command.matchAll(/'((?:[^']|'\\'')*)'|(\S+)/g)].map(([, quoted, bare]) => quoted ?? bare!);

const HOSTILE = `<img src=x onerror="document.title='taken'">'"&amp; ‮live‬ ${'long'.repeat(60)}`;

if (typeof pages === 'string') {
  skip(test, "the explorer's page", pages);
} else {
  test.after(() => pages.close());

  for (const widthPx of [390, 1440])
    for (const scheme of ['light', 'dark'] as const)
      test(`${widthPx} px, ${scheme}: in order, accessible, nothing asked of others, nothing cut off`, async () => {
        const explorer = await pages.open(FLUX, { widthPx, scheme });
        await explorer.page.evaluate(
          `for (const details of document.querySelectorAll('details')) details.open = true`,
        );
        assert.equal(await accessibilityFaults(explorer.page), []);
        assert.equal(explorer.complaints(), []);
        const beyond = await explorer.page.evaluate(
          `document.documentElement.scrollWidth - document.documentElement.clientWidth`,
        );
        assert.is(beyond, 0, 'the page scrolls sideways');
      });

  test('says what the library says', async () => {
    const explorer = await pages.open(WAN);
    assert.is(await explorer.verdict(), expected(WAN));
    assert.equal(explorer.complaints(), []);
  });

  test('a slider moves the verdict, and the address, and back', async () => {
    const explorer = await pages.open(WAN);
    await explorer.page.focus('input[type=range][aria-label=Width]');
    await explorer.press('ArrowRight', 'ArrowRight', 'ArrowRight', 'ArrowRight');
    await explorer.drawn();
    const wider = { ...WAN, size: '896x480x81' };
    assert.is(await explorer.value('#width'), '896');
    assert.is(await explorer.verdict(), expected(wider));
    await explorer.until(`location.hash.includes('896x480x81')`);
    assert.equal(stateOf(explorer.page.url()), wider);
    const again = await pages.open(stateOf(explorer.page.url()));
    assert.is(await again.value('#width'), '896');
    assert.is(await again.verdict(), await explorer.verdict());
  });

  test('an old number is never beside a new control without being marked', async () => {
    const explorer = await pages.open(WAN);
    // Each frame: whether the verdict is marked, and which width it is of.
    await explorer.page.evaluate(`{
      window.seen = [];
      const look = () => {
        const verdict = document.querySelector('.verdict');
        seen.push([document.querySelector('#width').value, verdict.classList.contains('stale'), verdict.querySelector('#verdict').textContent]);
        requestAnimationFrame(look);
      };
      look();
    }`);
    await explorer.page.focus('input[type=range][aria-label=Width]');
    await explorer.press(...Array.from({ length: 10 }, () => 'ArrowRight'));
    await explorer.drawn();
    const seen = (await explorer.page.evaluate('seen')) as [string, boolean, string][];
    const firm = new Map<string, Set<string>>();
    for (const [width, isStale, text] of seen)
      if (!isStale) firm.set(width, (firm.get(width) ?? new Set()).add(text));
    assert.ok(firm.size >= 2, 'the first and the last width were answered');
    for (const [width, texts] of firm) {
      assert.is(texts.size, 1, `${width}: ${[...texts].join(' | ')}`);
      assert.is([...texts][0], expected({ ...WAN, size: `${width}x480x81` }), width);
    }
  });

  test('by keyboard alone: another model, a plan, a search, its plan as B', async () => {
    const explorer = await pages.open(FLUX);
    await explorer.tabTo('#model');
    await explorer.press('ArrowDown');
    await explorer.page.keyboard.type('schnell');
    await explorer.press('Backspace', 'Backspace', 'Enter');
    await explorer.drawn();
    assert.is(await explorer.value('#model'), 'flux.1-schnell');
    await explorer.tabTo('#preset-A');
    await explorer.page.keyboard.type('chunked');
    await explorer.drawn();
    assert.match(explorer.page.url() + (await explorer.text('#command')), /--plan chunked/);
    const before = await explorer.verdict();
    await explorer.tabTo('#search');
    await explorer.press('Space');
    await explorer.until(`document.querySelector('#adopt')`);
    await explorer.tabTo('#adopt');
    await explorer.press('Enter');
    await explorer.until(`document.querySelector('#preset-B').value.endsWith('.json')`);
    await explorer.drawn();
    const found = /([\d,.]+) ms/.exec(await explorer.text('.found'))![1];
    const verdict = await explorer.verdict();
    assert.is.not(verdict, before);
    assert.match(verdict, /^B, /);
    assert.ok(verdict.includes(`takes ${found} ms`), `${verdict} does not say ${found} ms`);
    assert.match(await explorer.text('.needs'), /needs the file best-\d+ms\.json/);
    assert.equal(explorer.complaints(), []);
  });

  test('wrong input has its line beside the control, and the last answer stays, marked', async () => {
    const explorer = await pages.open(WAN);
    const before = await explorer.verdict();
    await explorer.write('#width', '8<b>0');
    await explorer.until(`document.querySelector('#width-mistake')`);
    assert.match(await explorer.text('#width-mistake'), /8<b>0/);
    assert.is(await explorer.page.evaluate(`document.querySelector('#width').ariaInvalid`), 'true');
    assert.is(await explorer.page.evaluate(`document.querySelectorAll('.mistake').length`), 1);
    assert.is(await explorer.verdict(), before);
    assert.is(await explorer.page.evaluate(`document.querySelectorAll('.stale').length >= 5`), true);
    assert.equal(await accessibilityFaults(explorer.page), []);
    await explorer.write('#width', '832');
    await explorer.drawn();
    assert.is(await explorer.page.evaluate(`document.querySelector('.mistake')`), null);
    assert.is(await explorer.verdict(), before);
  });

  test('a machine file that is dropped is the machine, and hostile names are text', async () => {
    const explorer = await pages.open(WAN);
    const machine = readFileSync(join(packageRoot, 'model', 'systems', 'h200-x2.yaml'), 'utf8').replace(
      /^name: .*$/m,
      `name: ${JSON.stringify(HOSTILE)}`,
    );
    const name = `<img src=x onerror=alert(1)> & "pair".yaml`;
    await explorer.drop(name, machine);
    await explorer.until(`document.querySelector('#machine').value.endsWith('.yaml')`);
    await explorer.drawn();
    assert.is(await explorer.value('#machine'), name);
    assert.is(await explorer.verdict(), expected(WAN));
    assert.ok((await explorer.texts('.notes bdi')).includes(HOSTILE), 'the name is shown as it is');
    assert.is(await explorer.page.evaluate(`document.querySelector('#explorer img, #explorer b')`), null);
    assert.is.not(await explorer.page.title(), 'taken');
    const beyond = await explorer.page.evaluate(
      `document.documentElement.scrollWidth - document.documentElement.clientWidth`,
    );
    assert.is(beyond, 0, 'a long name widens the page');
    assert.equal(explorer.complaints(), []);
  });

  test("a plan's file that is dropped is plan B, whatever it is called", async () => {
    const explorer = await pages.open(WAN, { widthPx: 390 });
    const scenario = scenarioOf({ ...WAN, plan: ['yield'] }, FILES);
    const plan = { ...planDocument(scenario.plans[0]!, scenario.workload), name: HOSTILE };
    await explorer.drop('hostile.json', JSON.stringify(plan));
    await explorer.until(`document.querySelector('#preset-B').value === 'hostile.json'`);
    await explorer.drawn();
    const verdict = await explorer.page.evaluate(`document.querySelector('#verdict').textContent`);
    assert.ok(String(verdict).startsWith(`B, ${HOSTILE}, takes 3,661 ms a step`), String(verdict));
    assert.is(await explorer.page.evaluate(`document.querySelector('#verdict bdi').textContent`), HOSTILE);
    assert.is(await explorer.page.evaluate(`document.querySelector('#explorer img, #explorer b')`), null);
    const beyond = await explorer.page.evaluate(
      `document.documentElement.scrollWidth - document.documentElement.clientWidth`,
    );
    assert.is(beyond, 0, 'a long name widens the page');
    assert.equal(await accessibilityFaults(explorer.page), []);
    assert.equal(explorer.complaints(), []);
  });

  test('a profile that is dropped is the model, and another model takes its place', async () => {
    const explorer = await pages.open({ ...WAN, sp: 2 });
    const profile = readFileSync(
      join(packageRoot, 'experiments', 'profile', 'synthetic-dit.profile.json'),
      'utf8',
    );
    await explorer.drop('notes.txt', 'hello');
    await explorer.until(`document.querySelector('.mistake.general')`);
    assert.match(await explorer.text('.mistake.general'), /notes\.txt/);
    await explorer.drop('my profile.json', profile);
    await explorer.until(`document.querySelector('#model').value === 'my profile.json'`);
    await explorer.drawn();
    assert.is(await explorer.page.evaluate(`document.querySelector('.mistake, #width, #sp')`), null);
    assert.match(await explorer.text('#command'), /--profile 'my profile\.json' --machine h200-x2/);
    assert.match(await explorer.text('.needs'), /needs the file my profile\.json/);
    await explorer.page.focus('#model');
    await explorer.press('ArrowDown');
    await explorer.page.keyboard.type('mochi');
    await explorer.press('Enter');
    await explorer.drawn();
    const { size: _, ...where } = WAN;
    assert.is(await explorer.verdict(), expected({ ...where, model: 'mochi-1-10b' }));
    assert.equal(explorer.complaints(), []);
  });

  test('the command line that it prints gives the same numbers', async () => {
    const explorer = await pages.open(FLUX);
    const [program, ...args] = wordsOf(await explorer.text('#command'));
    assert.is(program, 'chunkflow');
    const { code, stdout, stderr } = await runCli([...args, '--json']);
    assert.is(code, 0, stderr);
    const { plans } = JSON.parse(stdout) as Prediction;
    await explorer.page.evaluate(`document.querySelector('#step details').open = true`);
    const cells = await explorer.texts('#step tbody tr:first-child td');
    assert.equal(
      cells.map((cell) => Number(cell.replaceAll(',', ''))),
      plans.map(({ stepTimeS }) => Number((1e3 * stepTimeS).toFixed(1))),
    );
    const points = await explorer.texts('#break-even tbody tr:first-child td');
    const tokens = plans
      .slice(0, 2)
      .map((plan) => Math.round(plan.breakEven.tokens!).toLocaleString('en-US'));
    assert.equal(points.slice(1), tokens);
  });

  test('a screen reader hears the verdict once a drag has ended, and has every figure as words and table', async () => {
    const explorer = await pages.open(WAN);
    await explorer.until(`document.querySelector('.verdict [role=status]').textContent !== ''`);
    await explorer.page.evaluate(`{
      window.spoken = 0;
      new MutationObserver(() => { spoken += 1; }).observe(document.querySelector('.verdict [role=status]'), { childList: true, characterData: true, subtree: true });
    }`);
    await explorer.page.focus('input[type=range][aria-label=Width]');
    await explorer.press(...Array.from({ length: 8 }, () => 'ArrowRight'));
    await explorer.drawn();
    const verdict = await explorer.verdict();
    await explorer.until(
      `document.querySelector('.verdict [role=status]').textContent === document.querySelector('#verdict').textContent`,
    );
    assert.is(await explorer.page.evaluate('spoken'), 1, verdict);
    const figures = (await explorer.page.evaluate(`[...document.querySelectorAll('figure')].map((figure) => [
      figure.id,
      document.getElementById(figure.getAttribute('aria-describedby')).textContent.length,
      figure.querySelectorAll('table tbody tr').length,
    ])`)) as [string, number, number][];
    assert.equal(
      figures.map(([id]) => id),
      ['step', 'memory', 'break-even', 'timeline'],
    );
    for (const [id, words, rows] of figures) assert.ok(words > 40 && rows >= 3, `${id}: ${words}, ${rows}`);
  });

  test('a link that is wrong says so, and the page works', async () => {
    const explorer = await pages.open(WAN);
    await explorer.page.evaluate(`location.hash = '#modle=x'`);
    await explorer.until(`document.querySelector('.mistake.general')`);
    assert.match(
      await explorer.text('.mistake.general'),
      /"modle" is no field of a link; the nearest are model/,
    );
    await explorer.drawn();
    assert.match(await explorer.verdict(), /^[AB], /);
  });
}

test.run();

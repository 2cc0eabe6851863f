import { createHash } from 'node:crypto';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { experimentReport } from '../../report/experiment/experimentReport.ts';
import { reportHtml } from '../../report/html/html.ts';
import { reportMarkdown } from '../../report/markdown/markdown.ts';
import { runCli } from '../support/runCli.ts';
import { hostileSteps } from './hostileSteps.ts';
import { chartsOf, commandsOf, partsOf, tableOf } from './reportParts.ts';

const FILE = 'experiments/pair/host-b/pair-nvlink.jsonl';
const MACHINE = 'h200-x2-fitted';

const reports = suite('the report of an experiment');
const folder = mkdtempSync(join(tmpdir(), 'chunkflow-report-'));
reports.after(() => rmSync(folder, { recursive: true }));
const report = experimentReport({ files: [FILE], machine: MACHINE, choices: null });

/** A shell's words of a command that quotes nothing. */
const words = (command: string) => command.split(' ').slice(1);

reports('its figures are those that `validate` prints', async () => {
  const { stdout } = await runCli(['validate', FILE, '--machine', MACHINE, '--worst', '16', '--json']);
  const printed = JSON.parse(stdout);
  const [, ...figures] = tableOf(report, 'errors-simulated').rows.at(-1)!;
  const { n, mape, bias, median, p95, largest } = printed.all.simulated;
  const { within5Percent, covered, noise } = printed.all;
  const percent = [mape, bias, median, p95, largest, within5Percent, covered, noise].map(
    (share) => share * 100,
  );
  assert.equal(figures, [n, ...percent]);
  assert.equal(
    tableOf(report, 'order').rows.map((row) => row.slice(1)),
    printed.orders.map((order: Record<string, number>) => [
      ...[order.right, order.wrong, order.withoutOrder, order.kendallTau, order.tauOfAllPairs],
    ]),
  );
  const errors = tableOf(report, 'every-step').rows.map((row) => row[8]);
  assert.equal(
    [...errors].sort(),
    printed.worst.map(({ simulatedError }: { simulatedError: number }) => simulatedError * 100).sort(),
  );
});

reports('the verdict stands first and rests on what it names', () => {
  const { standing, says, findings } = report.verdict;
  assert.is(standing, 'in part');
  assert.match(
    says,
    /^These 16 steps are predicted in part, 95 of 100 within 5\.2 %; weak: simulated step times,/,
  );
  assert.is(findings.length, 6);
  const html = reportHtml(report);
  assert.ok(html.indexOf('These 16 steps') < html.indexOf('id="predictions"'));
  const markdown = reportMarkdown(report);
  assert.ok(markdown.indexOf('Verdict: in part') < markdown.indexOf('## '));
});

reports('every command that it shows runs, and draws or prints', async () => {
  const commands = commandsOf(report);
  assert.ok(commands.length >= 7, commands.join('\n'));
  for (const command of commands) {
    const args = words(command);
    const out = args.indexOf('--out') + 1;
    if (out > 0) args[out] = join(folder, args[out]!);
    const { code, stdout, stderr } = await runCli(args);
    assert.is(code, 0, `${command}\n${stderr}`);
    assert.ok(stdout.length > 0, command);
    if (out > 0) assert.ok(readFileSync(args[out]!).length > 1000, command);
  }
});

reports('every chart says in words what is seen, with its figures', () => {
  for (const { says, command } of chartsOf(report)) {
    assert.match(says, /\d/);
    assert.match(command, /^chunkflow plot /);
  }
});

reports('machine and environment: each number with its provenance, each file by its content', () => {
  const numbers = tableOf(report, 'machine-numbers');
  assert.ok(numbers.rows.length > 50);
  assert.ok(
    numbers.rows.every(([, , from]) =>
      ['fitted', 'measured', 'default', 'datasheet', 'published'].includes(String(from)),
    ),
  );
  const sha256 = createHash('sha256').update(readFileSync(FILE)).digest('hex');
  assert.equal(tableOf(report, 'files').rows, [[FILE, readFileSync(FILE).length, sha256]]);
  const facts = new Map(partsOf(report).flatMap((part) => (part.kind === 'facts' ? part.facts : [])));
  assert.is(facts.get('driver'), '580.159.04');
  assert.match(facts.get('measured') ?? '', /^2026-\d\d-\d\dT.* to 2026-/);
});

reports('the same files give the same bytes', () => {
  const again = experimentReport({ files: [FILE], machine: MACHINE, choices: null });
  assert.is(reportHtml(again), reportHtml(report));
  assert.is(reportMarkdown(again), reportMarkdown(report));
});

reports('choices are held against the best that was measured', () => {
  const files = ['steps', 'choices'].map((name) => `experiments/pair/host-b/pair-${name}.jsonl`);
  const lines = files.map((file) => readFileSync(file, 'utf8').split('\n'));
  const own = lines.flat().filter((line) => line.includes('"id":"flux.1-dev-1536x1536-b4-sp2"'));
  const some = join(folder, 'flux.jsonl');
  writeFileSync(some, `${own.join('\n')}\n`);
  const chosen = experimentReport({
    ...{ files: [some], machine: MACHINE },
    choices: { file: 'experiments/pair/pair-choices.yaml', modes: ['eager'] },
  });
  const regret = tableOf(chosen, 'regret');
  assert.is(regret.rows.length, 4);
  const about = chosen.verdict.findings.find((finding) => finding.about === 'choices')!;
  assert.match(about.says, /^4 choices \(1 distinct plans\) are 0\.\d\d % slower on average/);
  assert.is(chartsOf(chosen).filter(({ id }) => id.startsWith('front-')).length, 1);
});

reports('hostile names are text in HTML: no element, attribute or script comes of them', () => {
  const file = hostileSteps(folder);
  const html = reportHtml(experimentReport({ files: [file], machine: MACHINE, choices: null }));
  // Outside of scripts no name opens an element, and inside of them none ends one.
  assert.is(html.split('<script').length - 1, html.split('</script>').length - 1);
  const markup = html.replaceAll(/<script[^>]*>.*?<\/script>/gs, '');
  for (const sign of ['<img', 'onerror="', "onmouseover='", '<!-- '])
    assert.not.ok(markup.includes(sign), sign);
  assert.ok(markup.includes('&lt;/script&gt;&lt;script&gt;window.hit'));
  assert.ok(html.includes('\\u003c/script>\\u003cscript>window.hit'));
});

reports('hostile names are text in Markdown', () => {
  const text = reportMarkdown(
    experimentReport({ files: [hostileSteps(folder)], machine: MACHINE, choices: null }),
  );
  const outside = text
    .replaceAll(/^(`{3,})sh\n.*?\n\1$/gms, '')
    .replaceAll(/(`+)[^`](?:.*?[^`])?\1(?!`)/g, '');
  for (const sign of ['<img', '<script', '\u202e', '[link](', ' @everyone'])
    assert.not.ok(outside.includes(sign), sign);
  const rows = text.split('\n').filter((line) => line.startsWith('| '));
  assert.ok(rows.length > 20);
});

reports('a file name with quotes is one word of the commands', () => {
  const file = hostileSteps(folder);
  assert.ok(existsSync(file));
  const hostile = experimentReport({ files: [file], machine: MACHINE, choices: null });
  assert.ok(
    commandsOf(hostile).every(
      (command) => !command.includes(' <c>') || command.includes("'\\''b <c>.jsonl'"),
    ),
  );
});

reports.run();

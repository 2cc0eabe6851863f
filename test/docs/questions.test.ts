import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { packageRoot } from '../../model/input/packageFiles.ts';
import {
  argumentsOf,
  printedBlocks,
  quotedCommands,
  shownText,
  withPrinted,
} from '../support/printedBlocks.ts';
import { runCli } from '../support/runCli.ts';

/**
 * docs/questions.md: every command of it is run, and prints what the page shows. After a change that is meant, `UPDATE=1 npx tsx
 * test/docs/questions.test.ts` writes the page's blocks anew and names the questions whose sentences are to be read again.
 */
const PAGE = join(packageRoot, 'docs', 'questions.md');
const page = readFileSync(PAGE, 'utf8');
const blocks = printedBlocks(page);

const test = suite('questions');

const printed: string[] = [];
for (const { args, shown, printed: onPage } of blocks) {
  test(`chunkflow ${args.join(' ')}`, async () => {
    const { code, stdout, stderr } = await runCli(args);
    assert.ok(code === 0 || code === 2, stderr);
    // A refusal is an answer, too.
    const now = shownText(code === 0 ? stdout : stderr, shown);
    printed.push(now);
    if (process.env.UPDATE !== '1') assert.fixture(onPage, now);
  });
}

for (const { args, texts } of quotedCommands(page)) {
  test(`chunkflow ${args.join(' ')}, quoted`, async () => {
    const { code, stdout, stderr } = await runCli(args);
    assert.is(code, 0, stderr);
    for (const text of texts) assert.ok(stdout.includes(text), `${text}: ${stdout}`);
  });
}

test('every command of the page is run, and every question has one and its threads', () => {
  assert.is(blocks.length, page.match(/^```sh$/gm)?.length);
  assert.is(2 * blocks.length, page.match(/^```$/gm)!.length - blocks.length);
  const questions = page.split(/^## (?=\d)/m).slice(1);
  assert.ok(questions.length >= 10);
  for (const [index, question] of questions.entries()) {
    const title = question.slice(0, question.indexOf('\n'));
    assert.ok(title.startsWith(`${index + 1}. `), title);
    assert.ok(printedBlocks(question).length > 0, title);
    assert.match(question, /\]\(https:\/\/github\.com\/[^)]+\/(?:issues|pull)\/\d+\)/, title);
  }
});

const OUTPUT = [
  'a first line',
  '',
  'plan    step ms  GPU GiB  bound by',
  '------  -------  -------  --------',
  'none    1,000.0     12.0  compute',
  'stream  2,000.0      3.4  link',
  '',
  `${'word '.repeat(30)}end`,
  'last',
  '',
].join('\n');

test('a page shows whole lines, and ... for what it leaves out', () => {
  const shown = (lines: RegExp[], columns: string[] = []) => shownText(OUTPUT, { lines, columns });
  assert.is(shown([/^a first/, /^last/]), 'a first line\n...\nlast\n');
  assert.is(
    shown([/^stream/]),
    '...\nplan    step ms  GPU GiB  bound by\n------  -------  -------  --------\n...\nstream  2,000.0      3.4  link\n...\n',
  );
  assert.is(
    shown([/^none|^stream/, /^last/], ['plan', 'GPU GiB']),
    '...\nplan    GPU GiB\n------  -------\nnone       12.0\nstream      3.4\n...\nlast\n',
  );
});

test('a page folds long lines', () => {
  const [, ...lines] = shownText(OUTPUT, { lines: [/^word/], columns: [] }).split('\n');
  assert.ok(lines.every((line) => line.length <= 100));
  assert.is(lines.length, 4);
  assert.match(lines[1]!, /^ {4}word .*end$/);
});

test('a page that would show less than it means to is refused', () => {
  assert.throws(() => shownText(OUTPUT, { lines: [/^chunked/], columns: [] }), /no line has/);
  assert.throws(
    () => shownText(OUTPUT, { lines: [/^none/], columns: ['plan', 'seconds'] }),
    /column seconds/,
  );
});

test('commands of a page are what a shell makes of them', () => {
  assert.equal(argumentsOf('chunkflow predict --size 1x1 \\\n    --set host.memory="32 GB"'), [
    ...['predict', '--size', '1x1', '--set', 'host.memory=32 GB'],
  ]);
});

test('blocks are written where they were read', () => {
  const written = withPrinted(
    page,
    blocks,
    blocks.map((_, index) => `text ${index}\n`),
  );
  assert.equal(
    printedBlocks(written).map(({ printed: text }) => text),
    blocks.map((_, index) => `text ${index}\n`),
  );
  assert.is(
    withPrinted(
      page,
      blocks,
      blocks.map(({ printed: text }) => text),
    ),
    page,
  );
});

test.after(() => {
  if (process.env.UPDATE !== '1' || printed.length !== blocks.length) return;
  writeFileSync(PAGE, withPrinted(page, blocks, printed));
  const changed = blocks.filter(({ printed: onPage }, index) => onPage !== printed[index]);
  const questions = changed.map(({ from }) =>
    page
      .slice(0, from)
      .match(/^## .*$/gm)
      ?.at(-1),
  );
  for (const question of new Set(questions)) console.log(`read again: ${question}`);
});

test.run();

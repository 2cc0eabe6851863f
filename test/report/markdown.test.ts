import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { markdownCell, markdownCode, markdownText } from '../../report/markdown/escape.ts';

const markdown = suite('names in Markdown');

/** A name, and what stands for it in a sentence and in a cell. */
const NAMES: readonly [name: string, text: string, cell: string][] = [
  ['yield at 4 MiB', 'yield at 4 MiB', 'yield at 4 MiB'],
  ['87.5 % of them', '87.5 % of them', '87.5 % of them'],
  ['a|b', 'a\\|b', '`a\\|b`'],
  ['<img src=x>', '&lt;img src=x&gt;', '`<img src=x>`'],
  ['*bold* _it_', '\\*bold\\* \\_it\\_', '`*bold* _it_`'],
  ['[a](b)', '\\[a\\](b)', '`[a](b)`'],
  ['`code`', '\\`code\\`', '`` `code` ``'],
  ['a ``` b', 'a \\`\\`\\` b', '````a ``` b````'],
  ['@everyone', '@<!-- -->everyone', '`@everyone`'],
  ['see #12', 'see #<!-- -->12', '`see #12`'],
  ['http://a.example', 'http://<!-- -->a.example', '`http://a.example`'],
  ['# title', '\\# title', '`# title`'],
  ['1. one', '1\\. one', '1. one'],
  ['- item', '\\- item', '- item'],
  ['two\nlines', 'two\\u000alines', '`two\\u000alines`'],
  ['\u202egnp', '\\u202egnp', '`\\u202egnp`'],
  ['$x$ ~y~', '\\$x\\$ \\~y\\~', '`$x$ ~y~`'],
];

for (const [name, text, cell] of NAMES)
  markdown(`${JSON.stringify(name)} is text`, () => {
    // What is written out by its code point has a backslash of its own.
    const plain = (shown: string) => shown.replaceAll('\\\\u', '\\u');
    assert.is(plain(markdownText(name)), text);
    assert.is(markdownCell(name), cell);
  });

markdown('code stands behind a fence that it does not contain', () => {
  assert.is(markdownCode('a\n```\nb', 'sh'), '````sh\na\n```\nb\n````');
});

markdown.run();

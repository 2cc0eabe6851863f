import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { formatTable } from '../../cli/text/table.ts';

const test = suite('table');

test('text to the left, numbers to the right with their decimals, no answer as a dash', () => {
  const rows = [
    { name: 'none', ms: 1302 },
    { name: 'yield', ms: null },
    { name: 'paced', ms: 7.25 },
  ];
  const text = formatTable<(typeof rows)[number]>(
    [
      { header: 'plan', value: (row) => row.name },
      { header: 'step ms', value: (row) => row.ms, digits: 1 },
    ],
    rows,
  );
  assert.equal(text.split('\n'), [
    'plan   step ms',
    '-----  -------',
    'none   1,302.0',
    'yield        -',
    'paced      7.3',
    '',
  ]);
});

test('no rows leave the header', () => {
  assert.is(formatTable([{ header: 'a', value: () => '' }], []), 'a\n-\n');
});

test.run();

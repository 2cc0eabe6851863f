import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { CollectiveKind } from '../../../model/dit/kinds.ts';
import { ncclTestsReadings } from '../../../studies/imports/ncclTests.ts';
import { ncclTestsJsonReadings } from '../../../studies/imports/ncclTestsJson.ts';
import { sentBytesOf } from '../../../studies/imports/ncclTestsRun.ts';
import { fixtureText, refuses } from './fixtureText.ts';

const MiB = 1024 * 1024;

const given = suite('output of nccl-tests');

// Line, collective, ranks, bytes that a rank sends, seconds, buffers.
const EXPECTED: [file: string, readings: [number, CollectiveKind, number, number, number, string][]][] = [
  [
    'alltoall.txt',
    [
      [14, 'all-to-all', 2, MiB / 2, 60.5e-6, 'out-of-place'],
      [15, 'all-to-all', 2, 2 * MiB, 110.25e-6, 'out-of-place'],
    ],
  ],
  [
    'two-programs.txt',
    [
      [16, 'all-reduce', 4, 1.5 * MiB, 80e-6, 'out-of-place'],
      [16, 'all-reduce', 4, 1.5 * MiB, 81.5e-6, 'in-place'],
      [36, 'all-gather', 4, 3 * MiB, 200e-6, 'out-of-place'],
      [36, 'all-gather', 4, 3 * MiB, 190e-6, 'in-place'],
    ],
  ],
];

for (const [file, expected] of EXPECTED) {
  given(`${file}: readings`, () => {
    const { readings } = ncclTestsReadings(fixtureText(file));
    assert.is(readings.length, expected.length);
    for (const [index, [line, collective, ranks, sentBytes, seconds, buffers]] of expected.entries()) {
      const { seconds: got, ...rest } = readings[index]!;
      assert.equal(rest, {
        source: `${file}:${line}`,
        kind: 'collective',
        collective,
        ranks,
        sentBytes,
        buffers,
      });
      assert.ok(Math.abs(got / seconds - 1) < 1e-12, `${got} s`);
    }
  });
}

given(
  'sent bytes over seconds is the bus bandwidth that the row prints, once for each direction of a ring',
  () => {
    // 4 MiB over 4 ranks in 200 us: algbw 20.97, busbw 15.73 GB/s.
    assert.ok(Math.abs(sentBytesOf('all-gather', 4 * MiB, 4) / 200e-6 / 1e9 - 15.73) < 0.005);
  },
);

const NOTES: [what: string, file: string, piece: string | RegExp, by: string, note: RegExp][] = [
  ['size 0', 'alltoall.txt', '', '', /^alltoall\.txt:13: 1 rows of size 0; left out/],
  ['in place', 'alltoall.txt', '', '', /^alltoall\.txt:14: 2 in-place times of all-to-all/],
  ['other lines', 'two-programs.txt', '', '', /^two-programs\.txt:15: 1 lines that are none of nccl-tests/],
  ['ended early', 'alltoall.txt', /# Out of[\s\S]*/, '', /no line "# Out of bounds values"; it ended early/],
  [
    'unchecked',
    'alltoall.txt',
    /(17\.33 +8\.67 +)0/,
    '$1N/A',
    /^alltoall\.txt:14: 1 rows whose results were not checked/,
  ],
  ['two hosts', 'alltoall.txt', /(Rank +1 .* on +)box/, '$1bin', /the ranks are on 2 hosts/],
];

for (const [what, file, piece, by, note] of NOTES) {
  given(`note: ${what}`, () => {
    const { notes } = ncclTestsReadings(fixtureText(file, piece, by));
    assert.ok(
      notes.some((one) => note.test(one)),
      notes.join('\n'),
    );
  });
}

given('the caller names the program where the output does not', () => {
  const text = fixtureText('alltoall.txt', /# Collective test starting.*\n/);
  assert.is(ncclTestsReadings(text, 'all-gather').readings[0]!.collective, 'all-gather');
  refuses(() => ncclTestsReadings(text), /^alltoall\.txt:3: the output does not name its program/);
});

given('a time stamp is two values of one column', () => {
  const text = fixtureText('alltoall.txt', /N\/A\n/g, 'N/A  2026-01-02 03:04:05\n');
  const stamped = {
    ...text,
    lines: text.lines.map((line) => (/ size .*count/.test(line) ? `${line} timestamp` : line)),
  };
  assert.is(ncclTestsReadings(stamped).readings.length, 2);
});

given('a header without root, as older all-gathers have it', () => {
  const header =
    '#       size         count    type     time   algbw   busbw  error     time   algbw   busbw  error';
  const row =
    '     1048576         32768   float   162.1    6.47    3.23  0e+00    162.0    6.47    3.24  0e+00';
  const lines = fixtureText('alltoall.txt').lines.slice(3, 8);
  const text = { file: 'old.txt', text: '', lines: [...lines, header, row] };
  const { readings } = ncclTestsReadings(text, 'all-gather');
  assert.equal(
    readings.map(({ seconds, sentBytes }) => [seconds, sentBytes]),
    [
      [162.1 / 1e6, MiB / 2],
      [162 / 1e6, MiB / 2],
    ],
  );
});

given('an in-place time stands in its own half of the row', () => {
  const text = fixtureText('two-programs.txt', '81.50   12.87   19.30', '160.00    6.55    9.83');
  assert.equal(
    ncclTestsReadings(text)
      .readings.slice(0, 2)
      .map(({ seconds }) => seconds),
    [80 / 1e6, 160 / 1e6],
  );
});

const JSON_EXPECTED = [
  [MiB / 2, 60.5e-6, 'out-of-place'],
  [MiB / 2, 61e-6, 'in-place'],
  [2 * MiB, 110.25e-6, 'out-of-place'],
];

given('JSON: times, ranks of a process that lists its first GPU, and what was not run', () => {
  const { readings, notes, devices } = ncclTestsJsonReadings(fixtureText('all-gather.json'));
  assert.equal(
    readings.map(({ sentBytes, seconds, buffers }) => [sentBytes, seconds, buffers]),
    JSON_EXPECTED,
  );
  assert.ok(readings.every(({ ranks, collective }) => ranks === 2 && collective === 'all-gather'));
  assert.equal(devices, ['Made-up GPU']);
  assert.match(notes.join('\n'), /1 rows whose results were not checked/);
});

given('JSON: ranks that are all listed', () => {
  const text = fixtureText('all-gather.json', /(\{"rank":0[^}]*\})/, '$1,$1');
  assert.ok(ncclTestsJsonReadings(text).readings.every(({ ranks }) => ranks === 2));
});

given('JSON: two objects in one file, one of another program', () => {
  const one = fixtureText('all-gather.json').text;
  const text = `${one}${one.replace('all_gather_perf', 'broadcast_perf')}`;
  const { readings, notes } = ncclTestsJsonReadings({ file: 'j', text, lines: text.split('\n') });
  assert.is(readings.length, 3);
  assert.match(
    notes.join('\n'),
    /^j:13: program "\.\/build\/broadcast_perf": expected one of .*; left out$/m,
  );
});

const JSON_LEFT_OUT: [what: string, piece: string | RegExp, by: string, readings: number, note: RegExp][] = [
  [
    'wrong elements',
    '"bus_bw":8.595,"nwrong":0.0',
    '"bus_bw":8.595,"nwrong":12.0',
    2,
    /:6: #wrong: 12 elements/,
  ],
  ['times of the CPU', '"time":61.0', '"cpu_time":61.0', 1, /:6: has no time, as with -C/],
  ['another bandwidth', '"bus_bw":19.022', '"bus_bw":38.044', 2, /:9: busbw: 38\.044 GB\/s, but/],
];

for (const [what, piece, by, count, note] of JSON_LEFT_OUT) {
  given(`JSON: ${what} are named by line, and the rest is used`, () => {
    const { readings, notes } = ncclTestsJsonReadings(fixtureText('all-gather.json', piece, by));
    assert.is(readings.length, count);
    assert.match(notes.join('\n'), note);
  });
}

const JSON_BROKEN: [what: string, piece: string | RegExp, by: string, message: RegExp][] = [
  ['cut short', /"results"[\s\S]*/, '', /:4:\d+: the JSON is cut short/],
  ['no name', '"./build/all_gather_perf"', '"perf"', /:1: program "perf": expected one of/],
  [
    'no arguments',
    /"\.\/build.*json"/,
    '',
    /:1: the output does not name its program; say which it is by --collective/,
  ],
  ['no devices', /\{"rank":0[^}]*\}/, '', /config\.devices/],
  ['no results', '"results"', '"rows"', /results: is missing/],
  [
    'a million ranks',
    '"nthreads":1,"ngpus":2',
    '"nthreads":1024,"ngpus":1024',
    /expected at most 4096 ranks/,
  ],
];

for (const [what, piece, by, message] of JSON_BROKEN) {
  given(`JSON: ${what} is refused`, () =>
    refuses(() => ncclTestsJsonReadings(fixtureText('all-gather.json', piece, by)), message),
  );
}

// Text pasted into a page loses its `#`, which there makes a headline.
for (const file of ['alltoall.txt', 'two-programs.txt']) {
  given(`${file}: the # before lines is lost`, () => {
    const whole = fixtureText(file);
    const lines = whole.lines.map((line) => line.replace(/^# ?/, ''));
    const stripped = ncclTestsReadings({ file, text: lines.join('\n'), lines });
    assert.equal(stripped.readings, ncclTestsReadings(whole).readings);
    assert.equal(stripped.devices, ['Made-up GPU']);
  });
}

given.run();

const leftOut = suite('parts of the output of nccl-tests that cannot be used');

const LEFT_OUT: [what: string, piece: string | RegExp, by: string, message: RegExp][] = [
  [
    'a row cut short',
    /(4194304 +524288 +float)[\s\S]*/,
    '$1',
    /^alltoall\.txt:15: expected 13 values .*got 3/,
  ],
  ['a time of N/A', /60\.50/, 'N/A', /^alltoall\.txt:14: column time: expected a number, got "N\/A"/],
  ['a time of zero', /60\.50/, '0.00', /^alltoall\.txt:14: time: expected more than 0 us/],
  [
    'wrong elements',
    /(17\.33 +8\.67 +)0/,
    '$13',
    /^alltoall\.txt:14: #wrong: 3 elements of the out-of-place call/,
  ],
  [
    'a bandwidth of more ranks than are listed',
    '38.04   19.02',
    '38.04   33.29',
    /^alltoall\.txt:15: busbw: 33\.29 GB\/s, but an all-to-all of 2 ranks in this time has 19\.02/,
  ],
];

for (const [what, piece, by, message] of LEFT_OUT) {
  leftOut(`${what}: named by line, and the other row is used`, () => {
    const { readings, notes } = ncclTestsReadings(fixtureText('alltoall.txt', piece, by));
    assert.is(readings.length, 1);
    assert.ok(
      notes.some((note) => message.test(note) && /; left out$/.test(note)),
      notes.join('\n'),
    );
  });
}

leftOut('wrong elements in place only: the time out of place is used', () => {
  const { readings, notes } = ncclTestsReadings(
    fixtureText('two-programs.txt', /(12\.87 +19\.30 +)0/, '$15'),
  );
  assert.is(readings.filter(({ collective }) => collective === 'all-reduce').length, 1);
  assert.ok(
    notes.some((note) => /^two-programs\.txt:16: #wrong: 5 elements of the in-place call/.test(note)),
  );
});

leftOut('an all-reduce taken for an all-gather, beside one that is one', () => {
  const text = fixtureText('two-programs.txt', /# Collective test starting: all_reduce_perf\n/);
  const { readings, notes } = ncclTestsReadings(text, 'all-gather');
  assert.is(readings.length, 2);
  assert.match(
    notes.join('\n'),
    /two-programs\.txt:15: busbw: 19\.66 GB\/s, but an all-gather of 4 ranks .* 9\.83; is it another/,
  );
});

leftOut('wrong values that rows name leave the other rows usable', () => {
  const rows = fixtureText('alltoall.txt', /(17\.33 +8\.67 +)0/, '$13');
  const text = {
    ...rows,
    lines: rows.lines.map((line) => line.replace('values : 0 OK', 'values : 3 FAILED')),
  };
  assert.is(ncclTestsReadings(text).readings.length, 1);
});

// Of another program among others only its own rows are left out.
for (const other of ['reduce_scatter', 'broadcast', 'sendrecv', 'hypercube']) {
  leftOut(`${other} among others`, () => {
    const { readings, notes } = ncclTestsReadings(
      fixtureText('two-programs.txt', 'starting: all_reduce_perf', `starting: ${other}_perf`),
    );
    assert.equal([...new Set(readings.map(({ collective }) => collective))], ['all-gather']);
    assert.match(
      notes.join('\n'),
      new RegExp(`^two-programs\\.txt:3: program "${other}_perf": expected`, 'm'),
    );
  });
}

leftOut.run();

const broken = suite('broken output of nccl-tests');

const BROKEN: [what: string, piece: string | RegExp, by: string, message: RegExp][] = [
  ['values out of bounds', 'values : 0', 'values : 7', /^alltoall\.txt:16: 7 values are out of bounds/],
  [
    'another program',
    'alltoall_perf',
    'reduce_perf',
    /^alltoall\.txt:3: program "reduce_perf": expected one of alltoall_perf/,
  ],
  ['no ranks', /# {2}Rank.*\n# {2}Rank.*\n/, '', /^alltoall\.txt:11: a row of a run with 0 ranks/],
  ['one rank', /# {2}Rank {2}1.*\n/, '', /a row of a run with 1 ranks/],
  ['a rank twice', 'Rank  1', 'Rank  0', /^alltoall\.txt:8: rank 0 is listed twice.*MPI=1/],
  ['no header', /# +size.*\n/, '', /^alltoall\.txt:12: a row before the header/],
  ['no bandwidth', / busbw /, ' ', /^alltoall\.txt:11: expected two columns "busbw", got 1/],
  ['times of the CPU', / time /, ' cputime ', /^alltoall\.txt:11: column cputime/],
  ['no output', /#[\s\S]*/, 'hello', /has no line "# nThread/],
  ['the start is gone', /^[\s\S]*# Using/, '# Using', /^alltoall\.txt:2: stands before the line "# nThread/],
  [
    'two at once',
    /(# nThread.*\n)/,
    '$1$1',
    /^alltoall\.txt:5: a second output begins before the one of line 4/,
  ],
];

for (const [what, piece, by, message] of BROKEN) {
  broken(what, () => refuses(() => ncclTestsReadings(fixtureText('alltoall.txt', piece, by)), message));
}

broken('groups of unequal size', () => {
  const text = fixtureText('alltoall.txt', /(# {2}Rank {2})1( Group {2})0(.*\n)/, '$11$20$3$12$21$3');
  refuses(() => ncclTestsReadings(text), /^alltoall\.txt:14: the groups have 2 and 1 ranks/);
});

broken('another collective than asked for', () => {
  refuses(
    () => ncclTestsReadings(fixtureText('alltoall.txt'), 'all-reduce'),
    /^alltoall\.txt:3: the output is of an all-to-all, not of an all-reduce/,
  );
});

broken.run();

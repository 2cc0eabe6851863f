import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { nvbandwidthReadings } from '../../../studies/imports/nvbandwidth.ts';
import { fixtureText, refuses } from './fixtureText.ts';

const given = suite('nvbandwidth JSON');

const { readings, notes } = nvbandwidthReadings(fixtureText('nvbandwidth.json'));

// Line of the cell, direction, what is measured, by whom, GPU, GPUs at once, bytes/s.
const EXPECTED = [
  [19, 'h2d', 'h2d', 'copy-engine', 0, 1, 55.4013e9],
  [20, 'h2d', 'h2d', 'copy-engine', 1, 1, 55.3876e9],
  [32, 'd2h', 'd2h', 'copy-engine', 0, 1, 55.2201e9],
  [33, 'd2h', 'd2h', 'copy-engine', 1, 1, 55.1e9],
  [45, 'both', 'h2d', 'copy-engine', 0, 1, 50.9e9],
  [46, 'both', 'h2d', 'copy-engine', 1, 1, 50.8e9],
  [75, 'h2d', 'h2d', 'copy-engine', 0, 2, 27.9e9],
  [76, 'h2d', 'h2d', 'copy-engine', 1, 2, 28e9],
  [88, 'd2h', 'd2h', 'kernel', 0, 1, 54e9],
  [89, 'd2h', 'd2h', 'kernel', 1, 1, 53.5e9],
];

given('every cell of a test between host and GPU is a reading in bytes/s', () => {
  assert.equal(
    readings.map((one) => [
      ...[Number(one.source.split(':')[1]), one.direction, one.measured, one.by],
      ...[one.gpu, one.gpusAtOnce, one.bytesPerS],
    ]),
    EXPECTED,
  );
});

given('other tests and waived ones are noted by line and name, with N/A on their diagonal', () => {
  assert.is(notes.length, 3);
  assert.match(notes[0]!, /^nvbandwidth\.json:66: test "device_to_device_memcpy_read_ce" .*left out/);
  assert.match(notes[1]!, /^nvbandwidth\.json:97: test "host_to_device_bidirectional_memcpy_sm" was waived/);
  assert.match(notes[2]!, /^nvbandwidth\.json:109: test "host_device_latency_sm"/);
});

given("the tool's own warning is a note", () => {
  const text = fixtureText('nvbandwidth.json', '"git_version"', '"warning" : "small buffers", "git_version"');
  assert.match(nvbandwidthReadings(text).notes[0]!, /^nvbandwidth\.json:\d+: .*warned: "small buffers"/);
});

given('the text says what the JSON says, to two decimals', () => {
  const text = nvbandwidthReadings(fixtureText('nvbandwidth.txt'));
  const key = (one: (typeof readings)[number]) =>
    `${one.direction} ${one.measured} ${one.by} ${one.gpu} ${one.gpusAtOnce} ${(one.bytesPerS / 1e9).toFixed(2)}`;
  const inJson = new Set(readings.map(key));
  assert.is(text.readings.length, 6);
  for (const reading of text.readings) assert.ok(inJson.has(key(reading)), key(reading));
  assert.equal(text.devices, ['Made-up GPU']);
  assert.equal(
    text.readings.map(({ source }) => source.split(':')[1]),
    ['15', '15', '22', '22', '37', '37'],
  );
});

const TEXTS: [what: string, piece: string | RegExp, by: string, readings: number, note: RegExp][] = [
  [
    'a test that failed',
    /memcpy CE CPU\(row\) -> [\s\S]*?SUM host_to_device\S+ \S+/,
    'Error: out of memory',
    4,
    /:13: test "host_to_device_memcpy_ce": .*got "Error"/,
  ],
  ['a row cut short', '55.40     55.39', '55.40', 4, /:15: 1 rates below 2 numbers of GPUs/],
  [
    'a cell without a rate',
    '55.40     55.39',
    '55.40       N/A',
    5,
    /:15: test "host_to_device_memcpy_ce", GPU 1: .*got "N\/A"/,
  ],
  [
    'the end of an old version',
    /Running host_to_device_bidirectional_memcpy_sm\.\nWaived: \n/,
    'Waiving host_to_device_bidirectional_memcpy_sm.\n',
    6,
    /:41: test .* was waived/,
  ],
];

for (const [what, piece, by, count, note] of TEXTS) {
  given(`text: ${what} is named by line, and the rest is used`, () => {
    const imported = nvbandwidthReadings(fixtureText('nvbandwidth.txt', piece, by));
    assert.is(imported.readings.length, count, imported.notes.join('\n'));
    assert.match(imported.notes.join('\n'), note);
  });
}

given('columns that lost their indentation, and one GPU', () => {
  const lines = ['Running host_to_device_memcpy_sm.', 'memcpy SM', '0', '0     35.19', ''];
  const one = nvbandwidthReadings({ file: 'm', text: lines.join('\n'), lines });
  assert.equal(
    one.readings.map(({ bytesPerS, by }) => [bytesPerS, by]),
    [[35.19e9, 'kernel']],
  );
});

given.run();

const leftOut = suite('parts of nvbandwidth JSON that cannot be used');

const LEFT_OUT: [what: string, piece: string | RegExp, by: string, message: RegExp][] = [
  [
    'N/A for a GPU',
    '"55.1"',
    '"N/A"',
    /^nvbandwidth\.json:33:\d+: test "device_to_host_memcpy_ce", GPU 1: .*got "N\/A"/,
  ],
  ['a blank cell', '"55.1"', '""', /:33:\d+: .*expected GB\/s above zero, got ""/],
  ['a rate of zero', '"55.1"', '"0"', /:33:\d+: .*got "0"/],
  [
    'a test that failed',
    '"Passed"',
    '"Error"',
    /^nvbandwidth\.json:24:\d+: test "host_to_device_memcpy_ce": .*got "Error"/,
  ],
];

for (const [what, piece, by, message] of LEFT_OUT) {
  leftOut(`${what}: named by line, and the rest is used`, () => {
    const imported = nvbandwidthReadings(fixtureText('nvbandwidth.json', piece, by));
    assert.ok(imported.readings.length >= readings.length - 2 && imported.readings.length < readings.length);
    assert.ok(
      imported.notes.some((note) => message.test(note) && /; left out$/.test(note)),
      imported.notes.join('\n'),
    );
  });
}

leftOut('nothing but failed tests is refused', () => {
  refuses(
    () => nvbandwidthReadings(fixtureText('nvbandwidth.json', /"Passed"/g, '"Error"')),
    /^nvbandwidth\.json:24:\d+: test "host_to_device_memcpy_ce": .*got "Error"/,
  );
});

leftOut.run();

const broken = suite('broken nvbandwidth JSON');

const BROKEN: [what: string, piece: string | RegExp, by: string, message: RegExp][] = [
  ['cut short in a list', /"55\.3876"[\s\S]*/, '', /^nvbandwidth\.json:19:\d+: the JSON is cut short/],
  ['cut short in a text', /3876"[\s\S]*/, '', /^nvbandwidth\.json:20:\d+: the JSON is cut short/],
  ['a word for a number', '"55.1"', 'nan', /^nvbandwidth\.json:33:\d+: is no JSON here/],
  [
    'no version',
    /,\n\t\t"version" : "v0\.8"/,
    '',
    /^nvbandwidth\.json:\d+:\d+: nvbandwidth\.version: is missing/,
  ],
  ['no testcases', '"testcases"', '"tests"', /nvbandwidth\.testcases: is missing/],
  ['another tool', '"nvbandwidth"', '"iperf"', /nvbandwidth: is missing/],
  [
    'an error of the tool',
    '"git_version"',
    '"error" : "no device", "git_version"',
    /^nvbandwidth\.json:\d+:\d+: nvbandwidth stopped with "no device"/,
  ],
];

for (const [what, piece, by, message] of BROKEN) {
  broken(what, () => refuses(() => nvbandwidthReadings(fixtureText('nvbandwidth.json', piece, by)), message));
}

broken.run();

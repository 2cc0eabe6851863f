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

given.run();

const broken = suite('broken nvbandwidth JSON');

const BROKEN: [what: string, piece: string | RegExp, by: string, message: RegExp][] = [
  ['cut short in a list', /"55\.3876"[\s\S]*/, '', /^nvbandwidth\.json:19:\d+: the JSON is cut short/],
  ['cut short in a text', /3876"[\s\S]*/, '', /^nvbandwidth\.json:20:\d+: the JSON is cut short/],
  ['text before it', /^/, 'warning\n', /^nvbandwidth\.json:1:\d+: is no JSON here/],
  ['text after it', /\n\n$/, '\n\ndone\n', /^nvbandwidth\.json:\d+:\d+: is no JSON here/],
  ['a word for a number', '"55.1"', 'nan', /^nvbandwidth\.json:33:\d+: is no JSON here/],
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

import * as fc from 'fast-check';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { Interval, Timeline } from '../../model/program/timeline.ts';
import { traceEvents } from '../../sim/trace.ts';

interface Event {
  ph: string;
  name: string;
  cat?: string;
  pid: number;
  tid?: number;
  id?: number | string;
  ts?: number;
  dur?: number;
  args?: Record<string, unknown>;
}

function interval(fields: Partial<Interval>): Interval {
  return {
    rank: 0,
    track: 'compute',
    name: 'gemm',
    category: 'compute',
    startS: 0,
    endS: 1e-3,
    op: 0,
    position: 0,
    bytes: 0,
    ...fields,
  };
}

function timeline(fields: Partial<Timeline>): Timeline {
  return { source: 'simulated', stepTimeS: 2e-3, intervals: [], links: [], arrivals: [], ...fields };
}

const linesOf = (given: Timeline) => traceEvents([{ name: 'simulated: a machine, a plan', timeline: given }]);

function parse(given: Timeline): { traceEvents: Event[]; otherData: Record<string, unknown> } {
  return JSON.parse([...linesOf(given)].join('\n'));
}

const chunk = interval({
  track: 'h2d',
  name: 'block 1',
  category: 'prefetch',
  op: 7,
  bytes: 16e6,
  endS: 0.5e-3,
});
const block = interval({ name: 'block 1', op: 8, startS: 0.6e-3, endS: 1.5e-3 });
const stall = interval({ name: 'stall', category: 'stall', op: 8, startS: 0.2e-3, endS: 0.6e-3 });
const small = timeline({
  intervals: [block, stall, chunk, interval({ rank: 1, track: 'copy' })],
  links: [
    {
      name: 'gpu0 down',
      capacityBytesPerS: 55e9,
      timeS: [0, 1e-4, 1e-4, 5e-4],
      bytesPerS: [0, 7e9, 32e9, 0],
    },
  ],
  arrivals: [{ chunk, block }],
});

const test = suite('trace');

test('an empty timeline is a valid document: a step without slices in it', () => {
  const slices = parse(timeline({})).traceEvents.filter(({ ph }) => ph !== 'M');
  assert.equal(
    slices.map(({ name, ts, dur }) => [name, ts, dur]),
    [['step', 0, 2000]],
  );
});

test('names and step times are in the metadata', () => {
  const { otherData } = parse(small);
  assert.equal(otherData.steps, [{ name: 'simulated: a machine, a plan', stepTimeMs: 2 }]);
});

test('one process per step, one named and ordered thread per rank and track', () => {
  const steps = [
    { name: 'simulated', timeline: small },
    { name: 'measured', timeline: timeline({ intervals: [block] }) },
  ];
  const { traceEvents: events } = JSON.parse([...traceEvents(steps)].join('\n')) as { traceEvents: Event[] };
  const named = events.filter((event) => event.ph === 'M' && event.name.endsWith('_name'));
  assert.equal(
    named.map(({ name, pid, tid, args }) => [name, pid, tid, args!.name]),
    [
      ['process_name', 1, undefined, 'simulated'],
      ['thread_name', 1, 3, 'step'],
      ['thread_name', 1, 4, 'rank 0 compute'],
      ['thread_name', 1, 5, 'rank 0 h2d'],
      ['thread_name', 1, 6, 'rank 1 copy'],
      ['process_name', 2, undefined, 'measured'],
      ['thread_name', 2, 3, 'step'],
      ['thread_name', 2, 4, 'rank 0 compute'],
    ],
  );
});

test('blocks lie in their step, from their first kernel to their last, without overlap', () => {
  const intervals = [
    interval({ name: 'pass 0 block 0 qkv', startS: 0, endS: 0.4e-3 }),
    interval({ name: 'pass 0 block 0 all-to-all', category: 'collective', startS: 0.4e-3, endS: 1.1e-3 }),
    interval({ name: 'pass 0 block 1 qkv', position: 1, startS: 1e-3, endS: 2.5e-3 }),
  ];
  const blocks = parse(timeline({ intervals })).traceEvents.filter(({ name }) => name === 'block');
  assert.equal(
    blocks.map(({ ts, dur, args }) => [ts, dur, args]),
    [
      [0, 1000, { position: 0, label: 'pass 0 block 0' }],
      [1000, 1000, { position: 1, label: 'pass 0 block 1' }],
    ],
  );
});

// Simulated intervals carry pass and block in their names, measured ones the number of the chunk.
const NAMES: [interval: string, slice: string, label: string | undefined][] = [
  ['pass 0 block 0 qkv', 'qkv', 'pass 0 block 0 qkv'],
  ['qkv', 'qkv', undefined],
  ['prefetch pass 1 block 12', 'prefetch', 'prefetch pass 1 block 12'],
  ['prefetch 2/9', 'prefetch', 'prefetch 2/9'],
  ['block 3 QKV all-to-all out 0.1', 'QKV all-to-all out', 'block 3 QKV all-to-all out 0.1'],
  ['QKV all-to-all out 3/4', 'QKV all-to-all out', 'QKV all-to-all out 3/4'],
];
for (const [name, slice, label] of NAMES) {
  test(`${name} is a slice ${slice}`, () => {
    const events = parse(timeline({ intervals: [interval({ name, position: 5 })] })).traceEvents;
    const [shown] = events.filter(({ ph, cat }) => ph === 'X' && cat !== 'step');
    assert.is(shown!.name, slice);
    assert.is(shown!.args!.label, label);
    assert.is(shown!.args!.position, 5);
  });
}

test('slices carry microseconds with three decimals, bytes and rate', () => {
  const line = [...linesOf(small)].find((text) => text.includes('"prefetch"'))!;
  assert.match(line, '"ts":0.000,"dur":500.000');
  assert.match(line, '"bytes":16000000,"GB/s":32');
});

test('an arrow goes from the end of the chunk to the start of the block', () => {
  const [from, to] = parse(small).traceEvents.filter((event) => event.ph === 's' || event.ph === 'f');
  assert.equal([from!.tid, from!.ts, to!.tid, to!.ts], [4, 499.999, 3, 600]);
  assert.is(from!.id, to!.id);
});

test('counters hold rates in GB/s: of copies from the intervals, of links the last value of a time', () => {
  const counters = parse(small).traceEvents.filter((event) => event.ph === 'C');
  assert.equal(
    counters.map((event) => [event.name, event.ts, event.args!['GB/s']]),
    [
      ['H2D copies', 0, 32],
      ['H2D copies', 500, 0],
      ['host memory, copies', 0, 32],
      ['host memory, copies', 500, 0],
      ['link gpu0 down of 55', 0, 0],
      ['link gpu0 down of 55', 100, 32],
      ['link gpu0 down of 55', 500, 0],
    ],
  );
});

test('a slice that overlaps its track becomes an asynchronous pair', () => {
  const overlapping = timeline({
    intervals: [
      interval({ name: 'a', endS: 2e-3 }),
      interval({ name: 'b', startS: 1e-3, endS: 3e-3 }),
      interval({ name: 'c', startS: 2e-3, endS: 3e-3 }),
    ],
  });
  const slices = parse(overlapping).traceEvents.filter(({ ph, cat }) => ph !== 'M' && cat !== 'step');
  assert.equal(
    slices.map(({ ph, name, ts }) => [ph, name, ts]),
    [
      ['X', 'a', 0],
      ['b', 'b', 1000],
      ['e', 'b', 3000],
      ['X', 'c', 2000],
    ],
  );
});

test('any timeline: valid JSON, no overlap on a track, nothing lost, flows pair up, same bytes again', () => {
  const anyInterval = fc
    .record({
      rank: fc.integer({ min: 0, max: 2 }),
      track: fc.constantFrom('compute', 'h2d', 'odd "name"'),
      op: fc.integer({ min: 0, max: 9 }),
      startS: fc.double({ min: 0, max: 1e-2, noNaN: true }),
      lengthS: fc.double({ min: 0, max: 1e-3, noNaN: true }),
    })
    .map(({ lengthS, ...rest }) => interval({ ...rest, endS: rest.startS + lengthS }));
  fc.assert(
    fc.property(fc.array(anyInterval), fc.array(fc.tuple(fc.nat(), fc.nat())), (intervals, pairs) => {
      const any = (index: number) => intervals[index % intervals.length]!;
      const arrivals =
        intervals.length === 0 ? [] : pairs.map(([a, b]) => ({ chunk: any(a), block: any(b) }));
      const given = timeline({ intervals, arrivals });
      const { traceEvents: events } = parse(given);
      const ends = new Map<string, number>();
      for (const { ph, pid, tid, ts, dur, cat } of events) {
        if (ph !== 'X' || cat === 'step') continue;
        const track = `${pid}.${tid}`;
        // A picosecond for the sum of two rounded decimals.
        assert.ok(ts! >= (ends.get(track) ?? 0) - 1e-6, `track ${track} overlaps at ${ts}`);
        ends.set(track, ts! + dur!);
      }
      const count = (kind: string) => events.filter(({ ph, cat }) => ph === kind && cat !== 'step').length;
      assert.is(count('X') + count('b'), intervals.length);
      assert.is(count('b'), count('e'));
      const whole = events.filter(({ ph, cat }) => ph === 'X' && cat !== 'step');
      const durations = whole.map(({ ts, dur }) => `${Math.round(ts! * 1e3)} ${Math.round(dur! * 1e3)}`);
      const ofIntervals = intervals.map(
        ({ startS, endS }) =>
          `${Math.round(startS * 1e9)} ${Math.round(endS * 1e9) - Math.round(startS * 1e9)}`,
      );
      assert.ok(durations.every((text) => ofIntervals.includes(text)));
      const flows = (ph: string) => events.filter((event) => event.ph === ph).map((event) => event.id);
      assert.equal(flows('s'), flows('f'));
      const starts = new Map(
        events.filter((event) => event.ph === 's').map((event) => [event.id, event.ts!]),
      );
      for (const event of events) if (event.ph === 'f') assert.ok(event.ts! >= starts.get(event.id)!);
      assert.equal([...linesOf(given)], [...linesOf(structuredClone(given))]);
    }),
  );
});

test.run();

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

function parse(given: Timeline): { traceEvents: Event[]; otherData: Record<string, unknown> } {
  return JSON.parse([...traceEvents(given)].join('\n'));
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
  arrivals: [{ rank: 0, fromOp: 7, fromS: 0.5e-3, toOp: 8, toS: 0.6e-3 }],
});

const test = suite('trace');

test('an empty timeline is a valid document', () => {
  assert.equal(parse(timeline({})).traceEvents, []);
});

test('the source and step time are in the metadata', () => {
  const { otherData } = parse(small);
  assert.is(otherData.source, 'simulated');
  assert.is(otherData.stepTimeMs, 2);
});

test('one process per rank, one named and ordered thread per track, links behind the ranks', () => {
  const named = parse(small).traceEvents.filter((event) => event.ph === 'M' && event.name.endsWith('_name'));
  assert.equal(
    named.map(({ name, pid, tid, args }) => [name, pid, tid, args!.name]),
    [
      ['process_name', 0, undefined, 'rank 0 (simulated)'],
      ['process_name', 1, undefined, 'rank 1 (simulated)'],
      ['process_name', 2, undefined, 'links'],
      ['thread_name', 0, 1, 'compute'],
      ['thread_name', 0, 2, 'h2d'],
      ['thread_name', 1, 1, 'copy'],
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
    const [shown] = events.filter(({ ph }) => ph === 'X');
    assert.is(shown!.name, slice);
    assert.is(shown!.args!.label, label);
    assert.is(shown!.args!.position, 5);
  });
}

test('slices carry microseconds with three decimals, bytes and rate', () => {
  const line = [...traceEvents(small)].find((text) => text.includes('"prefetch"'))!;
  assert.match(line, '"ts":0.000,"dur":500.000');
  assert.match(line, '"bytes":16000000,"GB/s":32');
});

test('an arrow goes from the end of the chunk to the start of the block, not of its stall', () => {
  const [from, to] = parse(small).traceEvents.filter((event) => event.ph === 's' || event.ph === 'f');
  assert.equal([from!.tid, from!.ts, to!.tid, to!.ts], [2, 499.999, 1, 600]);
  assert.is(from!.id, to!.id);
});

test('an arrow to an operation that takes no time ends at the next compute', () => {
  const waiting = timeline({ ...small, arrivals: [{ ...small.arrivals[0]!, toOp: 99, toS: 0.55e-3 }] });
  const to = parse(waiting).traceEvents.find((event) => event.ph === 'f')!;
  assert.equal([to.tid, to.ts], [1, 600]);
});

test('counters hold the link rate in GB/s, the last value of a time', () => {
  const counters = parse(small).traceEvents.filter((event) => event.ph === 'C');
  assert.equal(
    counters.map((event) => [event.name, event.ts, event.args!['GB/s']]),
    [
      ['gpu0 down (GB/s of 55)', 0, 0],
      ['gpu0 down (GB/s of 55)', 100, 32],
      ['gpu0 down (GB/s of 55)', 500, 0],
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
  const slices = parse(overlapping).traceEvents.filter((event) => event.ph !== 'M');
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
  const anyArrival = fc.record({
    rank: fc.integer({ min: 0, max: 2 }),
    fromOp: fc.integer({ min: 0, max: 9 }),
    toOp: fc.integer({ min: 0, max: 9 }),
    fromS: fc.double({ min: 0, max: 1e-2, noNaN: true }),
    toS: fc.double({ min: 0, max: 1e-2, noNaN: true }),
  });
  fc.assert(
    fc.property(fc.array(anyInterval), fc.array(anyArrival), (intervals, arrivals) => {
      const given = timeline({ intervals, arrivals });
      const { traceEvents: events } = parse(given);
      const ends = new Map<string, number>();
      for (const { ph, pid, tid, ts, dur } of events) {
        if (ph !== 'X') continue;
        const track = `${pid}.${tid}`;
        // A picosecond for the sum of two rounded decimals.
        assert.ok(ts! >= (ends.get(track) ?? 0) - 1e-6, `track ${track} overlaps at ${ts}`);
        ends.set(track, ts! + dur!);
      }
      const count = (ph: string) => events.filter((event) => event.ph === ph).length;
      assert.is(count('X') + count('b'), intervals.length);
      assert.is(count('b'), count('e'));
      const flows = (ph: string) => events.filter((event) => event.ph === ph).map((event) => event.id);
      assert.equal(flows('s'), flows('f'));
      const starts = new Map(
        events.filter((event) => event.ph === 's').map((event) => [event.id, event.ts!]),
      );
      for (const event of events) if (event.ph === 'f') assert.ok(event.ts! >= starts.get(event.id)!);
      assert.equal([...traceEvents(given)], [...traceEvents(structuredClone(given))]);
    }),
  );
});

test.run();

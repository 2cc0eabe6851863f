import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { withBlocks } from '../../model/dit/depth.ts';
import { loadDit } from '../../model/dit/load.ts';
import { parseSize } from '../../model/dit/tokens.ts';
import { packageRoot } from '../../model/input/packageFiles.ts';
import { makePlan } from '../../model/presets/presets.ts';
import { kindOf } from '../../model/program/labels.ts';
import type { Timeline } from '../../model/program/timeline.ts';
import { loadSystem } from '../../model/system/load.ts';
import { bindWorkload } from '../../model/workload/bind.ts';
import { installPerfetto } from '../../scripts/perfetto.mjs';
import { simulate } from '../../sim/simulate.ts';
import { type TracedStep, traceEvents } from '../../sim/trace.ts';
import { readTimelineWithPlaces } from '../../studies/dataset/timelineRecord.ts';
import { stepTimelines } from '../../studies/grid/stepTimelines.ts';
import { skip } from '../support/skip.ts';
import { type Row, TraceProcessor } from '../support/traceProcessor.ts';

const test = suite("traces in Perfetto's own trace processor");
const installed = installPerfetto({ say: (text) => process.stderr.write(`${text}\n`) });

/** Slices with their process and track. */
const SLICES = `select p.pid, p.name as step, t.name as track, s.id, s.name, s.category, s.ts, s.dur, s.depth
  from slice s join thread_track tt on s.track_id = tt.id join thread t using (utid) join process p using (upid)`;

const HOSTILE = '"><script>alert(1)</script> \u202e ,}]';

async function opened(steps: readonly TracedStep[]): Promise<TraceProcessor> {
  const processor = await TraceProcessor.load(installed.ok ? installed.version : '');
  processor.open([...traceEvents(steps)].join('\n'));
  return processor;
}

function committed(plan: string): TracedStep[] {
  const file = join(packageRoot, 'experiments', 'h200-steps', `timeline-${plan}.json`);
  const { record, place } = readTimelineWithPlaces(file);
  const { measured, simulated } = stepTimelines(record, place, 'h200-x1-fitted');
  return [
    { name: 'simulated', timeline: simulated },
    { name: `measured ${HOSTILE}`, timeline: measured },
  ];
}

function scenarioOf(model: string, machine: string, plan: string) {
  const sizes = { size: parseSize('1024x1024'), batch: 1, sp: 2, tp: 1 };
  const workload = bindWorkload(withBlocks(loadDit(model), 4), sizes);
  const system = loadSystem(machine);
  return { workload, system, plan: makePlan(plan, workload, system) };
}

const nanoseconds = (seconds: number) => Math.round(seconds * 1e9);

/** Slices of a timeline as the trace processor should have them, sorted. */
function expected({ intervals }: Timeline, pid: number): string[] {
  return intervals
    .map(({ name, category, track, startS, endS }) => {
      const dur = nanoseconds(endS) - nanoseconds(startS);
      return [pid, track, kindOf(name) || category, category, nanoseconds(startS), dur].join(' ');
    })
    .sort();
}

if (!installed.ok) skip(test, "traces in Perfetto's trace processor", installed.why);
else {
  for (const plan of ['layerwise', 'yield']) {
    const steps = committed(plan);
    const processor = await opened(steps);
    const ofBoth = (query: string) => processor.query(query);

    test(`${plan}: is taken without an error or a loss`, () => {
      const lost = ofBoth(
        "select name, value from stats where value > 0 and severity in ('error', 'data_loss')",
      );
      assert.equal(lost, []);
    });

    test(`${plan}: two processes by their names, hostile text as it is`, () => {
      const names = ofBoth('select pid, name from process where pid > 0 order by pid');
      assert.equal(names, [
        { pid: 1, name: 'simulated' },
        { pid: 2, name: `measured ${HOSTILE}` },
      ]);
    });

    test(`${plan}: every interval is a slice of its track, with its name, time and duration to the nanosecond`, () => {
      const slices = ofBoth(`${SLICES} where s.category != 'step'`);
      const rows = slices.map(({ pid, track, name, category, ts, dur }) =>
        [pid, track, name, category, ts, dur].join(' '),
      );
      assert.equal(
        rows.sort(),
        [...expected(steps[0]!.timeline, 1), ...expected(steps[1]!.timeline, 2)].sort(),
      );
      assert.ok(slices.every(({ depth }) => depth === 0));
    });

    test(`${plan}: both steps begin at 0, and their blocks lie in them`, () => {
      const own = ofBoth(`${SLICES} where s.category = 'step' order by p.pid, s.ts, s.depth`);
      for (const [index, { timeline }] of steps.entries()) {
        const [step, ...blocks] = own.filter(({ pid }) => pid === index + 1);
        assert.equal([step!.name, step!.ts, step!.dur], ['step', 0, nanoseconds(timeline.stepTimeS)]);
        assert.is(blocks.length, 4);
        for (const { name, depth } of blocks) assert.equal([name, depth], ['block', 1]);
      }
    });

    test(`${plan}: slices of both steps are grouped by one name`, () => {
      const grouped = ofBoth(
        `select name, sum(pid = 1) as simulated, sum(pid = 2) as measured from (${SLICES})
         where category != 'host' group by name`,
      );
      assert.ok(grouped.length > 15);
      for (const { name, simulated, measured } of grouped) assert.is(simulated, measured, String(name));
    });

    test(`${plan}: every flow leads from a chunk to the first kernel of its block`, () => {
      const flows = ofBoth(
        `select f.id, a.pid as fromStep, a.track, a.name as chunk, a.ts + a.dur as landed, b.pid as toStep, b.name, b.ts
         from flow f join (${SLICES}) a on f.slice_out = a.id join (${SLICES}) b on f.slice_in = b.id`,
      );
      const first = (pid: number) =>
        steps[pid - 1]!.timeline.arrivals.map(({ chunk, block }) =>
          [pid, nanoseconds(chunk.endS), kindOf(block.name), nanoseconds(block.startS)].join(' '),
        );
      const rows = flows.map(({ fromStep, landed, name, ts }) => [fromStep, landed, name, ts].join(' '));
      assert.equal(rows.sort(), [...first(1), ...first(2)].sort());
      assert.ok(flows.length > 0);
      for (const { fromStep, toStep, track, chunk, landed, ts } of flows as Row[]) {
        assert.equal([fromStep, track, chunk], [toStep, 'h2d', 'prefetch']);
        assert.ok(Number(landed) <= Number(ts));
      }
      assert.equal(ofBoth('select count(*) as count from flow'), [{ count: rows.length }]);
    });

    test(`${plan}: counters of copies in both steps, of links in the simulated one, in time order`, () => {
      const counters = ofBoth(
        `select p.pid, ct.name, c.ts, c.value from counter c join process_counter_track ct on c.track_id = ct.id
         join process p using (upid) order by c.track_id, c.id`,
      );
      const names = (pid: number) => [
        ...new Set(counters.filter((row) => row.pid === pid).map(({ name }) => name)),
      ];
      const copies = names(2);
      assert.ok(copies.includes('H2D copies GB/s') && copies.includes('host memory, copies GB/s'));
      assert.equal(names(1).slice(0, copies.length), copies);
      assert.ok(names(1).some((name) => /^link gpu0 down of [\d.]+ GB\/s$/.test(String(name))));
      for (const [index, row] of counters.entries()) {
        const before = counters[index - 1];
        if (before !== undefined && before.pid === row.pid && before.name === row.name)
          assert.ok(Number(row.ts) > Number(before.ts));
        assert.ok(Number(row.value) >= 0);
      }
    });
  }

  test('several ranks have tracks of their own, and what blocks waited for is on one', async () => {
    const { workload, system, plan } = scenarioOf('flux.1-dev', 'rtx5090-x2', 'yield');
    const { timeline } = simulate(workload, system, plan, { timeline: true, breakEven: false });
    const processor = await opened([{ name: 'simulated', timeline: timeline! }]);
    const tracks = processor.query(
      `select track, count(*) as count from (${SLICES}) where pid = 1 group by track`,
    );
    const ofTrack = (rank: number, track: string) =>
      timeline!.intervals.filter((interval) => interval.rank === rank && interval.track === track).length;
    const named = tracks.filter(({ track }) => track !== 'step');
    for (const { track, count } of named) {
      const [, rank, name] = /^rank (\d) (.+)$/.exec(String(track))!;
      assert.is(count, ofTrack(Number(rank), name!), String(track));
    }
    assert.ok(named.some(({ track }) => track === 'rank 1 waits'));
    assert.is(processor.query('select count(*) as count from flow')[0]!.count, timeline!.arrivals.length);
  });

  test('what is no trace is refused, so that the checks above can fail', async () => {
    const processor = await TraceProcessor.load(installed.version);
    assert.throws(() => processor.open('no trace'), /Unknown trace type/);
    assert.throws(() => processor.query('select * from nowhere'), /no such table: nowhere/);
  });
}

test.run();

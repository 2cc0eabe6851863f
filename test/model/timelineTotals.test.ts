import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { timelineOf } from '../../measure/timelineOf.ts';
import { phaseOf } from '../../model/program/labels.ts';
import type { Interval, Timeline } from '../../model/program/timeline.ts';
import { segmentTotals } from '../../model/program/timelineTotals.ts';
import { simulate } from '../../sim/simulate.ts';
import { cellProgram } from '../../studies/grid/cellProgram.ts';
import { cellScenario } from '../../studies/grid/cellScenario.ts';
import type { Cell } from '../../studies/grid/experimentFile.ts';

const test = suite('totals of a timeline');

type Row = [
  category: Interval['category'],
  name: string,
  startS: number,
  endS: number,
  rank?: number,
  position?: number,
];

function timeline(rows: readonly Row[]): Timeline {
  const intervals = rows.map(([category, name, startS, endS, rank = 0, position = 0]): Interval => {
    const phase = category === 'collective' ? phaseOf(name) : null;
    return {
      ...{ category, name, startS, endS, rank, position, track: 'any', op: -1, bytes: 0 },
      ...(phase !== null && { phase }),
    };
  });
  return { source: 'made up', stepTimeS: 10, intervals, links: [], arrivals: [] };
}

const CASES: [string, Row[], [name: string, category: string, count: number, seconds: number][]][] = [
  [
    'blocks and passes are summed',
    [
      ['compute', 'pass 0 block 0 qkv', 0, 1],
      ['compute', 'pass 1 block 12 qkv', 3, 5],
      ['compute', 'block 3 MLP input', 5, 5.5],
    ],
    [
      ['MLP input', 'compute', 1, 0.5],
      ['qkv', 'compute', 2, 3],
    ],
  ],
  [
    'chunks and pieces are summed',
    [
      ['prefetch', 'prefetch pass 0 block 1', 0, 1],
      ['prefetch', 'prefetch 2/9', 2, 4],
      ['staging', 'block 0 QKV all-to-all out 3.0', 0, 1],
      ['staging', 'QKV all-to-all out 4/64', 1, 2],
      ['staging', 'QKV all-to-all in 0.0', 1, 3],
    ],
    [
      ['prefetch', 'prefetch', 2, 3],
      ['QKV all-to-all in', 'staging', 1, 2],
      ['QKV all-to-all out', 'staging', 2, 2],
    ],
  ],
  [
    'a staged collective counts from its beginning to its end, block by block',
    [
      ['collective', 'QKV all-to-all begins', 1, 1.1],
      ['collective', 'QKV all-to-all ends', 3, 3.5],
      ['collective', 'QKV all-to-all begins', 6, 6.1, 0, 1],
      ['collective', 'QKV all-to-all ends', 7, 7.5, 0, 1],
      ['collective', 'QKV all-to-all', 8, 9, 0, 2],
      // Within its collective, and not counted twice.
      ['collective', 'QKV all-to-all sum', 2, 2.5],
    ],
    [
      ['QKV all-to-all', 'collective', 3, 2.5 + 1.5 + 1],
      ['QKV all-to-all sum', 'host', 1, 0.5],
    ],
  ],
  [
    'a name in two categories stays two; other ranks are left out',
    [
      ['collective', 'block 0 QKV', 0, 1],
      ['stall', 'block 0 QKV', 1, 3],
      ['stall', 'block 0 QKV', 1, 9, 1],
    ],
    [
      ['QKV', 'collective', 1, 1],
      ['QKV', 'stall', 1, 2],
    ],
  ],
  ['nothing gives nothing', [], []],
];

for (const [name, rows, expected] of CASES) {
  test(name, () => {
    assert.equal(
      segmentTotals(timeline(rows)),
      expected.map(([kind, category, count, seconds]) => ({ name: kind, category, count, seconds })),
    );
  });
}

for (const transport of ['staged-copy', 'staged-sm:2']) {
  test(`measured and simulated totals have the same names and counts of segments: ${transport}`, () => {
    const cell: Cell = {
      ...{ id: 'tiny', model: 'experiments/tiny/tiny-joint.yaml', size: '64x64', blocks: 3, sp: 2, tp: 1 },
      ...{ machine: 'h200-x1', plans: [`yield,transport=${transport}`] },
    };
    const { workload, system, plans } = cellScenario(cell);
    const { manifest } = cellProgram(cell);
    const statements = manifest.plans[0]!.positions.flatMap(({ ops }, position) =>
      ops.map((_, statement) => ({ position, statement })),
    );
    const column = (value: number) => statements.map(() => value);
    const measured = timelineOf(
      [
        {
          ...{ rank: 0, stepS: 1, part: column(0), startS: column(0), endS: column(0.001) },
          position: statements.map(({ position }) => position),
          statement: statements.map(({ statement }) => statement),
        },
      ],
      ...([manifest, 0, 'made up'] as const),
    );
    const simulated = simulate(workload, system, plans[0]!, { timeline: true }).timeline!;
    const shown = (from: Timeline, categories: readonly string[], counted: boolean) =>
      segmentTotals(from)
        .filter(({ category }) => categories.includes(category))
        .map(({ category, name, count }) => `${category} ${name} ${counted ? count : ''}`);
    for (const [categories, counted] of [
      [['compute', 'collective'], true],
      // How many chunks a statement has is known only where it ran.
      [['prefetch', 'staging'], false],
    ] as const) {
      assert.equal(shown(measured, categories, counted), shown(simulated, categories, counted));
      assert.ok(shown(measured, categories, counted).length > 0);
    }
  });
}

test.run();

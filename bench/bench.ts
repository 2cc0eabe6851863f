import { spawnSync } from 'node:child_process';
import { cpus, totalmem } from 'node:os';
import { join } from 'node:path';
import { formatTable } from '../cli/text/table.ts';
import { packageRoot } from '../model/input/packageFiles.ts';
import { COMMAND_CASE, commandCpuS, TIMED_COMMANDS } from './commandCpu.ts';
import { DRAG_CASE, explorerFigures } from './explorer.ts';
import { allGaps, GAP_CAPS, type Gap, type GapStatistics, gapStatistics } from './gaps.ts';
import { FRONT_POINTS, PLANNING_MACHINE, planningFigures } from './planning.ts';
import { reportPage } from './reportPage.ts';
import { eventsPerS, flowsPerS } from './sharing.ts';
import { BENCHMARK_CASE, fiftySteps, medianMs, onePlan } from './simulation.ts';

/** One figure of the table, with the target that it is held against. */
interface Figure {
  key: string;
  what: string;
  value: number;
  unit: string;
  target: string;
  met: boolean;
}

const atLeast = (key: string, what: string, value: number, unit: string, target: number): Figure => ({
  key,
  what,
  value,
  unit,
  target: `at least ${target.toLocaleString('en-US')}`,
  met: value >= target,
});
const atMost = (key: string, what: string, value: number, unit: string, target: number): Figure => ({
  key,
  what,
  value,
  unit,
  target: `at most ${target}`,
  met: value <= target,
});

/** Wall time of `chunkflow --help` as a user's shell sees it, milliseconds, from the built package. */
function helpMs(): number {
  const command = join(packageRoot, 'bin', 'chunkflow.mjs');
  return medianMs(7, () => {
    const { status, stderr } = spawnSync(process.execPath, [command, '--help'], { encoding: 'utf8' });
    if (status !== 0) throw new Error(`chunkflow --help failed: ${stderr}`);
  });
}

const planning = await planningFigures();
const report = await reportPage();
const explorer = await explorerFigures();
if (typeof explorer === 'string') process.stderr.write(`LEFT OUT: the explorer's page: ${explorer}\n`);
const figures = [
  atLeast('eventsPerS', 'event queue, 1,000 pending', eventsPerS(), 'events/s', 5e6),
  atLeast('flowsPerS2', 'flow completions, 2 GPUs', flowsPerS(2, true), 'flows/s', 1e6),
  atLeast('flowsPerS32', 'flow completions, 32 GPUs', flowsPerS(32, true), 'flows/s', 2e5),
  atMost('run50x40x2Ms', '50 steps x 40 blocks x 2 GPUs, every step simulated', fiftySteps(), 'ms', 150),
  atMost('planStepMs', 'one candidate plan: made, lowered, simulated to its steady step', onePlan(), 'ms', 2),
  atMost('helpMs', 'chunkflow --help', helpMs(), 'ms', 150),
  ...TIMED_COMMANDS.map((command) =>
    atMost(
      command.key,
      `${command.what}, CPU of all threads, cold`,
      commandCpuS(command),
      's',
      command.mostS,
    ),
  ),
  ...planning.flatMap(({ model, optimiseS, considered, frontS }) => [
    atMost(`optimiseS:${model}`, `best plan of ${model}`, optimiseS, 's', 2),
    atLeast(`considered:${model}`, `plans considered of ${model}`, considered, 'plans', 10_000),
    atMost(`frontS:${model}`, `front of ${FRONT_POINTS} points of ${model}`, frontS, 's', 10),
  ]),
  ...(typeof report === 'string'
    ? []
    : [
        atMost('reportMb', 'report of 552 steps, weight of its page', report.megabytes, 'MB', 3),
        atMost('reportOpenMs', 'the same, opened from disk', report.openMs, 'ms', 2000),
        atMost('reportDrawnMs', 'the same, with every chart drawn', report.drawnMs, 'ms', 2000),
      ]),
  ...(typeof explorer === 'string'
    ? []
    : [
        atMost('explorerLoadMs', "explorer's page loaded", explorer.loadMs, 'ms', 2000),
        atMost('explorerVerdictMs', "explorer's first verdict", explorer.firstVerdictMs, 'ms', 2000),
        atMost('explorerDragMs', 'explorer: a step of a drag answered', explorer.dragMs, 'ms', 50),
        atMost('explorerSearchS', 'explorer: best plan found', explorer.searchS, 's', 3),
        atMost('explorerMB', "explorer's page, unpacked", explorer.megabytes, 'MB', 2),
      ]),
];
/** Minutes of searches, so that they can be left out. */
const gaps = process.argv.includes('--no-gaps') ? [] : await allGaps();
const gapRows = gaps.length === 0 ? [] : gapTable(gaps);
const MEDIAN_GAP_TARGET = 0.03;
/** Harder workloads than the targets': every flow of another weight, and memory that is saturated as well. */
const harder = {
  flowsPerS2Varied: flowsPerS(2, true, { varied: true }),
  flowsPerS32Varied: flowsPerS(32, true, { varied: true }),
  flowsPerS32Saturated: flowsPerS(32, true, { varied: true, memoryPerGpu: 45 }),
};

interface GapRow extends GapStatistics {
  cap: string;
}

/** By cap, and all of them together. */
function gapTable(all: readonly Gap[]): GapRow[] {
  const rows = GAP_CAPS.map((cap) => ({ cap, ...gapStatistics(all.filter((one) => one.cap === cap)) }));
  return [...rows, { cap: 'together', ...gapStatistics(all) }];
}

const machine = {
  cpu: cpus()[0]?.model ?? 'unknown',
  cores: cpus().length,
  memoryGiB: Math.round(totalmem() / 2 ** 30),
  node: process.versions.node,
  platform: `${process.platform} ${process.arch}`,
};

if (process.argv.includes('--json')) {
  const values = Object.fromEntries(figures.map(({ key, value }) => [key, value]));
  const [together] = gapRows.slice(-1);
  const gapsOf = together === undefined ? {} : { gaps: together };
  console.log(
    JSON.stringify({ schema: 'chunkflow/bench@1', machine, ...values, ...harder, ...gapsOf }, null, 2),
  );
} else {
  console.log(
    `${machine.cpu}, ${machine.cores} cores, ${machine.memoryGiB} GiB, Node ${machine.node}, ${machine.platform}; medians`,
  );
  console.log(`simulations: ${BENCHMARK_CASE}`);
  if (typeof report === 'string') console.log(`the page of a report is left out: ${report}`);
  console.log(`cold commands: ${COMMAND_CASE}`);
  console.log(`explorer: ${DRAG_CASE.model} at ${DRAG_CASE.size} on ${DRAG_CASE.machine}`);
  console.log(`plans and fronts: reference size, two ranks on ${PLANNING_MACHINE}; a front on all cores`);
  process.stdout.write(
    formatTable(
      [
        { header: 'figure', value: (row) => row.what },
        { header: 'value', value: (row) => row.value, digits: 1 },
        { header: 'unit', value: (row) => row.unit },
        { header: 'target', value: (row) => row.target },
        { header: '', value: (row) => (row.met ? 'met' : 'MISSED') },
      ],
      figures,
    ),
  );
  console.log('\nharder than the targets ask, flow completions/s');
  process.stdout.write(
    formatTable(
      [
        { header: 'workload', value: (row) => row.what },
        { header: 'flows/s', value: (row) => row.value },
      ],
      [
        { what: '2 GPUs, every flow of another weight', value: harder.flowsPerS2Varied },
        { what: '32 GPUs, every flow of another weight', value: harder.flowsPerS32Varied },
        { what: '32 GPUs, the same, host memory saturated too', value: harder.flowsPerS32Saturated },
      ],
    ),
  );
  if (gapRows.length > 0) {
    console.log(
      '\noptimality gap, the choice above the lower bound: every model on every machine, by the cap on GPU memory',
    );
    const percent = (share: number) => 100 * share;
    process.stdout.write(
      formatTable<GapRow>(
        [
          { header: 'cap', value: (row) => row.cap },
          { header: 'cases', value: (row) => row.cases },
          { header: 'proven', value: (row) => row.proven },
          { header: 'median %', value: (row) => percent(row.median), digits: 2 },
          { header: 'p95 %', value: (row) => percent(row.p95), digits: 2 },
          { header: 'worst %', value: (row) => percent(row.worst.gap), digits: 2 },
          { header: 'worst case', value: ({ worst }) => `${worst.model} on ${worst.machine}: ${worst.plan}` },
          { header: 'target', value: () => `median below ${percent(MEDIAN_GAP_TARGET)}` },
          { header: '', value: (row) => (row.median < MEDIAN_GAP_TARGET ? 'met' : 'MISSED') },
        ],
        gapRows,
      ),
    );
  }
}

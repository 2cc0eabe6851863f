import { spawnSync } from 'node:child_process';
import { cpus, totalmem } from 'node:os';
import { join } from 'node:path';
import { formatTable } from '../cli/table.ts';
import { packageRoot } from '../model/input/packageFiles.ts';
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

const figures = [
  atLeast('eventsPerS', 'event queue, 1,000 pending', eventsPerS(), 'events/s', 5e6),
  atLeast('flowsPerS2', 'flow completions, 2 GPUs', flowsPerS(2, true), 'flows/s', 1e6),
  atLeast('flowsPerS32', 'flow completions, 32 GPUs', flowsPerS(32, true), 'flows/s', 2e5),
  atMost('run50x40x2Ms', '50 steps x 40 blocks x 2 GPUs, every step simulated', fiftySteps(), 'ms', 150),
  atMost('planStepMs', 'one candidate plan: made, lowered, simulated to its steady step', onePlan(), 'ms', 2),
  atMost('helpMs', 'chunkflow --help', helpMs(), 'ms', 150),
];
/** Harder workloads than the targets': every flow of another weight, and memory that is saturated as well. */
const harder = {
  flowsPerS2Varied: flowsPerS(2, true, { varied: true }),
  flowsPerS32Varied: flowsPerS(32, true, { varied: true }),
  flowsPerS32Saturated: flowsPerS(32, true, { varied: true, memoryPerGpu: 45 }),
};
const machine = {
  cpu: cpus()[0]?.model ?? 'unknown',
  cores: cpus().length,
  memoryGiB: Math.round(totalmem() / 2 ** 30),
  node: process.versions.node,
  platform: `${process.platform} ${process.arch}`,
};

if (process.argv.includes('--json')) {
  const values = Object.fromEntries(figures.map(({ key, value }) => [key, value]));
  console.log(JSON.stringify({ schema: 'chunkflow/bench@1', machine, ...values, ...harder }, null, 2));
} else {
  console.log(
    `${machine.cpu}, ${machine.cores} cores, ${machine.memoryGiB} GiB, Node ${machine.node}, ${machine.platform}; medians`,
  );
  console.log(`simulations: ${BENCHMARK_CASE}`);
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
}

import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { packageRoot } from '../model/input/packageFiles.ts';
import { readSweep } from '../studies/sweep/sweep.ts';

/**
 * `npx tsx bench/sweep.ts [SWEEP]`: a sweep by the built command on all cores; predictions a CPU second and a second, and the most
 * memory that its process, with all threads, had.
 */
const file = process.argv[2] ?? join(packageRoot, 'bench', 'catalogue.sweep.yaml');

/** Loaded into the process: at its end it writes what it took to a file descriptor of its own. */
const REPORT = `
  import { writeSync } from 'node:fs';
  process.on('exit', () => {
    const { user, system } = process.cpuUsage();
    writeSync(3, JSON.stringify({ cpuS: (user + system) / 1e6, peakKiB: process.resourceUsage().maxRSS }));
  });
`;

const results = mkdtempSync(join(tmpdir(), 'chunkflow-bench-sweep-'));
try {
  const { points } = readSweep(file, true);
  const loader = `data:text/javascript,${encodeURIComponent(REPORT)}`;
  const command = [join(packageRoot, 'bin', 'chunkflow.mjs'), 'sweep', file, '--results', results];
  const started = performance.now();
  const { status, output } = spawnSync(process.execPath, ['--import', loader, ...command], {
    encoding: 'utf8',
    stdio: ['ignore', 'ignore', 'inherit', 'pipe'],
  });
  const wallS = (performance.now() - started) / 1000;
  if (status !== 0) throw new Error(`the sweep ended with ${status}`);
  const { cpuS, peakKiB } = JSON.parse(output[3]!) as { cpuS: number; peakKiB: number };
  process.stdout.write(
    [
      `${points.toLocaleString('en-US')} predictions`,
      `${Math.round(points / cpuS)} a CPU second (${cpuS.toFixed(1)} s of CPU time)`,
      `${Math.round(points / wallS)} a second (${wallS.toFixed(1)} s, whatever else this machine does)`,
      `${Math.round(peakKiB / 1024)} MiB at the most`,
      '',
    ].join('\n'),
  );
} finally {
  rmSync(results, { recursive: true, force: true });
}

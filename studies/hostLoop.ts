import { spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { buildPrograms } from '../build/build.ts';
import { generate } from '../codegen/generate.ts';
import { writeProgram } from '../codegen/writeProgram.ts';
import { predictStep } from '../model/analytic/stepReport.ts';
import { loadDit } from '../model/dit/load.ts';
import { parseSize } from '../model/dit/tokens.ts';
import { packageRoot } from '../model/input/packageFiles.ts';
import { makePlan } from '../model/presets/presets.ts';
import { loadSystem } from '../model/system/load.ts';
import { bindWorkload } from '../model/workload/bind.ts';
import { simulate } from '../sim/simulate.ts';

const PLANS = ['none', 'layerwise', 'yield,chunk=2MiB', 'yield,chunk=2MiB,transport=staged-copy,piece=64KiB'];
const MACHINE = 'host-x2';
/** Rounds in which the machine's compute rates are brought into agreement with the no-offload arm. */
const CALIBRATION_ROUNDS = 4;

export interface HostLoopRow {
  plan: string;
  measuredS: number;
  spread: number;
  closedFormS: number;
  simulatedS: number;
  sameOutput: boolean;
}

/**
 * The whole loop on CPU cores, in a minute or two: a small model's plans are generated, compiled, run by two ranks that
 * really exchange, and predicted. The machine's compute rates are set so that the no-offload arm agrees; everything else
 * is the machine file's.
 *
 * @param folder where sources, build and results go.
 * @throws UserError where no C++ compiler or CMake is there, with what installs it.
 */
export async function hostLoop(folder: string): Promise<HostLoopRow[]> {
  const workload = bindWorkload(loadDit(join(packageRoot, 'experiments', 'tiny', 'tiny-cross.yaml')), {
    size: parseSize('128x128x5'),
    sp: 2,
  });
  const nominal = loadSystem(MACHINE);
  const program = generate(
    workload,
    nominal,
    PLANS.map((plan) => makePlan(plan, workload, nominal)),
    { id: 'tiny-cross-host' },
  );
  mkdirSync(folder, { recursive: true });
  const [built] = (
    await buildPrograms([writeProgram(program, folder)], { backend: 'host', outDir: join(folder, 'build') })
  ).programs;
  const file = join(folder, 'tiny-cross-host.jsonl');
  rmSync(file, { force: true });
  const { status, stderr } = spawnSync(
    built!.executable,
    ['--rounds', '2', '--steps', '4', '--warm-up', '1', '--ranks', 'threads', '--out', file],
    { encoding: 'utf8' },
  );
  if (status !== 0) throw new Error(`the generated program ended with ${status}: ${stderr}`);
  const lines: Record<string, unknown>[] = readFileSync(file, 'utf8')
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line));
  const summaries = lines.filter(({ record }) => record === 'summary') as unknown as {
    medianS: number;
    spread: number;
  }[];
  const outputs = lines
    .filter(({ record }) => record === 'output')
    .map(({ digests }) => JSON.stringify(digests));

  let scale = 1;
  let system = nominal;
  for (let round = 0; round < CALIBRATION_ROUNDS; round += 1) {
    const none = predictStep(workload, system, makePlan('none', workload, system)).stepTimeS;
    scale *= none / summaries[0]!.medianS;
    system = loadSystem(MACHINE, [
      `gpu.peak=${(nominal.gpu.peakFlops * scale) / 1e9} GFLOP/s`,
      `gpu.deviceMemory=${(nominal.gpu.hbmBytesPerS * scale) / 1e9} GB/s`,
    ]);
  }
  return PLANS.map((text, index) => {
    const plan = makePlan(text, workload, system);
    return {
      plan: text,
      measuredS: summaries[index]!.medianS,
      spread: summaries[index]!.spread,
      closedFormS: predictStep(workload, system, plan).stepTimeS,
      simulatedS: simulate(workload, system, plan, { breakEven: false }).report.stepTimeS,
      sameOutput: outputs[index] === outputs[0],
    };
  });
}

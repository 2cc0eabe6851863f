import { join } from 'node:path';
import { z } from 'zod';
import { predictStep } from '../../model/analytic/stepReport.ts';
import { loadDit } from '../../model/dit/load.ts';
import { rowsAt } from '../../model/dit/tokens.ts';
import { packageRoot } from '../../model/input/packageFiles.ts';
import { checked, readYamlFile } from '../../model/input/yamlFile.ts';
import { makePlan } from '../../model/presets/presets.ts';
import { loadSystem } from '../../model/system/load.ts';
import { PEERS, type System } from '../../model/system/system.ts';
import { bindRows } from '../../model/workload/bind.ts';
import { EXCHANGE_STYLES, type Workload } from '../../model/workload/workload.ts';
import { simulate } from '../../sim/simulate.ts';

const format = z.strictObject({
  machine: z.string(),
  place: z.string(),
  peer: z.enum(PEERS),
  device: z.string(),
  software: z.record(z.string(), z.string()),
  model: z.string(),
  exchange: z.enum(EXCHANGE_STYLES),
  rows: z.array(z.strictObject({ tokens: z.int(), transport: z.string(), plan: z.string(), ms: z.number() })),
});

/** One arm of a trial: milliseconds a block, measured in a short step and predicted in the steady state. */
export interface TrialArm {
  tokens: number;
  transport: string;
  plan: string;
  measuredMs: number;
  closedFormMs: number;
  simulatedMs: number;
}

/** Blocks of the predicted step; a block's time does not depend on how many are alike. */
const BLOCKS = 4;

/**
 * The arms of a trial (`h200-mirrored-trial` or `h200-pair-trial`), predicted from the machine file alone.
 *
 * @param machine predicts them; the machine that they were measured on where not given.
 */
export function trialArms(name: string, machine?: System): TrialArm[] {
  const file = checked(readYamlFile(join(packageRoot, 'experiments', 'measured', `${name}.yaml`)), format);
  const system = withKernelsOfItsOwn(machine ?? loadSystem(file.machine));
  const dit = loadDit(file.model);
  const workloads = new Map<number, Workload>();
  return file.rows.map(({ tokens, transport, plan: text, ms }) => {
    let workload = workloads.get(tokens);
    if (workload === undefined) {
      const whole = bindRows(dit, rowsAt(dit, tokens), {
        size: dit.referenceSize,
        sp: 2,
        cfg: 'none',
        exchange: file.exchange,
      });
      workload = { ...whole, blocks: whole.blocks.slice(0, BLOCKS) };
      workloads.set(tokens, workload);
    }
    const plan = makePlan(text, workload, system, transport);
    const perBlockMs = (seconds: number) => (seconds / BLOCKS) * 1e3;
    return {
      tokens,
      transport,
      plan: text,
      measuredMs: ms,
      closedFormMs: perBlockMs(predictStep(workload, system, plan).stepTimeS),
      simulatedMs: perBlockMs(simulate(workload, system, plan, { breakEven: false }).report.stepTimeS),
    };
  });
}

/**
 * A machine as PyTorch's kernels find it. What the generated runtime's kernels move beside what is counted, and what each takes
 * beyond its work, was fitted to those kernels; PyTorch runs others, more of them and less fused.
 */
function withKernelsOfItsOwn(system: System): System {
  const traffic = { norm: 1, qkNorm: 1, residual: 1, activation: 1, relayout: 1 };
  const kernelOverheadS = { gemm: 0, attention: 0, elementwise: 0 };
  return { ...system, gpu: { ...system.gpu, traffic, kernelOverheadS } };
}

/** How well predicted times order arms of one size: pairs in the right and in the wrong order. */
export interface Order {
  right: number;
  wrong: { faster: TrialArm; slower: TrialArm; gap: number }[];
  /** (right - wrong) / all pairs that measure apart. */
  kendallTau: number;
}

/**
 * Compares every pair of arms of one size. Pairs that measure within `noise` of each other have no order to get
 * right and are left out.
 */
export function orderOf(
  arms: readonly TrialArm[],
  predicted: (arm: TrialArm) => number,
  noise: number,
): Order {
  let right = 0;
  const wrong: Order['wrong'] = [];
  for (const [index, one] of arms.entries()) {
    for (const other of arms.slice(index + 1)) {
      if (one.tokens !== other.tokens) continue;
      const [faster, slower] = one.measuredMs < other.measuredMs ? [one, other] : [other, one];
      const gap = slower.measuredMs / faster.measuredMs - 1;
      if (gap <= noise) continue;
      if (predicted(faster) < predicted(slower)) right += 1;
      else wrong.push({ faster, slower, gap });
    }
  }
  return { right, wrong, kendallTau: (right - wrong.length) / (right + wrong.length) };
}

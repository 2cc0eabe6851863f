import { predictStep } from '../../../model/analytic/stepReport.ts';
import { makePlan } from '../../../model/presets/presets.ts';
import { loadSystem } from '../../../model/system/load.ts';
import type { StepPrediction } from './compareRecords.ts';
import { type NotPredicted, recordWorkload } from './recordWorkload.ts';
import type { StepRecord } from './stepFormat.ts';

/** Catalogued machines by card and number of GPUs. */
const MACHINES: Readonly<Record<string, string>> = {
  'a100-pcie-80gb x2': 'a100-pcie-x2',
  'h100-pcie x2': 'h100-pcie-x2',
  'h100-pcie x4': 'h100-pcie-x4',
  'h100-sxm x1': 'h100-sxm-x1',
  'h100-sxm x2': 'h100-sxm-x2',
  'h100-sxm x4': 'h100-sxm-x4',
  'h100-sxm x8': 'h100-sxm-x8',
  'h200-sxm x1': 'h200-x1',
  'h200-sxm x2': 'h200-x2',
  'rtx-5090 x1': 'rtx5090-x1',
  'rtx-5090 x2': 'rtx5090-x2',
};

/** Transport of the machines whose cards have NVLink; their files begin with slower ones that also work without it. */
const NVLINK = 'nvlink';

/** The closed form of a record on the catalogued machine of its card. It commits itself to no interval. */
export function closedFormPredictor(record: StepRecord): StepPrediction | NotPredicted {
  const name = MACHINES[`${record.card} x${record.gpus}`];
  const workload = recordWorkload(record);
  if ('reason' in workload) return workload;
  if (name === undefined) return { reason: `no machine of ${record.gpus} x ${record.card}` };
  if (record.compute !== 'bf16' && record.compute !== 'fp16')
    return { reason: `products in ${record.compute}` };
  const plan = planOf(record);
  if (plan === null) return { reason: `offload of kind ${record.offload!.kind} without a plan` };
  const system = loadSystem(name);
  const nvlink = system.transports.find((transport) => transport.name === NVLINK);
  const transport = record.interconnect === 'pcie' ? undefined : nvlink?.name;
  return {
    stepS: predictStep(workload, system, makePlan(plan, workload, system, transport)).stepTimeS,
  };
}

/** Offloaded components are exchanged between steps, so a step of theirs streams nothing. */
function planOf({ offload }: StepRecord): string | null {
  if (offload!.kind === 'none' || offload!.kind === 'component') return 'none';
  return offload!.plan ?? null;
}

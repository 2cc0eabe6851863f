import { loadSystem } from '../../../model/system/load.ts';
import { type NotPredicted, recordWorkload } from './recordWorkload.ts';
import type { StepRecord } from './stepFormat.ts';

/** A record in the words of `chunkflow predict`, beside its workload. */
export interface CatalogueCase {
  machine: string;
  /** Of the collectives; without, the machine's default. */
  transport?: string;
  plan: string;
}

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

/**
 * The machine of the catalogue and the plan of a record whose settings are closed, or why it has none.
 *
 * @param ranks GPUs that meet in a collective: guidance in parallel has none.
 */
export function catalogueCase(record: StepRecord, ranks: number): CatalogueCase | NotPredicted {
  const machine = MACHINES[`${record.card} x${record.gpus}`];
  if (machine === undefined) return { reason: `no machine of ${record.gpus} x ${record.card}` };
  if (record.compute !== 'bf16' && record.compute !== 'fp16')
    return { reason: `products in ${record.compute}` };
  const plan = planOf(record);
  if (plan === null) return { reason: `offload of kind ${record.offload!.kind} without a plan` };
  const hasNvlink = loadSystem(machine).transports.some(({ name }) => name === NVLINK);
  return ranks > 1 && hasNvlink && record.interconnect !== 'pcie'
    ? { machine, plan, transport: NVLINK }
    : { machine, plan };
}

/** Offloaded components are exchanged between steps, so a step of theirs streams nothing. */
function planOf({ offload }: StepRecord): string | null {
  if (offload!.kind === 'none' || offload!.kind === 'component') return 'none';
  return offload!.plan ?? null;
}

/** Arguments of `chunkflow` that predict a record whose settings are closed, or why there are none. */
export function predictArguments(record: StepRecord): string[] | NotPredicted {
  const workload = recordWorkload(record);
  if ('reason' in workload) return workload;
  const found = catalogueCase(record, workload.ranks);
  if ('reason' in found) return found;
  const { model, size, batch, layout } = workload;
  return [
    ...['predict', '--model', model.id, '--size', `${size.width}x${size.height}x${size.frames}`],
    ...['--batch', String(batch), '--sp', String(layout.sp), '--tp', String(layout.tp)],
    ...(layout.ring > 1 ? ['--ring', String(layout.ring)] : []),
    ...['--cfg', layout.cfg, '--machine', found.machine],
    ...(found.transport === undefined ? [] : ['--transport', found.transport]),
    ...['--plan', found.plan],
  ];
}

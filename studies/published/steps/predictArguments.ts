import { isNotPredicted, type NotPredicted } from './notPredicted.ts';
import { recordCase } from './recordCase.ts';
import type { StepRecord } from './stepFormat.ts';

/** Arguments of `chunkflow` that predict a record whose settings are closed, in the first way that it may have been computed. */
export function predictArguments(record: StepRecord): string[] | NotPredicted {
  const found = recordCase(record);
  if (isNotPredicted(found)) return found;
  const { workload, machine, modes, plan } = found;
  const { model, size, batch, layout, experts } = workload;
  const { dtype, attention, launch } = modes[0]!;
  return [
    ...['predict', '--model', model.id, '--size', `${size.width}x${size.height}x${size.frames}`],
    ...['--dtype', record.storage!, '--batch', String(batch)],
    ...['--sp', String(layout.sp), '--tp', String(layout.tp), '--cfg', layout.cfg],
    ...(layout.ring > 1 ? ['--ring', String(layout.ring)] : []),
    ...(experts === model.experts ? [] : ['--experts-on-gpu', String(experts)]),
    ...(dtype === 'bf16' ? [] : ['--compute-dtype', dtype]),
    ...(attention === null ? [] : ['--attention', attention]),
    ...(launch === 'eager' ? ['--eager'] : []),
    ...['--machine', machine.text, '--plan', plan],
    ...('stepS' in record.measured ? [] : ['--steps', String(record.steps)]),
  ];
}

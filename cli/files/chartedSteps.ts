import { UserError } from '../../model/input/userError.ts';
import { loadSystem } from '../../model/system/load.ts';
import { attachedRow, compareAttachedSteps } from '../../report/attached/attachedSteps.ts';
import { depthRange } from '../../studies/dataset/programDepth.ts';
import { DatasetReader } from '../../studies/dataset/stepRecords.ts';
import { compareSteps } from '../../studies/heldOut/compareSteps.ts';
import { type StepRow, stepRow } from '../../studies/plots/predictedVsMeasured.ts';
import type { StepChartFlags } from '../flags/chart.ts';

/** Measured steps beside their predictions, as charts have them. */
interface ChartedSteps {
  rows: StepRow[];
  /** Such as `247 steps on NVIDIA H200, predicted from h200-x2-fitted`. */
  title: string;
  /** Of what they are. */
  what: string;
}

/** Compares the steps of datasets, or with `--profiles` of attached models. */
export function chartedSteps(files: readonly string[], { machine, profiles }: StepChartFlags): ChartedSteps {
  const by = machine === undefined ? '' : `, predicted from ${machine}`;
  if (profiles === undefined) {
    const steps = compareSteps(new DatasetReader(files), machine === undefined ? null : loadSystem(machine));
    return {
      rows: steps.map(stepRow),
      title: `${steps.length} steps on ${steps[0]!.run.device.name}${by}`,
      what: `programs of ${depthRange(steps.map(({ depth }) => depth))}`,
    };
  }
  if (machine === undefined)
    throw new UserError(
      `--profiles ${profiles}: a profile says nothing of links; give --machine, such as one that was fitted`,
    );
  const { steps } = compareAttachedSteps({ files, profiles, machine }, 0);
  return {
    rows: steps.map(attachedRow),
    title: `${steps.length} steps of attached models on ${steps[0]!.measured.record.device}${by}`,
    what: 'predicted from their profiles',
  };
}

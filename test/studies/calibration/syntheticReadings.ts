import { type CaseOptions, type CaseParameters, calibrationCases } from '../../../model/calibration/cases.ts';
import { randomNumbers } from '../../../model/leastSquares/multiStart.ts';
import type { System } from '../../../model/system/system.ts';
import { predictCases } from '../../../studies/calibration/predictReadings.ts';
import { type CaseReading, sideOf } from '../../../studies/calibration/readings.ts';

export interface Synthetic {
  groupSize: number;
  /** Standard deviation of ln(reading). */
  noise: number;
  seed: number;
  options?: CaseOptions;
  keep?: (parameters: CaseParameters) => boolean;
  /** Every reading is fitted, or those that the split of a calibration would choose. */
  split: boolean;
}

function quantitiesOf(parameters: CaseParameters): CaseReading['quantity'][] {
  if (parameters.kind === 'collective') return ['callS'];
  // Copies on a stream of their own starve copy-engine collectives: such a case has another quantity.
  if (parameters.kind === 'together')
    return parameters.transport === 'staged-copy' ? [] : ['callS', 'h2dBytesPerS'];
  const down = parameters.direction === 'd2h' ? [] : (['downS'] as const);
  const up = parameters.direction === 'h2d' ? [] : (['upS'] as const);
  return [...down, ...up];
}

/** What a calibration of a machine would read if the machine were as the simulation has it, with noise. */
export function syntheticReadings(
  system: System,
  { groupSize, noise, seed, options = {}, keep = () => true, split }: Synthetic,
): CaseReading[] {
  const random = randomNumbers(seed);
  const normal = () => Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
  const readings = calibrationCases(system, groupSize, options)
    .filter(({ parameters }) => keep(parameters))
    .flatMap(({ id, parameters }) =>
      quantitiesOf(parameters).map(
        (quantity): CaseReading => ({
          ...{ kind: 'case', id, side: split ? sideOf(id) : 'fit', quantity, parameters, groupSize },
          ...{ measured: 1, spread: 0 },
        }),
      ),
    );
  const exact = predictCases(system, readings);
  return readings.map((reading, index) => ({
    ...reading,
    measured: exact[index]! * Math.exp(noise * normal()),
  }));
}

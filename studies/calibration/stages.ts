import { MiB } from '../../model/input/byteUnits.ts';
import { oneHost } from '../../model/system/oneHost.ts';
import type { System } from '../../model/system/system.ts';
import { computeStages, powerStage } from './computeStages.ts';
import { hostStage } from './hostStage.ts';
import type { CaseReading } from './readings.ts';
import { micros, rate, type Stage } from './stage.ts';
import { type HasKey, transportStages } from './transportStages.ts';

/**
 * What is fitted, in order: what runs alone first, then what shares a link, then compute. Each stage takes what the ones
 * before it found as given, so that an isolated number is never bent to explain a contention.
 *
 * @param cases readings that say which transports were measured, between how many ranks.
 * @param has whether the machine file has a key.
 * @param hostOnly keeps what is the GPU's own: pauses between chunks, and what filling a pipeline costs.
 */
export function stagesFor(
  system: System,
  cases: readonly CaseReading[],
  has: HasKey,
  hostOnly = false,
): Stage[] {
  return [
    ...copyStages(oneHost(system), hostOnly),
    ...hostStage(oneHost(system), cases),
    ...transportStages(system, cases, has, hostOnly),
    ...computeStages(system),
    ...(system.gpu.power === null ? [] : [powerStage(system.gpu.power)]),
  ];
}

/** One GPU's copies: what several get from their host at once is no property of a GPU. */
function copyStages({ gpu: { copyEngine }, gpus }: System, hostOnly: boolean): Stage[] {
  // GPUs of one kind have one number, whichever of them was measured.
  const links = (of: 'down' | 'up' | 'duplex') => gpus.map((gpu) => `tree.${gpu}.${of}`);
  return [
    {
      of: 'cases',
      name: 'copies alone',
      parameters: [
        rate('h2d', copyEngine.h2dBytesPerS, ['gpu.copyEngine.h2d', ...links('down')]),
        rate('d2h', copyEngine.d2hBytesPerS, ['gpu.copyEngine.d2h', ...links('up')]),
        ...(hostOnly
          ? []
          : [
              micros('startUp', copyEngine.startUpS, ['gpu.copyEngine.startUp']),
              micros('gap', copyEngine.gapS, ['gpu.copyEngine.gap']),
              micros('paceOverhead', copyEngine.paceOverheadS, ['gpu.copyEngine.paceOverhead']),
            ]),
      ],
      readings: ({ parameters }) =>
        parameters.kind === 'copies' && parameters.direction !== 'both' && parameters.gpus === 1,
    },
    {
      of: 'cases',
      name: 'both directions',
      parameters: [rate('duplex', 1.85 * copyEngine.h2dBytesPerS, links('duplex'))],
      readings: ({ parameters }) =>
        parameters.kind === 'copies' &&
        parameters.direction === 'both' &&
        parameters.gpus === 1 &&
        parameters.chunkBytes >= MiB,
    },
  ];
}

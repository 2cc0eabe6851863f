import { readYamlFile } from '../../model/input/yamlFile.ts';
import { fit } from '../../model/leastSquares/fit.ts';
import type { FittedParameter, Parameter, Unidentified, Values } from '../../model/leastSquares/problem.ts';
import { systemFileOf } from '../../model/system/load.ts';
import type { System } from '../../model/system/system.ts';
import { type FittedEntry, type MachineUnit, systemWith, written } from '../calibration/machineValues.ts';
import { sideOf } from '../calibration/readings.ts';
import { pairReadings, type Reading, type ReadingOrigin } from './readings.ts';
import { type TrialArm, trialArms } from './trials.ts';

/** What a machine that has seen half of the contention readings of a pair makes of the other half, and of its trial. */
export interface PairFit {
  parameters: FittedParameter[];
  unidentified: Unidentified[];
  system: System;
  /** Contention readings on either side, as the fitted machine predicts them. */
  fitted: Reading[];
  heldOut: Reading[];
  /** Steps against the step of `none` on the same transport at the same size. */
  ratios: TrialRatio[];
}

export interface TrialRatio {
  arm: TrialArm;
  measured: number;
  predicted: number;
}

interface PairParameter extends Parameter {
  unit: MachineUnit;
  keys: readonly string[];
}

const A2A = 'transports.shm.all-to-all';
const A2A_SHARE = 'all-to-all beside H2D';
const H2D_SHARE = 'H2D beside all-to-all';

type IsWanted = (reading: ReadingOrigin) => boolean;

/** What ran alone is fitted first: an isolated number is never bent to explain a contention. Starts know nothing of the pair. */
const STAGES: readonly { parameters: readonly PairParameter[]; readings: IsWanted }[] = [
  {
    parameters: [
      factor('h2d', 'GB/s', 50, ['gpu.copyEngine.h2d', 'tree.gpu0.down']),
      factor('gap', 'us', 3, ['gpu.copyEngine.gap']),
      factor('latency', 'us', 10, ['transports.shm.latency']),
      factor('all-to-all', 'GB/s', 25, [`${A2A}.rate`]),
      factor('all-reduce', 'GB/s', 25, ['transports.shm.all-reduce.rate']),
    ],
    readings: ({ contended }) => !contended,
  },
  {
    parameters: [
      factor('paceOverhead', 'us', 5, ['gpu.copyEngine.paceOverhead']),
      share(A2A_SHARE, 0.6, [`${A2A}.besideH2d.collective`]),
      share(H2D_SHARE, 0.7, [`${A2A}.besideH2d.h2d`]),
    ],
    readings: ({ contended, line }) => contended && sideOf(line) === 'fit',
  },
];

/**
 * Fits the pair's links and its NCCL to everything that ran alone and to half of what ran together: the hash of a line
 * decides which half.
 */
export function fitPair(): PairFit {
  const source = readYamlFile(systemFileOf('h200-x2'));
  const entries = new Map<string, FittedEntry>();
  const results = STAGES.map(({ parameters, readings: isWanted }) => {
    const at = (values: Values) =>
      systemWith(source, new Map([...entries, ...entriesOf(parameters, values)]));
    const result = fit(
      {
        parameters,
        readings: pairReadings(undefined, isWanted).map((reading, index) => ({ ...reading, index })),
        measured: ({ measured }) => measured,
        predict: (values, readings) => {
          const all = pairReadings(at(values), isWanted);
          return readings.map(({ index }) => all[index]!.predicted);
        },
        cluster: ({ line }) => line,
      },
      { starts: 1 },
    );
    const found = Object.fromEntries(result.parameters.map(({ name, value }) => [name, value]));
    for (const [key, entry] of entriesOf(parameters, found)) entries.set(key, entry);
    return result;
  });
  const system = systemWith(source, entries);
  const contended = pairReadings(system, (reading) => reading.contended);
  return {
    parameters: results.flatMap((result) => result.parameters),
    unidentified: results.flatMap((result) => result.unidentified),
    system,
    fitted: contended.filter(({ line }) => sideOf(line) === 'fit'),
    heldOut: contended.filter(({ line }) => sideOf(line) === 'held-out'),
    ratios: trialRatios(trialArms('h200-pair-trial', system)),
  };
}

/** Arms against `none` of the same size and transport; a size that has no such arm has no ratios. */
export function trialRatios(arms: readonly TrialArm[]): TrialRatio[] {
  return arms.flatMap((arm) => {
    const none = arms.find(
      ({ tokens, transport, plan }) =>
        plan === 'none' && tokens === arm.tokens && transport === arm.transport,
    );
    if (none === undefined || arm === none) return [];
    return [
      { arm, measured: arm.measuredMs / none.measuredMs, predicted: arm.simulatedMs / none.simulatedMs },
    ];
  });
}

/** The least that a collective and H2D keep of their rates together: the link is never left idle. */
const LEAST_KEPT = 1.001;

/** Numbers of the machine file that stages of the fit have found; one that was refused is not among them. */
function entriesOf(parameters: readonly PairParameter[], found: Values): Map<string, FittedEntry> {
  const values = { ...found };
  if (values[A2A_SHARE] !== undefined && values[H2D_SHARE] !== undefined)
    values[H2D_SHARE] = Math.max(values[H2D_SHARE], LEAST_KEPT - values[A2A_SHARE]);
  const entries = new Map<string, FittedEntry>();
  for (const { name, unit, keys } of parameters) {
    const value = values[name];
    if (value === undefined) continue;
    for (const key of keys)
      entries.set(key, { is: written(value, unit), from: 'fitted', source: 'h200-pair-shm.yaml' });
  }
  return entries;
}

function factor(name: string, unit: MachineUnit, start: number, keys: readonly string[]): PairParameter {
  return { name, unit, start, low: start / 20, high: start * 20, scale: 'log', keys };
}

function share(name: string, start: number, keys: readonly string[]): PairParameter {
  return { name, unit: 'plain', start, low: 0.05, high: 0.99, scale: 'logit', keys };
}

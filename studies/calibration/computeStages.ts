import { ELEMENTWISE_KERNELS, type SegmentClass } from '../../model/dit/kinds.ts';
import type { Power, System } from '../../model/system/system.ts';
import { micros, plain, type Stage, type StageParameter } from './stage.ts';

/** Device memory first, since it bounds matrix products as well. */
export function computeStages({ gpu }: System): Stage[] {
  const { efficiency, attentionTiles, traffic } = gpu;
  const stage = (of: SegmentClass, parameters: StageParameter[]): Stage => ({
    of: 'segments',
    name: of,
    parameters: [...parameters, micros(`${of} overhead`, 5e-6, [`gpu.kernelOverhead.${of}`])],
    readings: ({ sustained, segment }) => !sustained && segment.class === of,
  });
  const fraction = (name: string, start: number, key: string) =>
    // Attention on CPU cores reaches a tenth of their peak.
    plain(name, start, Math.min(0.2, start / 5), 0.99, 'logit', [`gpu.${key}`]);
  return [
    // What a byte takes and how many there are cannot both be told: the machine file's rate stands.
    stage(
      'elementwise',
      ELEMENTWISE_KERNELS.map((kernel) =>
        plain(`${kernel} traffic`, traffic[kernel], 0.05, 8, 'log', [`gpu.traffic.${kernel}`]),
      ),
    ),
    stage('gemm', [fraction('gemm efficiency', efficiency.gemm, 'efficiency.gemm')]),
    stage('attention', [
      fraction('attention efficiency', efficiency.attention, 'efficiency.attention'),
      ...(attentionTiles === null
        ? []
        : [
            fraction('ragged attention', attentionTiles.ragged, 'attentionTiles.ragged'),
            micros('attention tile', 1e-6, ['gpu.attentionTiles.overhead']),
          ]),
    ]),
  ];
}

/** What segments that were sustained reveal: at part duty what power they draw, at full duty what the cap does to them. */
export function powerStage({ idleW, joulesPerFlop, energyExponent, usefulClock }: Power): Stage {
  return {
    of: 'segments',
    name: 'power',
    parameters: [
      { name: 'idle', unit: 'W', start: idleW, low: 20, high: 400, scale: 'log', keys: ['gpu.power.idle'] },
      picojoules('gemm', joulesPerFlop.gemm),
      picojoules('attention', joulesPerFlop.attention),
      plain('energy exponent', energyExponent, 0.1, 4, 'log', ['gpu.power.energyExponent']),
      plain('useful gemm clock', usefulClock.gemm || 0.9, 0.4, 0.999, 'logit', [
        'gpu.power.usefulClock.gemm',
      ]),
      plain('useful attention clock', usefulClock.attention || 0.9, 0.4, 0.999, 'logit', [
        'gpu.power.usefulClock.attention',
      ]),
    ],
    readings: ({ sustained }) => sustained,
  };
}

function picojoules(of: 'gemm' | 'attention', joules: number): StageParameter {
  const start = joules * 1e12;
  return {
    ...{ name: `${of} energy`, unit: 'pJ/FLOP', start, low: start / 5, high: start * 5, scale: 'log' },
    keys: [`gpu.power.${of}`],
  };
}

/** A survey of the arenas of two ranks: two blocks, three slots. */
export const arenaSurvey = {
  record: 'arena',
  layout: 'surveyed',
  blocks: [0, 1],
  slotBytes: [1024, 1024, 1024],
  groupOfSlot: [0, 0, 0],
  sampleBytes: 2 ** 26,
  repeats: 3,
  alone: [
    [54e9, 54e9, 53e9],
    [55e9, 52e9, 54e9],
  ],
  together: [
    {
      shift: 0,
      bytesPerS: [
        [40e9, 50e9, 45e9],
        [41e9, 51e9, 45e9],
      ],
    },
  ],
  slotOf: [
    [0, 1],
    [1, 2],
  ],
  inOrder: {
    bytesPerS: [
      [40e9, 50e9],
      [41e9, 49e9],
    ],
    maxOverMin: 1.225,
    variation: 0.101,
  },
  placed: {
    bytesPerS: [
      [50e9, 50e9],
      [51e9, 52e9],
    ],
    maxOverMin: 1,
    variation: 0,
  },
  remark: null,
  surveyS: 4.5,
};

/** Records of one small run of two plans, as a runtime writes them; changes on top replace fields. */
export function runLines({
  program = 'tiny',
  fingerprint = 'f00d',
  place = 'mirrored',
  backend = 'cuda',
  ranks = 1,
}: {
  program?: string;
  fingerprint?: string;
  place?: string;
  backend?: string;
  ranks?: number;
} = {}): string[] {
  const device = {
    name: 'NVIDIA H200',
    uuid: 'GPU-1',
    driver: '580.95',
    cuda: '13.0',
    pciBus: '0000:18:00.0',
  };
  const records = [
    {
      ...{ record: 'run', schema: 'chunkflow/measurement@1', program, title: 'Tiny', fingerprint },
      ...{ tool: 'chunkflow 0.1.0', backend, place, ranks, groupSize: 2, startedAt: '2026-11-23T21:00:00Z' },
      ...{
        devices: [{ ...device, memoryBytes: 2 ** 37 }],
        libraries: 'none',
        nccl: '',
        options: { rounds: 5 },
      },
    },
    ...['none', 'yield'].flatMap((name, plan) => [
      {
        ...{ record: 'memory', plan, name, claimedBytes: 3 * 2 ** 30 },
        claim: { slotBytes: 2 ** 30, reserveBytes: 2 ** 29 },
        ...{ allocatedPeakBytes: 2 ** 30, devicePeakBytes: 2 * 2 ** 30, contextBytes: 2 ** 29 },
        ...{ pinnedBytes: 0, claimedPinnedBytes: 0 },
      },
      {
        ...{ record: 'output', plan, steps: 3, mode: 'eager', finite: true },
        digests: [{ rank: 0, residual: 'x', digest: '0123456789abcdef' }],
      },
      { record: 'verify', plan, chunks: 4, wrong: 0, first: null },
      {
        ...{ record: 'visit', plan, round: 0, mode: 'eager', stepS: [0.01, 0.011], enqueueS: [1e-4, 1e-4] },
        ...{ smHz: 1.98e9, powerW: null, temperatureC: 40 },
      },
      ...Array.from({ length: ranks }, (_, rank) => ({
        ...{ record: 'timeline', plan, rank, stepS: 0.01, position: [0, 0, 0], statement: [0, 1, 1] },
        ...{ part: [0, 0, 1], startS: [0, 0.001, 0.002], endS: [0.005, 0.002, 0.003] },
      })),
      {
        ...{
          record: 'summary',
          plan,
          name,
          mode: 'eager',
          medianS: 0.01 + plan * 0.002,
          madS: 1e-5,
          p10S: 0.0099,
        },
        ...{
          p90S: 0.0102,
          minS: 0.0098,
          steps: 2,
          rounds: 1,
          spread: 0.03,
          steady: true,
          tracedOverNot: 0.01,
        },
      },
    ]),
    { record: 'end', ok: true, wallS: 12.5 },
  ];
  return records.map((record) => JSON.stringify(record));
}

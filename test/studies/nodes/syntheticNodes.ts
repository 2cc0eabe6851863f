import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type CaseParameters, calibrationCases } from '../../../model/calibration/cases.ts';
import { randomNumbers } from '../../../model/leastSquares/multiStart.ts';
import { loadSystem } from '../../../model/system/load.ts';
import { simulateCase } from '../../../sim/simulateCase.ts';
import { predictSegments } from '../../../studies/calibration/predictReadings.ts';
import { segmentWorkload } from '../../../studies/calibration/segmentPrograms.ts';

/** What is true of a node, beside what is true of all: the machine's numbers. */
export interface NodeTruth {
  name: string;
  /** What this node is better or worse by in everything that its host decides, as a factor on rates. */
  host?: number;
  /** Bytes/s that a GPU's link carries at the most, by rank. */
  linkBytesPerS?: Record<number, number>;
  /** Share of the highest clock that its GPUs reach. */
  clock?: number;
  /** Of its records. */
  driver?: string;
  link?: { lanes: number; mostLanes: number; mostGeneration: number };
  vbios?: string;
}

export function normalNumbers(seed: number): () => number {
  const random = randomNumbers(seed);
  return () => Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
}

const MACHINE = 'h200-x2-fitted';
const ROUNDS = 3;
const PROGRAM = { model: 'flux.1-dev', size: '768x768', sp: 2, blocks: 3 };
const system = loadSystem(MACHINE);
const quick = calibrationCases(system, 2, { quick: true });
const exact = quick.map(({ parameters }) => simulateCase(system, 2, parameters));

/** How a node is measured: with so much noise from round to round; copies of one GPU alone are fitted in a second. */
export interface Measuring {
  noise: number;
  seed: number;
  copiesOnly?: boolean;
  machine?: string;
}

/** Writes what `calibrate` would leave on a pair of which this is true. */
export function writeNode(folder: string, truth: NodeTruth, how: Measuring): string {
  const { noise, seed, copiesOnly = false, machine = MACHINE } = how;
  const normal = normalNumbers(seed);
  const isWanted = ({ kind, ...rest }: CaseParameters) =>
    !copiesOnly || (kind === 'copies' && 'gpus' in rest && rest.gpus === 1);
  const measured = quick.flatMap((own, index) =>
    isWanted(own.parameters) ? [{ ...own, times: exact[index]! }] : [],
  );
  const cases = measured.flatMap(({ id, parameters, times }, index) =>
    Array.from({ length: ROUNDS }, (_, round) => ({
      ...{ record: 'case', case: index, id, round, parameters },
      ranks: [0, 1].map((rank) => timesOf(parameters, times, rank, truth, () => Math.exp(noise * normal()))),
    })),
  );
  const options = { cases: measured.map((_, index) => index), rounds: ROUNDS, seed: 1 };
  const place = join(folder, truth.name);
  mkdirSync(place, { recursive: true });
  write(join(place, 'cases.jsonl'), [runOf('cases', truth, options), ...cases]);
  if (!copiesOnly)
    write(join(place, 'segments.jsonl'), [runOf('segments', truth, {}), ...segmentsOf(truth, noise, normal)]);
  const segments = copiesOnly ? [] : ['segments.jsonl'];
  writeFileSync(
    join(place, 'calibration.yaml'),
    `${JSON.stringify({
      ...{ machine, split: 'none', hostOnly: copiesOnly, cases: ['cases.jsonl'], segments },
      programs: copiesOnly ? {} : { segments: PROGRAM },
    })}\n`,
  );
  return place;
}

function write(file: string, records: readonly object[]): void {
  const end = { record: 'end', ok: true, wallS: 1 };
  writeFileSync(file, [...records, end].map((record) => `${JSON.stringify(record)}\n`).join(''));
}

function runOf(program: string, { name, driver = '580.95', link, vbios }: NodeTruth, options: object) {
  const device = (rank: number) => ({
    ...{
      name: 'NVIDIA H200',
      uuid: `GPU-${name}-${rank}`,
      driver,
      cuda: '13.0',
      pciBus: `0000:0${rank}:00.0`,
    },
    ...{ node: name, memoryBytes: 2 ** 37, ...(link && { link }), ...(vbios && { vbios }) },
  });
  return {
    ...{ record: 'run', schema: 'chunkflow/measurement@1', program, title: program, fingerprint: 'f00d' },
    ...{ tool: 'chunkflow 0.1.0', backend: 'cuda', place: 'real', ranks: 2, groupSize: 2, options },
    ...{
      startedAt: '2026-11-23T21:00:00Z',
      devices: [device(0), device(1)],
      libraries: 'none',
      nccl: '2.28.9',
    },
    ncclVariables: { NCCL_P2P_DISABLE: '1' },
  };
}

function timesOf(
  parameters: CaseParameters,
  { callS, downS, upS, windowS, windowBytes }: ReturnType<typeof simulateCase>,
  rank: number,
  { host = 1, linkBytesPerS }: NodeTruth,
  noise: () => number,
) {
  const copies = parameters.kind === 'copies' && rank < parameters.gpus ? parameters : null;
  const leastS =
    copies === null ? 0 : (copies.chunkBytes * copies.chunks) / (linkBytesPerS?.[rank] ?? Infinity);
  const copyS = (seconds: number) =>
    copies === null || seconds === 0 ? 0 : (Math.max(seconds, leastS) / host) * noise();
  return {
    callS: callS.map((seconds) => (seconds / host) * noise()),
    ...{ downS: copyS(downS), upS: copyS(upS), windowS: windowS / host, windowBytes, outlasted: true },
  };
}

function segmentsOf({ clock = 1 }: NodeTruth, noise: number, normal: () => number): object[] {
  const smHz = clock * system.gpu.power!.topClockHz!;
  const block = segmentWorkload(PROGRAM).blocks[0]!;
  return block.segments.flatMap((segment, statement) => {
    if (segment.kind !== 'compute') return [];
    const [runS] = predictSegments(system, [
      {
        ...{ kind: 'segment', id: segment.name, side: 'fit', quantity: 'runS', measured: 1, spread: 0 },
        ...{ segment, gapS: 0, sustained: false, smHz },
      },
    ]);
    return [
      {
        ...{
          record: 'segment',
          plan: 0,
          name: segment.name,
          position: 0,
          statement,
          beside: 'nothing',
          gapS: 0,
        },
        ...{ runS: runS! * Math.exp(noise * normal()), runs: 5, smHz, powerW: 400 },
      },
    ];
  });
}

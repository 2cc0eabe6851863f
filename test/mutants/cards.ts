import type { MutantGroup } from './mutant.ts';

const CARDS = 'test/model/system/cards.test.ts';
const COMPUTE = 'test/model/physics/computeDtype.test.ts';

/** Machines made of cards, and compute by dtype, kernel and launches. */
export const CARD_MUTANTS: readonly MutantGroup[] = [
  {
    file: 'model/system/cards/collectives.ts',
    tests: [CARDS],
    mutants: [
      {
        breaks: 'GeForce cards have peer access',
        original: "card.peerToPeer.is && topology === 'switch'",
        mutated: "topology === 'switch'",
      },
      {
        breaks: 'NCCL takes peer access through roots',
        original: "card.peerToPeer.is && topology === 'switch'",
        mutated: 'card.peerToPeer.is',
      },
      {
        breaks: 'collectives of a narrow link are as fast as of a wide one',
        original: 'rateNumber(SHARE[of] * bytesPerS,',
        mutated: 'rateNumber(SHARE[of] * 52e9,',
      },
    ],
  },
  {
    file: 'model/system/cards/compose.ts',
    tests: [CARDS],
    mutants: [
      {
        breaks: 'a bridge is there without being asked for',
        original: "if (nvlink !== 'on' && by === 'bridge') return false;",
        mutated: '',
      },
      {
        breaks: 'a card takes more lanes than it has',
        original: 'pcie.gen > most.gen || pcie.lanes > most.lanes',
        mutated: 'pcie.gen > most.gen && pcie.lanes > most.lanes',
      },
      {
        breaks: 'eight GeForce cards stand in a desktop',
        original: "count > MOST_ON_A_DESKTOP && card.host === 'desktop'",
        mutated: "count > 8 && card.host === 'desktop'",
      },
      {
        breaks: "a card's own efficiencies do not count",
        original: 'asWritten({ ...efficiency, ...card.efficiency })',
        mutated: 'asWritten({ ...card.efficiency, ...efficiency })',
      },
    ],
  },
  {
    file: 'model/system/cards/tree.ts',
    tests: [CARDS],
    mutants: [
      {
        breaks: 'the slot of a switch is as narrow as its cards',
        original: 'pcieHostLink({ ...pcie, lanes: UPLINK_LANES })',
        mutated: 'link',
      },
      {
        breaks: 'all GPUs are at one of two sockets',
        original: "index < first ? 'socket0' : 'socket1'",
        mutated: "index < count ? 'socket0' : 'socket1'",
      },
    ],
  },
  {
    file: 'model/system/machineFile.ts',
    tests: [CARDS],
    mutants: [
      {
        breaks: 'a file cannot replace numbers of its card',
        original: 'merged(composed, own)',
        mutated: 'merged(own, composed)',
      },
      {
        breaks: 'flags count for less than defaults',
        original: 'wiring: { ...text.wiring, ...wiring }',
        mutated: 'wiring: text.wiring',
      },
    ],
  },
  {
    file: 'model/system/computeRates.ts',
    tests: [COMPUTE],
    mutants: [
      {
        breaks: "a dtype's own efficiency does not count",
        original: '(own * (reached ?? usual)) / (bf16 * usual)',
        mutated: 'own / bf16',
      },
      {
        breaks: 'fp16 has to be given',
        original: "(dtype === 'fp16' ? bf16 : undefined)",
        mutated: 'undefined',
      },
      {
        breaks: 'an attention kernel is measured by the peak of bf16',
        original: 'rate: (own! * entry.efficiency.value)',
        mutated: 'rate: (bf16 * entry.efficiency.value)',
      },
    ],
  },
  {
    file: 'model/physics/power.ts',
    tests: [COMPUTE],
    mutants: [
      {
        breaks: 'a FLOP costs the same in every dtype',
        original: '/ relativeRate(segment, power.of).peak',
        mutated: '',
      },
    ],
  },
  {
    file: 'model/physics/hostIssue.ts',
    tests: [COMPUTE],
    mutants: [
      {
        breaks: 'eager code launches as fast as compiled code',
        original: "workload.compute.launch !== 'eager'",
        mutated: 'true',
      },
      {
        breaks: 'a machine cannot say how long its host takes',
        original: '(host.eagerLaunchS ?? EAGER_LAUNCH_S)',
        mutated: 'EAGER_LAUNCH_S',
      },
    ],
  },
  {
    file: 'model/workload/computeMode.ts',
    tests: [COMPUTE],
    mutants: [
      {
        breaks: 'attention runs in the dtype of matrix products',
        original: "segment.class === 'gemm' && dtype !== 'bf16'",
        mutated: "dtype !== 'bf16'",
      },
    ],
  },
];

import type { MutantGroup } from './mutant.ts';

const MATRIX = 'test/studies/imports/nvidiaSmiTopology.test.ts';
const NCCL_TESTS = 'test/studies/imports/ncclTests.test.ts';
const LAUNCHERS = 'test/studies/imports/launchers.test.ts';
const MACHINE = 'test/studies/calibration/importedMachine.test.ts';

/** Other tools' files: their readers, and machines that are fitted to them. */
export const IMPORTS: readonly MutantGroup[] = [
  {
    file: 'model/system/matrixBlock.ts',
    tests: [MATRIX],
    mutants: [
      {
        breaks: 'a matrix of peers is taken where it comes first',
        original: 'const chosen = Math.max(0, found);',
        mutated: 'const chosen = 0;',
      },
      {
        breaks: 'a blank CPU affinity shifts the NUMA node',
        original: "return isBlank ? [...values.slice(0, devices), 'N/A', ...values.slice(devices)] : values;",
        mutated: 'return values;',
      },
    ],
  },
  {
    file: 'studies/imports/numaContradictions.ts',
    tests: [MATRIX],
    mutants: [
      {
        breaks: 'GPUs of one NUMA node stay apart',
        original: "return isSame ? 'NODE' : path;",
        mutated: 'return path;',
      },
    ],
  },
  {
    file: 'studies/imports/smiTree.ts',
    tests: [MATRIX],
    mutants: [
      {
        breaks: 'a host bridge that holds its whole socket is shared by nobody',
        original: "const isShared = groups(group, 'PXB').length > 1;",
        mutated: "const isShared = group.length < members.length && groups(group, 'PXB').length > 1;",
      },
    ],
  },
  {
    file: 'studies/imports/ncclTestsRun.ts',
    tests: [NCCL_TESTS],
    mutants: [
      {
        breaks: 'wrong elements of one row are a fault of all',
        original: 'if (outOfBounds === 0 || this.#wrongRows > 0) return;',
        mutated: 'if (outOfBounds === 0) return;',
      },
    ],
  },
  {
    file: 'studies/imports/ncclTestsJson.ts',
    tests: [NCCL_TESTS],
    mutants: [
      {
        breaks: 'a process has the GPU that it lists and no other',
        original:
          'miss(config.devices.length / groups) < miss(first.length / groups) ? config.devices : first',
        mutated: 'config.devices',
      },
      {
        breaks: 'a process has as many GPUs as it runs on for each that it lists',
        original:
          'miss(config.devices.length / groups) < miss(first.length / groups) ? config.devices : first',
        mutated: 'first',
      },
    ],
  },
  {
    file: 'studies/imports/text/launcherPrefix.ts',
    tests: [LAUNCHERS],
    mutants: [
      {
        breaks: 'one prefix stands before a line',
        original: 'const MOST_PREFIXES = 4;',
        mutated: 'const MOST_PREFIXES = 1;',
      },
    ],
  },
  {
    file: 'studies/imports/text/embeddedText.ts',
    tests: [LAUNCHERS],
    mutants: [
      {
        breaks: 'braces in strings count',
        original: String.raw`const marks = /"(?:[^"\\\n]|\\.)*"|[{}]/g;`,
        mutated: 'const marks = /[{}]/g;',
      },
    ],
  },
  {
    file: 'studies/calibration/imported/sharedLimits.ts',
    tests: [MACHINE],
    mutants: [
      {
        breaks: 'a shared link keeps its rate though all at once get less',
        original: 'if (isLess || all > has)',
        mutated: 'if (all > has)',
      },
      {
        breaks: 'a shared link binds though all at once get as much as alone',
        original:
          'sumOf(together, system, system.gpus) < (1 - LEAST_LOSS) * sumOf(alone, system, system.gpus)',
        mutated: 'sumOf(together, system, system.gpus) < 2 * sumOf(alone, system, system.gpus)',
      },
    ],
  },
  {
    file: 'studies/calibration/imported/measuredCopies.ts',
    tests: [MACHINE],
    mutants: [
      {
        breaks: "a slow slot slows the chip's engine",
        original: 'measuredRate(max(values), rates.source, spread)',
        mutated: 'measuredRate(mean(values), rates.source, spread)',
      },
    ],
  },
  {
    file: 'studies/calibration/imported/transportOfReadings.ts',
    tests: [MACHINE],
    mutants: [
      {
        breaks: 'rates that no PCIe link has are of host memory',
        original: 'if (fastest > BEYOND_LINK * link)',
        mutated: 'if (fastest > 1e3 * link)',
      },
    ],
  },
  {
    file: 'studies/calibration/imported/importedMachine.ts',
    tests: [MACHINE],
    mutants: [
      {
        breaks: 'staged bytes miss host memory, though nothing says so',
        original: 'return isServed(name) ? [] : [[key, { ...entry, source }]];',
        mutated: 'return [[key, { ...entry, source }]];',
      },
    ],
  },
];

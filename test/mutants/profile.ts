import type { MutantGroup } from './mutant.ts';

const WORKLOAD = 'test/model/profile/profileWorkload.test.ts';
const FILE = 'test/model/profile/profileFile.test.ts';
const TRACES = 'test/studies/imports/traces/traceProfile.test.ts';

/** Profiles of users' own models: their readers, their workloads, and traces that become profiles. */
export const PROFILE: readonly MutantGroup[] = [
  {
    file: 'model/physics/memory.ts',
    tests: [WORKLOAD],
    mutants: [
      {
        breaks: "a profiled process' memory is taken for the machine's reserve",
        original: 'profiledBytes ?? reserveBytesOf',
        mutated: 'null ?? reserveBytesOf',
      },
    ],
  },
  {
    file: 'model/analytic/stepReport.ts',
    tests: [WORKLOAD],
    mutants: [
      {
        breaks: 'a step is as short as the GPU makes it, however long its launches take the host',
        original: 'stepTimeS: Math.max(hostIssueS(workload, system), onGpu.stepTimeS)',
        mutated: 'stepTimeS: onGpu.stepTimeS',
      },
      {
        breaks: "a search does not know of the host's time",
        original:
          'return Math.max(hostIssueS(workload, system), onGpuS + serialCopiesS(workload, system, plan));',
        mutated: 'return onGpuS + serialCopiesS(workload, system, plan);',
      },
      {
        breaks: 'what the host limits is said to be bound by compute',
        original: "if (stepTimeS > times.stepTimeS) return 'host';",
        mutated: '',
      },
    ],
  },
  {
    file: 'model/profile/profileWorkload.ts',
    tests: [WORKLOAD],
    mutants: [
      {
        breaks: 'what is outside of the blocks takes no time',
        original: 'outsideS: outside.seconds,',
        mutated: 'outsideS: 0,',
      },
      {
        breaks: 'what is outside runs before the last block',
        original: 'segments: [...last.segments, outside]',
        mutated: 'segments: [outside, ...last.segments]',
      },
      {
        breaks: 'of the process, what its allocator holds is left out',
        original: 'process.allocatorBytes + process.otherBytes',
        mutated: 'process.otherBytes',
      },
      {
        breaks: 'buffers of collectives are counted twice',
        original: 'Math.max(0, activationBytes - workload.collectiveBufferBytes)',
        mutated: 'activationBytes',
      },
      {
        breaks: 'parameters outside of the blocks take no memory',
        original: 'outsideBytes: outside.bytes,',
        mutated: '',
      },
      {
        breaks: 'spreads are taken as whole intervals',
        original: '(HALF_INTERVAL_OVER_SPREAD * sum((window) => window.spread)) / seconds',
        mutated: 'sum((window) => window.spread) / seconds',
      },
      {
        breaks: 'a run of blocks is one block',
        original: 'Array<BlockKind>(times)',
        mutated: 'Array<BlockKind>(1)',
      },
    ],
  },
  {
    file: 'model/workload/unknowns.ts',
    tests: [WORKLOAD],
    mutants: [
      {
        breaks: "the machine's efficiencies make measured compute uncertain",
        original: "if (workload.from !== 'profile') return ofMachine;",
        mutated: 'if (workload.passes > 0) return ofMachine;',
      },
    ],
  },
  {
    file: 'model/profile/profileFile.ts',
    tests: [FILE],
    mutants: [
      {
        breaks: 'as many windows as collectives do',
        original: 'windows.length !== collectives.length + 1',
        mutated: 'windows.length < collectives.length',
      },
      {
        breaks: 'a tensor may end behind its block',
        original: 'offset + bytes > weightBytes',
        mutated: 'offset > weightBytes',
      },
      {
        breaks: 'tensors may overlap',
        original: 'before.offset + before.bytes > offset',
        mutated: 'before.offset > offset',
      },
      {
        breaks: 'tensors are compared as they are listed',
        original: '.sort((a, b) => tensors[a]!.offset - tensors[b]!.offset || a - b)',
        mutated: '',
      },
      {
        breaks: 'the kind behind the last is one',
        original: 'if (kind > last)',
        mutated: 'if (kind > last + 1)',
      },
      {
        breaks: 'runs may have any number of blocks together',
        original: 'if (count > MOST_BLOCKS)',
        mutated: 'if (times > MOST_BLOCKS)',
      },
      {
        breaks: 'a block may be listed twice',
        original: 'runsOf.set(index, run);',
        mutated: '',
      },
      {
        breaks: 'one rank may have collectives',
        original: 'if (ranks === 1 && collectives.length > 0)',
        mutated: 'if (ranks === 0 && collectives.length > 0)',
      },
    ],
  },
  {
    file: 'studies/imports/traces/tracedWindows.ts',
    tests: [TRACES],
    mutants: [
      {
        breaks: 'a collective begins with its kernel, whatever compute came before',
        original: 'const issueS = Math.min(startS, Math.max(beginS, ...before));',
        mutated: 'const issueS = startS;',
      },
      {
        breaks: 'a window begins where the collective began',
        original: 'beginS = doneS;',
        mutated: 'beginS = issuedS;',
      },
      {
        breaks: 'kernels of other threads are of the block',
        original: ' || launch.thread !== run.range.thread',
        mutated: '',
      },
      {
        breaks: 'what was launched behind a block is of it',
        original: 'launch.atS >= run.range.endS || ',
        mutated: '',
      },
      {
        breaks: 'what lies across passes that were dropped counts',
        original: 'followsPrevious ? Math.max(0, firstS - beforeS) : null',
        mutated: 'Math.max(0, firstS - beforeS)',
      },
    ],
  },
  {
    file: 'studies/imports/traces/tracedCollectives.ts',
    tests: [TRACES],
    mutants: [
      {
        breaks: 'an all-to-all sends what a rank keeps',
        original: 'sentBytes: Math.round((inputBytes * (ranks - 1)) / ranks), bufferBytes: 2 * inputBytes',
        mutated: 'sentBytes: inputBytes, bufferBytes: 2 * inputBytes',
      },
      {
        breaks: 'an all-gather has the buffer of an all-to-all',
        original: 'bufferBytes: inputBytes * (1 + ranks)',
        mutated: 'bufferBytes: 2 * inputBytes',
      },
      {
        breaks: 'an all-reduce has a buffer for its output',
        original: 'bufferBytes: inputBytes };',
        mutated: 'bufferBytes: 2 * inputBytes };',
      },
      {
        breaks: 'blocks with other collectives are of one kind',
        original: 'kind === other.kind && sentBytes === other.sentBytes && bufferBytes === other.bufferBytes',
        mutated: 'sentBytes > 0',
      },
    ],
  },
];

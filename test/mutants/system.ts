import type { MutantGroup } from './mutant.ts';

/** What a machine's numbers mean: shares of links, paths, staged collectives, compute and its clock. */
export const SYSTEM: readonly MutantGroup[] = [
  {
    file: 'model/physics/linkShare.ts',
    tests: ['test/model/physics/linkShare.test.ts'],
    mutants: [
      {
        breaks: 'colocated ranks have a copy engine each',
        original: "const sharing = system.peer === 'colocated' ? ranks : 1;",
        mutated: 'const sharing = 1;',
      },
      {
        breaks: 'what both directions carry together does not limit one',
        original: 'Math.min(link.downBytesPerS, link.duplexBytesPerS) / loads',
        mutated: 'link.downBytesPerS / loads',
      },
      {
        breaks: 'GPUs behind one link do not share it',
        original: '/ loads.get(link.id)!',
        mutated: '',
      },
      {
        breaks: 'of a mirrored group every rank runs',
        original: "system.peer === 'mirrored' ? 1 : groupSize",
        mutated: 'groupSize',
      },
      {
        breaks: "a collective's weight ignores what H2D keeps",
        original: 'weight: beside / (besideH2d.h2d * h2dBytesPerS)',
        mutated: 'weight: beside / h2dBytesPerS',
      },
      {
        breaks: 'a collective takes of the link what H2D keeps, not what it loses',
        original: '((1 - besideH2d.h2d) * h2dBytesPerS) / beside',
        mutated: '(besideH2d.h2d * h2dBytesPerS) / beside',
      },
      {
        breaks: 'a message shorter than its pipeline fills all of it',
        original: 'fill.cost * Math.min(sentBytes, fill.bytes)',
        mutated: 'fill.cost * fill.bytes',
      },
      {
        breaks: 'a collective starts at once',
        original: 'return transport.latencyS + bytesWithFill',
        mutated: 'return bytesWithFill',
      },
    ],
  },
  {
    file: 'model/physics/stagedReads.ts',
    tests: ['test/model/physics/stagedReads.test.ts'],
    mutants: [
      {
        breaks: 'a machine without a cache reads everything from one',
        original: '-Math.expm1(-distanceBytes / cacheBytes) : 1;',
        mutated: '-Math.expm1(-distanceBytes / cacheBytes) : 0;',
      },
      {
        breaks: 'what lies between a write and its read is left out of the mean',
        original: 'Math.exp(-nearestBytes / cacheBytes) * served',
        mutated: 'served',
      },
    ],
  },
  {
    file: 'model/physics/routes.ts',
    tests: ['test/model/physics/linkRoutes.test.ts'],
    mutants: [
      {
        breaks: 'a link has no limit on both directions',
        original: 'if (Number.isFinite(node.duplexBytesPerS)) uses.push(',
        mutated: 'if (false) uses.push(',
      },
      {
        breaks: 'the way up does not turn at the lowest common node',
        original: 'up: fromChain.slice(0, fromChain.indexOf(meeting)),',
        mutated: 'up: fromChain.slice(0, fromChain.indexOf(meeting) + 1),',
      },
      {
        breaks: 'a resource that several hops cross counts once',
        original: '(sums.get(resource) ?? 0) + coefficient',
        mutated: 'coefficient',
      },
    ],
  },
  {
    file: 'model/physics/linkRoutes.ts',
    tests: ['test/model/physics/linkRoutes.test.ts'],
    mutants: [
      {
        breaks: 'every peer sends the whole of what arrives',
        original: 'const share = 1 / senders.length;',
        mutated: 'const share = 1;',
      },
      {
        breaks: 'a mirrored rank has peers that send',
        original: "system.peer === 'mirrored'\n      ? [receiver]\n      : members.filter",
        mutated: 'members.filter',
      },
      {
        breaks: 'host memory is read but not written',
        original: '...memoryUses(memory, hostShare, hostShare)]',
        mutated: '...memoryUses(memory, hostShare, 0)]',
      },
      {
        breaks: 'all that is staged reaches host memory',
        original: '...memoryUses(memory, hostShare, hostShare)]',
        mutated: '...memoryUses(memory, 1, 1)]',
      },
      {
        breaks: 'a copy crosses no host memory',
        original: 'linkUses(node, direction, 1)), ...ofMemory]',
        mutated: 'linkUses(node, direction, 1))]',
      },
      {
        breaks: 'a copy to the device writes host memory',
        original: "direction === 'down' ? memoryUses(memory, readShare, 0) : memoryUses(memory, 0, 1)",
        mutated: 'memoryUses(memory, 0, 1)',
      },
      {
        breaks: 'reads have the limit of writes',
        original: 'capacity: memory!.readBytesPerS',
        mutated: 'capacity: memory!.writeBytesPerS',
      },
      {
        breaks: 'a direct path weighs on the down link like a copy',
        original: 'share * (direct ? downCoefficient : 1)',
        mutated: 'share',
      },
      {
        breaks: 'a mirrored rank goes directly to a peer that is not there',
        original: "transport.path === 'peer' && system.peer === 'real'",
        mutated: "transport.path === 'peer'",
      },
      {
        breaks: 'NVLink goes over the tree',
        original: "if (transport.path === 'nvlink') return merged(down);",
        mutated: '',
      },
      {
        breaks: 'the way up has the capacity of the way down',
        original: 'return hard(upBytesPerS);',
        mutated: 'return hard(downBytesPerS);',
      },
    ],
  },
  {
    file: 'model/physics/stagedCopy.ts',
    tests: ['test/model/physics/stagedCopy.test.ts'],
    mutants: [
      {
        breaks: 'the bytes behind the last whole piece are left out',
        original: 'Math.ceil(bytes / pieceBytes)',
        mutated: 'Math.floor(bytes / pieceBytes)',
      },
      {
        breaks: 'the last piece is as long as the others',
        original: 'Math.min(pieceBytes, bytes - index * pieceBytes)',
        mutated: 'pieceBytes',
      },
      {
        breaks: 'the first exchange of an all-reduce moves all of its bytes',
        original: "stagedPieces('all-to-all', sentBytes / 2,",
        mutated: "stagedPieces('all-to-all', sentBytes,",
      },
      {
        breaks: 'the second exchange of an all-reduce writes for each peer',
        original: "stagedPieces('all-gather', sentBytes / 2,",
        mutated: "stagedPieces('all-to-all', sentBytes / 2,",
      },
      {
        breaks: 'a rank is its own peer',
        original: 'const peers = groupSize - 1;',
        mutated: 'const peers = groupSize;',
      },
      {
        breaks: 'an all-gather writes for each peer',
        original: "(kind === 'all-gather' ? 1 : peers)",
        mutated: 'peers',
      },
      {
        breaks: 'each peer is read from as if it were the only one',
        original: 'reads: perPeer * peers,',
        mutated: 'reads: perPeer,',
      },
      {
        breaks: 'each exchange has a start-up of its own and the collective none',
        original: 'costs.latencyS,\n  );',
        mutated: '0,\n  );',
      },
      {
        breaks: 'the first write has no flag',
        original: 'sumOf(arithmetic, startUpS, alone(link.d2h), flagS)',
        mutated: 'arithmetic.plus(startUpS, alone(link.d2h))',
      },
      {
        breaks: 'writes behind the first have no flag',
        original: 'const writeStageS = sumOf(arithmetic, gapS, writeS, flagS);',
        mutated: 'const writeStageS = arithmetic.plus(gapS, writeS);',
      },
      {
        breaks: 'the first write is counted twice',
        original: 'times(writeStageS, writes - 1)',
        mutated: 'times(writeStageS, writes)',
      },
      {
        breaks: 'the last read starts as behind another',
        original: 'const lastReadS = arithmetic.plus(startUpS,',
        mutated: 'const lastReadS = arithmetic.plus(gapS,',
      },
      {
        breaks: 'reads have the link to themselves',
        original: 'writes === reads ? readS : alone(link.h2d)',
        mutated: 'alone(link.h2d)',
      },
      {
        breaks: 'reads share the link with writes that are not there',
        original: 'writes === reads ? readS : alone(link.h2d)',
        mutated: 'readS',
      },
      {
        breaks: 'what is left of the slower direction goes on beside the other',
        original: '(ownRate / otherRate) * bytes, alone)',
        mutated: '(ownRate / otherRate) * bytes, own)',
      },
      {
        breaks: 'the pipeline is as fast as its reads',
        original: 'arithmetic.larger(writesS, arithmetic.times(readStageS, reads))',
        mutated: 'arithmetic.times(readStageS, reads)',
      },
      {
        breaks: 'the pipeline is as fast as its writes',
        original: 'arithmetic.larger(writesS, arithmetic.times(readStageS, reads))',
        mutated: 'writesS',
      },
    ],
  },
  {
    file: 'model/physics/compute.ts',
    tests: ['test/model/physics/compute.test.ts'],
    mutants: [
      {
        breaks: 'device memory bounds no matrix product',
        original: 'Math.max(arithmeticS, memoryS)',
        mutated: "(segment.class === 'elementwise' ? memoryS : arithmeticS)",
      },
      {
        breaks: 'arithmetic and device memory follow each other',
        original: 'Math.max(arithmeticS, memoryS)',
        mutated: '(arithmeticS + memoryS)',
      },
      {
        breaks: 'of several kernels one costs its overhead',
        original: 'segment.kernels * gpu.kernelOverheadS[segment.class]',
        mutated: 'gpu.kernelOverheadS[segment.class]',
      },
      {
        breaks: 'a kernel may be shorter than its launch',
        original: 'return Math.max(workS, segment.kernels * gpu.launchFloorS);',
        mutated: 'return workS;',
      },
      {
        breaks: "a kernel's traffic is one pass over its bytes",
        original: '(segment.bytes * traffic)',
        mutated: 'segment.bytes',
      },
      {
        breaks: 'a tile that is not full is left out',
        original: 'Math.ceil(queryRows / rows) * heads',
        mutated: 'Math.floor(queryRows / rows) * heads',
      },
      {
        breaks: 'a wave that is not full is left out',
        original: 'Math.ceil(tilesOf(attention, tiles) / tiles.multiprocessors)',
        mutated: 'Math.floor(tilesOf(attention, tiles) / tiles.multiprocessors)',
      },
      {
        breaks: 'ragged rows of K cost nothing',
        original: ' && keyRows % tiles.rows === 0',
        mutated: '',
      },
      {
        breaks: 'ragged rows are faster',
        original: '(isWhole ? 1 : tiles.ragged)',
        mutated: '(isWhole ? 1 : 1 / tiles.ragged)',
      },
      {
        breaks: 'of several waves one costs its overhead',
        original: 'return workS + waves * tiles.overheadS;',
        mutated: 'return workS + tiles.overheadS;',
      },
      {
        breaks: 'a last wave that is full leaves room',
        original: 'return fillsLastWave ? seconds : (seconds',
        mutated: 'return (seconds',
      },
      {
        breaks: 'the last wave leaves no room either',
        original: '(seconds * (waves - 1)) / waves',
        mutated: 'seconds',
      },
      {
        breaks: 'compute behind a collective counts as before it',
        original: "if (segment.kind === 'collective') window += 1;",
        mutated: "if (segment.kind === 'collective') window += 0;",
      },
      {
        breaks: 'compute is as fast at a lower clock',
        original: 'seconds * slowdownOf(gpu, of, clock)',
        mutated: 'seconds',
      },
    ],
  },
  {
    file: 'model/physics/power.ts',
    tests: ['test/model/physics/power.test.ts'],
    mutants: [
      {
        breaks: 'the second pass costs no energy',
        original: 'workload.passes * joules',
        mutated: 'joules',
      },
      {
        breaks: "elementwise work costs by its FLOPs' energy",
        original: '? bytes * power.joulesPerByte',
        mutated: '? flops * power.joulesPerByte',
      },
      {
        breaks: 'a clock above the useful one still speeds up',
        original: 'clock < usefulClock[of] ? clock / usefulClock[of] : 1',
        mutated: 'clock / usefulClock[of]',
      },
      {
        breaks: 'energy falls in proportion to the clock',
        original: 'speed(power, of, clock) ** power.energyExponent',
        mutated: 'speed(power, of, clock)',
      },
      {
        breaks: 'an idle GPU draws nothing',
        original: 'return power.idleW + joules / stepTimeS;',
        mutated: 'return joules / stepTimeS;',
      },
      {
        breaks: 'the clock falls below its least',
        original: 'return fits(minClock) ? bisected(minClock, fits).low : minClock;',
        mutated: 'return fits(minClock) ? bisected(minClock, fits).low : 0;',
      },
      {
        breaks: 'a clock above one that fits is taken to fit',
        original: 'clock <= fitting || (clock < exceeding',
        mutated: 'clock >= fitting || (clock < exceeding',
      },
      {
        breaks: 'a clock above one that does not fit is tried',
        original: 'clock <= fitting || (clock < exceeding && wattsAt(clock) <= capW)',
        mutated: 'clock <= fitting || wattsAt(clock) <= capW',
      },
      {
        breaks: 'the clock that is found is above the cap',
        original: 'if (fits(middle)) low = middle;\n    else high = middle;',
        mutated: 'if (fits(middle)) high = middle;\n    else low = middle;',
      },
    ],
  },
];

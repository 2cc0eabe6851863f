import type { MutantGroup } from './mutant.ts';

/** Lowering of plans to programs, and the verifier that checks programs before they run. */
export const PROGRAM: readonly MutantGroup[] = [
  {
    file: 'model/program/verify.ts',
    tests: ['test/model/program/verifyTerms.test.ts'],
    mutants: [
      {
        breaks: 'bytes of a step are not held against those that do not stay',
        original: 'if (copied !== expected) {',
        mutated: 'if (copied < expected) {',
      },
      {
        breaks: 'too few bytes a step are let through',
        original: 'if (copied !== expected) {',
        mutated: 'if (copied > expected) {',
      },
      {
        breaks: 'resident bytes are to be copied',
        original: 'sum + block.weightBytes - block.residentBytes, 0);',
        mutated: 'sum + block.weightBytes, 0);',
      },
      {
        breaks: 'bytes of a step are those of all ranks',
        original: 'copies.filter((op) => op.rank === rank)',
        mutated: 'copies',
      },
      {
        breaks: 'copies may leave holes',
        original: 'part.target.from !== reached || ',
        mutated: 'part.target.from < reached || ',
      },
      {
        breaks: 'copies may overlap',
        original: 'part.target.from !== reached || ',
        mutated: 'part.target.from > reached || ',
      },
      {
        breaks: 'a copy may claim more bytes than it moves',
        original: ' || part.target.to - part.target.from !== part.bytes',
        mutated: '',
      },
      {
        breaks: 'a copy may start inside the resident bytes',
        original: 'let reached = block.residentBytes;',
        mutated: 'let reached = parts[0]?.target.from ?? block.residentBytes;',
      },
      {
        breaks: 'copies that are not in the order of their bytes are refused',
        original: '.sort((a, b) => a.target.from - b.target.from)',
        mutated: '',
      },
      {
        breaks: 'larger slots than needed may be claimed',
        original: 'if (slotBytes !== largest) {',
        mutated: 'if (slotBytes < largest) {',
      },
      {
        breaks: 'a copy may end beyond its slot',
        original: 'if (slot < slots && end <= slotBytes) continue;',
        mutated: 'if (slot < slots) continue;',
      },
      {
        breaks: 'a copy may go to a slot behind the last',
        original: 'if (slot < slots && end <= slotBytes) continue;',
        mutated: 'if (slot <= slots && end <= slotBytes) continue;',
      },
      {
        breaks: 'a copy may not fill its slot to the end',
        original: 'if (slot < slots && end <= slotBytes) continue;',
        mutated: 'if (slot < slots && end < slotBytes) continue;',
      },
      {
        breaks: "the end of a slot counts a block's resident bytes",
        original: 'const end = to - blocks[position]!.residentBytes;',
        mutated: 'const end = to;',
      },
      {
        breaks: 'bytes may land while the first operation of their block runs',
        original: '[copy.target.position]![0];',
        mutated: '[copy.target.position]!.at(-1);',
      },
      {
        breaks: 'bytes for the next step may land after it has begun',
        original: 'first.id, copy.target.stepsAhead)',
        mutated: 'first.id, 1)',
      },
      {
        breaks: 'a slot may be overwritten once its block has begun',
        original: 'readers[copy.rank]![occupant]!.at(-1);',
        mutated: 'readers[copy.rank]![occupant]![0];',
      },
      {
        breaks: 'a slot may be overwritten by the block that comes one too early',
        original: 'const earlier = placeFrom(step);',
        mutated: 'const earlier = placeFrom(step) - 1;',
      },
      {
        breaks: 'a slot that is not of the ring is let through',
        original: 'if (copy.target.slot !== place % slots) {',
        mutated: 'if (copy.target.slot >= slots) {',
      },
      {
        breaks: 'a reader of the step before counts as of this one',
        original: 'before(last.id, Math.floor(earlier / streamedPerStep), copy.id, step)',
        mutated: 'before(last.id, 0, copy.id, step)',
      },
      {
        breaks: 'collectives may be shorter on one rank',
        original: '${op.sentBytes} bytes over',
        mutated: 'bytes over',
      },
      {
        breaks: 'collectives may be of another kind on one rank',
        original: '`${op.group} ${op.collective} ${op.sentBytes}',
        mutated: '`${op.group} ${op.sentBytes}',
      },
      {
        breaks: 'a rank may leave its last collectives out',
        original: 'Math.max(first.length, sequence.length)',
        mutated: 'Math.min(first.length, sequence.length)',
      },
      {
        breaks: 'a staged piece may be longer where it is read',
        original: ' ||\n      write.bytes !== op.bytes\n    )',
        mutated: ')',
      },
      {
        breaks: 'a staged piece may be of another collective',
        original: 'write.group !== op.group ||\n',
        mutated: '',
      },
      {
        breaks: 'a staged piece may be read before it is written',
        original: 'if (!before(write.id, 1, op.id, 1)) {',
        mutated: 'if (false) {',
      },
      {
        breaks: 'a staged piece may fill a buffer that its rank still uses',
        original: 'if (begin === undefined || !before(begin, 1, op.id, 1)) {',
        mutated: 'if (begin === undefined) {',
      },
      {
        breaks: 'a staged piece that nobody reads is let through',
        original: "if (op.direction === 'd2h' && isRead[op.id] === 0)",
        mutated: 'if (false)',
      },
      {
        breaks: 'a staged collective may end before its last read',
        original: 'if (open !== undefined) report(',
        mutated: 'if (false) report(',
      },
      {
        breaks: 'compute may overtake the collective before it',
        original: 'if (one.stream === op.stream ||',
        mutated: "if (op.stream === 'compute' || one.stream === op.stream ||",
      },
    ],
  },
  {
    file: 'model/program/happensBefore.ts',
    tests: ['test/model/program/verifyTerms.test.ts'],
    mutants: [
      {
        breaks: 'an operation counts as done when it starts',
        original: '> place;',
        mutated: '>= place;',
      },
      {
        breaks: 'a wait for the step before is one for this step',
        original: 'stepsAgo[next[joint]!++] = waitAgo[wait]!;',
        mutated: 'stepsAgo[next[joint]!++] = 0;',
      },
      {
        breaks: "a stream's operations do not follow each other",
        original: 'place > 0 ? 0 : 1;',
        mutated: 'place > 0 ? 9 : 1;',
        tests: ['test/model/program/happensBefore.test.ts'],
      },
      {
        breaks: 'a stream does not follow its own step before',
        original: 'place > 0 ? 0 : 1;',
        mutated: 'place > 0 ? 0 : 9;',
      },
      {
        breaks: 'the ranks of a collective do not meet',
        original: 'group === undefined ? undefined : jointOfGroup.get(group)',
        mutated: 'undefined as number | undefined',
      },
    ],
  },
  {
    file: 'model/program/happensBefore.ts',
    tests: ['test/model/program/happensBefore.test.ts'],
    mutants: [
      {
        breaks: 'of the steps up to the one that is asked for, one is looked at',
        original: 'while (this.#steps <= laterStep) this.unroll();',
        mutated: 'if (this.#steps <= laterStep) this.unroll();',
      },
      {
        breaks: 'an operation that is numbered before the one before it has a clock that is not known yet',
        original: 'if (before < id) {',
        mutated: 'if (before !== id) {',
      },
      {
        breaks: 'what waits for a later number is told before that is known',
        original: 'if (!this.#isOpen(joint, step)) this.#tell(joint, step);',
        mutated: 'if (!this.#isOpen(joint, step) || step > 0) this.#tell(joint, step);',
      },
    ],
  },
  {
    file: 'model/program/clockRows.ts',
    tests: ['test/model/program/happensBefore.test.ts'],
    mutants: [
      {
        breaks: 'a clock that holds an earlier operation of a stream is not raised to that of a later one',
        original: '> this.#place[other]!) return;',
        mutated: '> 0) return;',
      },
      {
        breaks: 'a clock is lowered to another one',
        original: 'if (seen > values[own + stream]!) values[own + stream] = seen;',
        mutated: 'values[own + stream] = seen;',
      },
    ],
  },
  {
    file: 'model/program/transfers.ts',
    tests: ['test/model/program/lower.test.ts'],
    mutants: [
      {
        breaks: "a block's copy that is issued before the step starts is of this step",
        original: 'stepsAhead: from < 0 ? 1 : 0,',
        mutated: 'stepsAhead: 0,',
      },
      {
        breaks: 'blocks of the second pass are issued in the first',
        original: 'Math.floor(position / perPass) * perPass + block.issueAt',
        mutated: 'block.issueAt',
      },
      {
        breaks: 'of the copies issued at one block, those for the next step go first',
        original: 'list.sort((a, b) => a.stepsAhead - b.stepsAhead || a.to - b.to)',
        mutated: 'list.sort((a, b) => a.to - b.to)',
      },
      {
        breaks: 'slots are counted over all blocks, resident ones too',
        original: 'ordinal: this.#streamedPositions.length,',
        mutated: 'ordinal: position,',
      },
      {
        breaks: 'a copy waits for the reader one slot too early',
        original: 'transfer.ordinal - this.#slots + transfer.stepsAhead * count',
        mutated: 'transfer.ordinal - this.#slots + 1 + transfer.stepsAhead * count',
      },
      {
        breaks: 'a copy for the next step waits for a reader of the step before',
        original: ' + transfer.stepsAhead * count;',
        mutated: ';',
      },
      {
        breaks: 'a reader of the last step counts as of this one',
        original: 'stepsBack: before < 0 ? 1 : 0 };',
        mutated: 'stepsBack: 0 };',
      },
    ],
  },
  {
    file: 'model/program/lower.ts',
    tests: ['test/model/program/lower.test.ts'],
    mutants: [
      {
        breaks: 'nothing is drained at the start of a pass',
        original: 'if (!this.plan.drainAtPassStart || !firstOfPass) return;',
        mutated: 'if (!firstOfPass || firstOfPass) return;',
      },
      {
        breaks: 'every block drains, not only the first of a pass',
        original: 'if (!this.plan.drainAtPassStart || !firstOfPass) return;',
        mutated: 'if (!this.plan.drainAtPassStart) return;',
      },
      {
        breaks: 'the second pass does not drain',
        original: 'const firstOfPass = position % this.workload.blocks.length === 0;',
        mutated: 'const firstOfPass = position === 0;',
      },
      {
        breaks: "the step's first block does not drain the step before",
        original: "if (position === 0) this.#later.push([start, () => this.builder.last(rank, 'copy'), 1]);",
        mutated: 'if (position === 0) ;',
      },
      {
        breaks: 'a block does not wait for its weights',
        original: 'this.#later.push([start, () => this.#lastCopies[rank]![position], transfer.stepsAhead]);',
        mutated: '',
      },
      {
        breaks: 'a block waits for the copy that this step makes for the next',
        original: '() => this.#lastCopies[rank]![position], transfer.stepsAhead]);',
        mutated: '() => this.#lastCopies[rank]![position], 0]);',
      },
      {
        breaks: 'chunks keep no pace',
        original: 'paceS: plan.paceS,',
        mutated: 'paceS: 0,',
      },
      {
        breaks: 'a chunk is larger than its run',
        original: 'chunkBytes: Math.min(plan.chunkBytes, bytes),',
        mutated: 'chunkBytes: plan.chunkBytes,',
      },
      {
        breaks: 'launches hold no chunk',
        original: "pausedByHost: plan.yieldRule === 'launch-window',",
        mutated: 'pausedByHost: false,',
      },
      {
        breaks: 'sequential copies come from pinned memory',
        original: 'sourceBytesPerS: sourceBytesPerS(this.system, plan)',
        mutated: 'sourceBytesPerS: Number.POSITIVE_INFINITY',
      },
      {
        breaks: 'every window starts at the first streamed byte',
        original: 'transfer.residentBytes + total(transfer.windowBytes.slice(0, window))',
        mutated: 'transfer.residentBytes',
      },
      {
        breaks: 'a window starts one window too late',
        original: 'transfer.windowBytes.slice(0, window)',
        mutated: 'transfer.windowBytes.slice(0, window + 1)',
      },
      {
        breaks: 'a copy does not wait for the reader of its slot',
        original: 'this.#later.push([id, () => this.#lastReads[rank]![reader.position], reader.stepsBack]);',
        mutated: '{}',
      },
      {
        breaks: 'the last operation of a block is not its reader',
        original: "this.#lastReads[rank]!.push(this.builder.last(rank, 'compute')!);",
        mutated: 'this.#lastReads[rank]!.push(this.#starts[rank]!.at(-1)!);',
      },
      {
        breaks: 'collectives drain nothing',
        original: "plan.yieldRule === 'drain' ? builder.last(rank, 'copy') : undefined",
        mutated: 'undefined',
      },
      {
        breaks: 'a collective does not wait for the compute before it',
        original: '[before, drained(rank)],',
        mutated: '[drained(rank)],',
      },
      {
        breaks: 'a window that yields starts with its collective',
        original: "const waits = plan.yieldRule === 'wait' && !plan.stagedInCopyStream;",
        mutated: 'const waits = false;',
      },
      {
        breaks: 'windows of plans that do not yield wait for the collective',
        original: "const waits = plan.yieldRule === 'wait' && !plan.stagedInCopyStream;",
        mutated: 'const waits = !plan.stagedInCopyStream;',
      },
      {
        breaks: 'chunks in one stream with staged pieces wait for them besides',
        original: "const waits = plan.yieldRule === 'wait' && !plan.stagedInCopyStream;",
        mutated: "const waits = plan.yieldRule === 'wait';",
      },
      {
        breaks: 'compute does not wait for the collective before it',
        original: 'this.#pending[rank] = ends[rank]!;',
        mutated: '',
      },
      {
        breaks: "the step's first block does not wait for the last collective of the step before",
        original: 'if (pending !== undefined) this.builder.wait(this.#starts[rank]![0]!, pending, 1);',
        mutated: '',
      },
      {
        breaks: 'a launch comes no earlier than its collective',
        original: 'const earlier = position - this.#leadBlocks;',
        mutated: 'const earlier = position;',
      },
      {
        breaks: 'a launch of the first blocks runs ahead of the step before',
        original: 'if (earlier >= 0) this.#later.push([id, point(earlier), 0]);',
        mutated: 'if (earlier > 0) this.#later.push([id, point(earlier), 0]);',
      },
      {
        breaks: 'slots are as large as the smallest block',
        original: 'slotBytes: Math.max(0, ...plan.blocks.map((block) => total(block.windowBytes))),',
        mutated: 'slotBytes: Math.min(...plan.blocks.map((block) => total(block.windowBytes))),',
      },
      {
        breaks: 'blocks of one pass are streamed in a step of two',
        original: 'streamedPerStep: streamed * workload.passes,',
        mutated: 'streamedPerStep: streamed,',
      },
    ],
  },
  {
    file: 'model/physics/launchLead.ts',
    tests: ['test/model/program/lower.test.ts'],
    mutants: [
      {
        breaks: 'a launching thread may have no lead',
        original: 'Math.max(1, blocks)',
        mutated: 'blocks',
      },
      {
        breaks: 'a launching thread is more than a step ahead',
        original: 'workload.blocks.length * workload.passes - 1)',
        mutated: 'workload.blocks.length * workload.passes)',
      },
      {
        breaks: 'a lead is in blocks without their collectives',
        original: 'stepS += Math.max(0, aloneS - besideS);',
        mutated: 'stepS += 0;',
      },
    ],
  },
];

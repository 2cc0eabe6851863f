import { type FlatProgram, flatten, type SlotCopy } from './flatProgram.ts';
import { type Before, happensBefore } from './happensBefore.ts';
import type { CopyOp, Op, StepProgram } from './stepProgram.ts';

/** A rule of the verifier that a program breaks; the message names the operations. */
export interface Violation {
  rule:
    | 'acyclic'
    | 'landed-before-start'
    | 'slot-reuse'
    | 'collective-order'
    | 'critical-path'
    | 'bytes-per-step'
    | 'coverage'
    | 'staged-exchange'
    | 'memory';
  message: string;
}

/**
 * Every rule that a StepProgram breaks; an empty list means that it may run.
 *
 * Works on the program alone, not on the plan it came from, by following which operation must be done before
 * which other one may start:
 * - `acyclic`: no operation waits for itself, through waits, stream order or a collective's other ranks;
 * - `landed-before-start`: no block computes before all its bytes have landed;
 * - `slot-reuse`: no slot is overwritten before the last reader of what sat in it is done;
 * - `collective-order`: all ranks issue the same collectives, of the same kind and bytes, in the same order;
 * - `critical-path`: a rank's compute and collectives follow each other in the order in which they are numbered, but for compute
 *   beside a collective, which follows what that one does and is followed by what waits for both; and a staged collective ends after
 *   all that it reads;
 * - `coverage` and `bytes-per-step`: the copies of a block cover its non-resident bytes exactly once, and
 *   together what does not stay on the GPU;
 * - `memory`: the slots that the program claims are as large as its largest streamed block, and no copy leaves them;
 * - `staged-exchange`: every staged piece is read, only after it was written, and only once the reading rank has begun
 *   the collective itself: its buffers may hold something else until then.
 *
 * @param flat of the program, where it is known.
 */
export function verify(program: StepProgram, flat: FlatProgram = flatten(program)): Violation[] {
  const { slotCopies } = flat;
  const structural = [
    ...collectiveOrder(program),
    ...coverage(program, slotCopies),
    ...memory(program, slotCopies),
  ];
  const order = happensBefore(flat);
  if ('cycle' in order) {
    const names = order.cycle.slice(0, 4).map((op) => nameOf(program.ops[op]!));
    return [...structural, { rule: 'acyclic', message: `these wait for each other: ${names.join(' <- ')}` }];
  }
  return [
    ...structural,
    ...landedBeforeStart(flat, order.before),
    ...slotReuse(flat, order.before),
    ...stagedExchange(flat, order.before),
    ...criticalPath(flat, order.before),
  ];
}

function nameOf(op: Op): string {
  return `rank ${op.rank} ${op.stream} "${op.label}"`;
}

/** Operations of a block on the compute stream, in order. */
function readersOf({ source: { ranks, blocks }, compute }: FlatProgram): Op[][][] {
  const readers = Array.from({ length: ranks }, () => blocks.map((): Op[] => []));
  for (const op of compute) readers[op.rank]![op.position]!.push(op);
  return readers;
}

function collectiveOrder(program: StepProgram): Violation[] {
  const sequences = Array.from({ length: program.ranks }, (): string[] => []);
  for (const stream of program.streams) {
    if (stream.kind !== 'collective') continue;
    for (const id of stream.ops) {
      const op = program.ops[id]!;
      if (op.kind === 'collective') {
        sequences[stream.rank]!.push(
          `${op.group} ${op.collective} ${op.sentBytes} bytes over ${op.transport}`,
        );
      } else if (op.kind === 'mark') sequences[stream.rank]!.push(`${op.group} ${op.role}`);
    }
  }
  return sequences.slice(1).flatMap((sequence, index) => {
    const first = sequences[0]!;
    const at = Array.from({ length: Math.max(first.length, sequence.length) }, (_, i) => i).find(
      (i) => first[i] !== sequence[i],
    );
    if (at === undefined) return [];
    const message = `rank ${index + 1} issues ${sequence[at] ?? 'nothing'} as collective ${at}, rank 0 ${first[at] ?? 'nothing'}`;
    return [{ rule: 'collective-order' as const, message }];
  });
}

function coverage({ ranks, blocks }: StepProgram, copies: readonly SlotCopy[]): Violation[] {
  const violations: Violation[] = [];
  const expected = blocks.reduce((sum, block) => sum + block.weightBytes - block.residentBytes, 0);
  for (let rank = 0; rank < ranks; rank += 1) {
    const runs = copies.filter((op) => op.rank === rank);
    const copied = runs.reduce((sum, op) => sum + op.bytes, 0);
    if (copied !== expected) {
      const message = `rank ${rank} copies ${copied} bytes a step, but ${expected} do not stay on the GPU`;
      violations.push({ rule: 'bytes-per-step', message });
    }
    const byBlock = blocks.map((): SlotCopy[] => []);
    for (const run of runs) byBlock[run.target.position]?.push(run);
    blocks.forEach((block, position) => {
      const parts = byBlock[position]!.sort((a, b) => a.target.from - b.target.from);
      let reached = block.residentBytes;
      for (const part of parts) {
        if (part.target.from !== reached || part.target.to - part.target.from !== part.bytes) break;
        reached = part.target.to;
      }
      if (reached !== block.weightBytes) {
        const message = `rank ${rank} block ${position}: bytes from ${reached} on are not copied exactly once`;
        violations.push({ rule: 'coverage', message });
      }
    });
  }
  return violations;
}

function memory({ slots, slotBytes, blocks }: StepProgram, copies: readonly SlotCopy[]): Violation[] {
  const largest = Math.max(0, ...blocks.map((block) => block.weightBytes - block.residentBytes));
  const violations: Violation[] = [];
  if (slotBytes !== largest) {
    const message = `slots of ${slotBytes} bytes are claimed, the largest streamed block has ${largest}`;
    violations.push({ rule: 'memory', message });
  }
  for (const copy of copies) {
    const { slot, to, position } = copy.target;
    const end = to - blocks[position]!.residentBytes;
    if (slot < slots && end <= slotBytes) continue;
    const message = `${nameOf(copy)} ends ${end} bytes into slot ${slot}; there are ${slots} slots of ${slotBytes} bytes`;
    violations.push({ rule: 'memory', message });
  }
  return violations;
}

function landedBeforeStart(flat: FlatProgram, before: Before): Violation[] {
  const readers = readersOf(flat);
  return flat.slotCopies.flatMap((copy) => {
    const first = readers[copy.rank]![copy.target.position]![0];
    if (first === undefined) return [];
    if (before(copy.id, 0, first.id, copy.target.stepsAhead)) return [];
    return [
      {
        rule: 'landed-before-start' as const,
        message: `${nameOf(first)} may start before ${nameOf(copy)} is done`,
      },
    ];
  });
}

function slotReuse(flat: FlatProgram, before: Before): Violation[] {
  const { slots, streamedPerStep, blocks } = flat.source;
  if (streamedPerStep === 0) return [];
  const readers = readersOf(flat);
  const streamed = blocks.flatMap((block, position) =>
    block.residentBytes < block.weightBytes ? [position] : [],
  );
  const ordinal = new Map(streamed.map((position, index) => [position, index]));
  return flat.slotCopies.flatMap((copy) => {
    const place = ordinal.get(copy.target.position);
    if (place === undefined) return [];
    const violations: Violation[] = [];
    // Place of this copy's block in the ring of slots, counted from the first step looked at; a ring of more slots than one
    // step fills reaches back further, so the copy is looked at in the last step.
    const placeFrom = (step: number) => place + (step + copy.target.stepsAhead) * streamedPerStep - slots;
    const step = placeFrom(1) < 0 ? 2 : 1;
    const earlier = placeFrom(step);
    if (copy.target.slot !== place % slots) {
      const message = `${nameOf(copy)} goes to slot ${copy.target.slot}, the ring says ${place % slots}`;
      violations.push({ rule: 'slot-reuse', message });
    }
    if (earlier < 0) {
      const message = `${nameOf(copy)} fills one of ${slots} slots; ${streamedPerStep} streamed blocks a step never show it empty`;
      violations.push({ rule: 'slot-reuse', message });
      return violations;
    }
    const occupant = streamed[earlier % streamedPerStep]!;
    const last = readers[copy.rank]![occupant]!.at(-1);
    if (last === undefined) return violations;
    if (!before(last.id, Math.floor(earlier / streamedPerStep), copy.id, step)) {
      const message = `${nameOf(copy)} may overwrite slot ${copy.target.slot} before ${nameOf(last)} has read it`;
      violations.push({ rule: 'slot-reuse', message });
    }
    return violations;
  });
}

function stagedExchange({ source, critical, pieces }: FlatProgram, before: Before): Violation[] {
  const violations: Violation[] = [];
  const report = (message: string) => violations.push({ rule: 'staged-exchange', message });
  /** By operation: whether somebody reads what it wrote. */
  const isRead = new Uint8Array(source.ops.length);
  /** By rank and collective: the mark that begins it. */
  const begins = Array.from({ length: source.ranks }, (): number[] => []);
  for (const op of critical)
    if (op.kind === 'mark' && op.role === 'collective-begin') begins[op.rank]![op.group] = op.id;
  for (const op of pieces) {
    if (op.direction === 'd2h') continue;
    const write = source.ops[op.source];
    if (
      write?.kind !== 'copy' ||
      write.direction !== 'd2h' ||
      write.group !== op.group ||
      write.bytes !== op.bytes
    ) {
      report(`${nameOf(op)} reads what no rank wrote for it`);
      continue;
    }
    isRead[write.id] = 1;
    if (!before(write.id, 1, op.id, 1)) {
      report(`${nameOf(op)} may read before ${nameOf(write)} is done`);
    }
    const begin = begins[op.rank]![op.group];
    if (begin === undefined || !before(begin, 1, op.id, 1)) {
      report(`${nameOf(op)} may fill a buffer before its own rank has begun the collective`);
    }
  }
  for (const op of pieces) {
    if (op.direction === 'd2h' && isRead[op.id] === 0) report(`nobody reads what ${nameOf(op)} wrote`);
  }
  return violations;
}

function criticalPath({ source, critical, pieces }: FlatProgram, before: Before): Violation[] {
  const violations: Violation[] = [];
  const report = (message: string) => violations.push({ rule: 'critical-path', message });
  /** By rank: what the next operation has to wait for, and what the last collective waited for. */
  const last: Op[][] = [];
  const beforeCollective: Op[][] = [];
  /** By rank and collective: staged pieces that are read. */
  const reads = Array.from({ length: source.ranks }, (): CopyOp[][] => []);
  for (const op of pieces) {
    if (op.direction === 'd2h') continue;
    reads[op.rank]![op.group] ??= [];
    reads[op.rank]![op.group]!.push(op);
  }
  for (const op of critical) {
    const collective = (last[op.rank] ?? []).find(
      (one) => one.kind === 'collective' && op.kind === 'compute' && one.group === op.besideGroup,
    );
    if (op.kind === 'compute' && op.besideGroup !== undefined && collective === undefined) {
      report(`${nameOf(op)} runs beside collective ${op.besideGroup}, which is not the one before it`);
    }
    const previous = (collective === undefined ? last : beforeCollective)[op.rank] ?? [];
    for (const one of previous) {
      // Within a stream the order needs no check.
      if (one.stream === op.stream || before(one.id, 1, op.id, 1)) continue;
      report(`${nameOf(op)} may start before ${nameOf(one)} is done`);
    }
    if (op.kind === 'mark' && op.role === 'collective-end') {
      const open = reads[op.rank]![op.group]?.find((read) => !before(read.id, 1, op.id, 1));
      if (open !== undefined) report(`${nameOf(op)} may come before ${nameOf(open)} is done`);
    }
    if (op.kind === 'collective') beforeCollective[op.rank] = [...previous];
    last[op.rank] = collective === undefined ? [op] : [collective, op];
  }
  return violations;
}

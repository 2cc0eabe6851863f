import type { Plan } from '../../model/plan/plan.ts';
import { withoutBlock } from '../../model/program/labels.ts';
import type { StepProgram, StreamKind } from '../../model/program/stepProgram.ts';
import type { Category } from '../../model/timeline.ts';
import type { Workload } from '../../model/workload/workload.ts';
import { comment, real, whole } from '../escape.ts';
import type { Field, Routine, RoutineStatement } from './routines.ts';
import type { PlanView, StatementView } from './schema.ts';
import type { Statement } from './statements.ts';

/** C++ names of what a routine's statements refer to by number. */
export interface RoutineNames {
  /** Of a block kind's compute segment. */
  segment(index: number): string;
  /** Of a block kind's collective. */
  collective(index: number): string;
  /** Of a point that streams wait for. */
  point(index: number): string;
}

const STREAM: Record<StreamKind, string> = {
  compute: 'Compute',
  collective: 'Collective',
  copy: 'Copy',
  'stage-out': 'StageOut',
  'stage-in': 'StageIn',
  host: 'Host',
};

/** The runtime's names of collectives. */
export const COLLECTIVE = {
  'all-to-all': 'AllToAll',
  'all-gather': 'AllGather',
  'all-reduce': 'AllReduce',
} as const;

/** What a timeline shows of a statement. */
export interface ShownStatement {
  track: string;
  name: string;
  category: Category;
  bytes: number;
}

export type Shown = Exclude<Statement, { kind: 'after' | 'mark' }>;

export function isShown(statement: Statement): statement is Shown {
  return statement.kind !== 'after' && statement.kind !== 'mark';
}

export function shown(statement: Shown): ShownStatement {
  const name = statement.label;
  switch (statement.kind) {
    case 'run':
      return { track: 'compute', name, category: 'compute', bytes: 0 };
    case 'collective':
      return { track: 'collective', name, category: 'collective', bytes: statement.bytes };
    case 'prefetch':
      return { track: 'h2d', name: 'prefetch', category: 'prefetch', bytes: statement.to - statement.from };
    case 'stage-out':
      return { track: 'd2h', name, category: 'staging', bytes: statement.bytes };
    case 'stage-in':
      return { track: 'h2d', name, category: 'staging', bytes: statement.bytes };
    case 'staged-begin':
    case 'staged-end':
    case 'reduce':
      return { track: 'collective', name, category: 'collective', bytes: 0 };
    case 'launch-window':
      return { track: 'host', name, category: 'host', bytes: 0 };
  }
}

export function numbersOf(routine: Routine): Map<RoutineStatement, number> {
  const numbers = new Map<RoutineStatement, number>();
  for (const statement of routine.statements) {
    if (isShown(statement.statement)) numbers.set(statement, numbers.size);
  }
  return numbers;
}

export function routineView(
  routine: Routine,
  numbers: ReadonlyMap<RoutineStatement, number>,
  title: string,
  names: RoutineNames,
): PlanView['routines'][number] {
  const columns = [
    { type: 'int', name: 'position', values: routine.positions },
    ...routine.columns.map((column) => ({
      type: column.values.some((value) => value > 2 ** 31 - 1) ? 'std::uint64_t' : 'std::int64_t',
      ...column,
    })),
  ];
  return {
    fn: routine.name,
    title: comment(
      `${title}${routine.positions.length > 1 ? `; ${routine.positions.length} positions of a step` : ''}`,
    ),
    row: `${pascal(routine.name)}At`,
    table: `AT_${routine.name.toUpperCase()}`,
    columns: columns.map(({ type, name }) => ({ type: columnType(type, name), name })),
    rows: routine.positions.map((_, row) => columns.map(({ values }) => whole(values[row]!))),
    statements: routine.statements.map((statement) => statementView(statement, numbers, names)),
  };
}

/** Bytes take 64 bits; positions, slots and steps are small. */
function columnType(type: string, name: string): string {
  return /^(from|to|chunk)(_|$)/.test(name) ? 'std::uint64_t' : type === 'int' ? 'int' : 'int';
}

export function pascal(name: string): string {
  return name.replace(/(?:^|_)([a-z0-9])/g, (_, letter: string) => letter.toUpperCase());
}

function fieldText(field: Field | undefined): string {
  if (field === undefined) throw new Error('a statement lacks a field');
  switch (field.kind) {
    case 'constant':
      return whole(field.value);
    case 'relative':
      if (field.offset === 0) return 'at.position';
      return `at.position ${field.offset < 0 ? '-' : '+'} ${Math.abs(field.offset)}`;
    case 'column':
      return `at.${field.name}`;
  }
}

export function statementView(
  own: RoutineStatement,
  numbers: ReadonlyMap<RoutineStatement, number>,
  names: RoutineNames,
): StatementView {
  const { statement, fields } = own;
  const field = (name: string) => fieldText(fields[name]);
  if (statement.kind === 'after') {
    const ago = field('stepsAgo');
    return {
      kind: 'after',
      stream: STREAM[statement.stream],
      refPosition: field('refPosition'),
      point: names.point(statement.ref.point),
      stepsAgo: ago === '0' ? '' : ago,
    };
  }
  if (statement.kind === 'mark') {
    return { kind: 'mark', stream: STREAM[statement.stream], point: names.point(statement.point) };
  }
  const common = { kind: statement.kind, number: whole(numbers.get(own)!) };
  switch (statement.kind) {
    case 'run':
      return { ...common, segment: names.segment(statement.segment) };
    case 'prefetch':
      return {
        ...common,
        targetPosition: field('targetPosition'),
        stepsAhead: field('stepsAhead'),
        slot: field('slot'),
        from: field('from'),
        to: field('to'),
        chunkBytes: field('chunkBytes'),
        paceS: real(statement.paceS),
        gated: statement.gated ? 'true' : 'false',
        pageable: statement.pageable,
        comment: comment(prefetchComment(statement)),
      };
    case 'launch-window':
      return { ...common, seconds: real(statement.seconds) };
    case 'stage-in':
    case 'stage-out':
      return {
        ...common,
        stream: statement.kind === 'stage-in' ? STREAM[statement.stream] : STREAM['stage-out'],
        collective: names.collective(statement.collective),
        phase: whole(statement.phase),
        first: whole(statement.first),
        count: whole(statement.count),
      };
    default:
      return { ...common, collective: names.collective(statement.collective) };
  }
}

function prefetchComment(statement: Statement & { kind: 'prefetch' }): string {
  const bytes = statement.to - statement.from;
  const chunks = Math.ceil(bytes / statement.chunkBytes);
  const pace = statement.paceS > 0 ? `, ${(statement.paceS * 1e6).toFixed(0)} us after each` : '';
  return `${withoutBlock(statement.label)}: ${chunks} ${chunks === 1 ? 'copy' : 'copies'} of up to ${statement.chunkBytes} bytes${pace}`;
}

/** Positions in order, those of one routine together. */
export function runsOf(steps: readonly { routine: Routine; row: number }[]): PlanView['runs'] {
  const runs: { routine: Routine; first: number; end: number; position: number }[] = [];
  steps.forEach(({ routine, row }, position) => {
    const last = runs.at(-1);
    if (last !== undefined && last.routine === routine && last.end === row) last.end += 1;
    else runs.push({ routine, first: row, end: row + 1, position });
  });
  return runs.map(({ routine, first, end, position }) => ({
    fn: routine.name,
    table: `AT_${routine.name.toUpperCase()}`,
    first: whole(first),
    end: whole(end),
    comment:
      end - first === 1 ? `position ${position}` : `positions ${position} to ${position + end - first - 1}`,
  }));
}

/** Steps after which every streamed block is in the same slot again. */
export function ringPeriod({
  slots,
  streamedPerStep,
}: Pick<StepProgram, 'slots' | 'streamedPerStep'>): number {
  return slots === 0 ? 1 : slots / gcd(slots, streamedPerStep);
}

function gcd(a: number, b: number): number {
  return b === 0 ? a : gcd(b, a % b);
}

/** A plan in a few sentences, for the head of its source. */
export function summaryOf(workload: Workload, plan: Plan, streamed: number): string[] {
  const blocks = workload.blocks.length;
  const gigabytes = (bytes: number) => `${(bytes / 1e9).toFixed(2)} GB`;
  const lines = [`Plan ${plan.name}, transport ${plan.transport}.`];
  if (streamed === 0) return [...lines, `All ${blocks} blocks stay on the GPU.`];
  const bytes = plan.blocks.reduce((sum, block) => sum + block.windowBytes.reduce((a, b) => a + b, 0), 0);
  const chunk = Number.isFinite(plan.chunkBytes) ? `chunks of ${plan.chunkBytes} bytes` : 'whole blocks';
  lines.push(
    `${streamed} of ${blocks} blocks are streamed, ${gigabytes(bytes)} a pass in ${chunk} through ${plan.slots} slots.`,
  );
  const rules = {
    none: 'Copies yield to nothing.',
    drain: 'Every collective first waits until all copies issued so far have landed.',
    wait: "A window's copies wait, on the device, for the end of the collective before it.",
    'launch-window': 'Copies pause where the host would launch a collective, long before it runs.',
  } as const;
  return [...lines, rules[plan.yieldRule]];
}

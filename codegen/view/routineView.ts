import type { Plan } from '../../model/plan/plan.ts';
import type { StepProgram, StreamKind } from '../../model/program/stepProgram.ts';
import type { Category } from '../../model/program/timeline.ts';
import type { Workload } from '../../model/workload/workload.ts';
import { comment, designated, real, whole } from '../escape.ts';
import type { Column, Field, Routine, RoutineStatement } from './routines.ts';
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

export function routineView(
  routine: Routine,
  title: string,
  names: RoutineNames,
): PlanView['routines'][number] {
  const columns: Column[] = [
    { name: 'position', type: 'int', values: routine.positions },
    ...routine.columns,
  ];
  const cells = columns.map(({ values }) => values.map(whole));
  const widths = cells.map((column) => Math.max(...column.map((cell) => cell.length)));
  return {
    fn: routine.name,
    title: comment(
      `${title}${routine.positions.length > 1 ? `; ${routine.positions.length} positions of a step` : ''}`,
    ),
    row: `${pascal(routine.name)}At`,
    table: `AT_${routine.name.toUpperCase()}`,
    columns: columns.map(({ type, name }) => ({ type, name })),
    rows: routine.positions.map((_, row) =>
      cells.map((column, index) => column[row]!.padStart(widths[index]!)),
    ),
    statements: routine.statements.map((statement) => statementView(statement, names)),
  };
}

export function pascal(name: string): string {
  return name.replace(/(?:^|_)([a-z0-9])/g, (_, letter: string) => letter.toUpperCase());
}

/** The position that a routine runs at. */
const OWN_POSITION = 'at.position';

function fieldText(field: Field | undefined): string {
  if (field === undefined) throw new Error('a statement lacks a field');
  switch (field.kind) {
    case 'constant':
      return whole(field.value);
    case 'relative':
      if (field.offset === 0) return OWN_POSITION;
      return `${OWN_POSITION} ${field.offset < 0 ? '-' : '+'} ${Math.abs(field.offset)}`;
    case 'column':
      return `at.${field.name}`;
  }
}

/** Whether a statement as it is written reads the row of its position, `at`. */
export function readsRow({ statement, fields }: RoutineStatement): boolean {
  if (statement.kind === 'after' && isOwnPoint(fields)) return false;
  return Object.values(fields).some(({ kind }) => kind !== 'constant');
}

/** Whether an awaited point is of the running block, in this step. */
function isOwnPoint({ refPosition, stepsAgo }: RoutineStatement['fields']): boolean {
  return fieldText(refPosition) === OWN_POSITION && fieldText(stepsAgo) === '0';
}

function statementView({ statement, fields }: RoutineStatement, names: RoutineNames): StatementView {
  const { kind } = statement;
  const field = (name: string) => fieldText(fields[name]);
  switch (kind) {
    case 'after': {
      const position = field('refPosition');
      const stepsAgo = field('stepsAgo');
      return {
        kind,
        stream: STREAM[statement.stream],
        point: names.point(statement.ref.point),
        elsewhere: !isOwnPoint(fields),
        of: designated({ position, stepsAgo: stepsAgo === '0' ? undefined : stepsAgo }),
      };
    }
    case 'mark':
      return { kind, stream: STREAM[statement.stream], point: names.point(statement.point) };
    case 'run':
      return { kind, segment: names.segment(statement.segment) };
    case 'prefetch':
      return {
        kind,
        target: designated({
          position: field('targetPosition'),
          stepsAhead: field('stepsAhead'),
          slot: field('slot'),
        }),
        bytes: designated({ from: field('from'), to: field('to') }),
        chunkBytes: field('chunkBytes'),
        paced: statement.paceS > 0,
        paceS: real(statement.paceS),
        gated: statement.gated,
        pageable: statement.pageable,
        comment: comment(prefetchComment(statement, fields)),
      };
    case 'launch-window':
      return { kind, window: designated({ durationS: real(statement.seconds) }) };
    case 'stage-in':
    case 'stage-out':
      return {
        kind,
        stream: STREAM[kind === 'stage-in' ? statement.stream : 'stage-out'],
        collective: names.collective(statement.collective),
        pieces: designated({
          phase: statement.phase === 0 ? undefined : whole(statement.phase),
          first: whole(statement.first),
          count: whole(statement.count),
        }),
      };
    default:
      return { kind, collective: names.collective(statement.collective) };
  }
}

/** Says of a prefetch what holds at every position of its routine. */
function prefetchComment(
  { from, to, chunkBytes, paceS, pageable }: Statement & { kind: 'prefetch' },
  fields: RoutineStatement['fields'],
): string {
  const alike = (name: string) => fields[name]!.kind === 'constant';
  const copies = Math.ceil((to - from) / chunkBytes);
  const number = copies === 1 ? 'one copy' : `${copies} copies of up to ${chunkBytes} bytes`;
  const many = pageable
    ? 'one copy'
    : ['from', 'to', 'chunkBytes'].every(alike)
      ? number
      : 'copies by the table';
  const pace = paceS > 0 ? `, ${(paceS * 1e6).toFixed(0)} us behind each` : '';
  const position = fieldText(fields.targetPosition);
  const whose = position === OWN_POSITION ? 'weights of this block' : `weights for position ${position}`;
  return `${whose}: ${many}${pace}`;
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
    none: 'Copies and collectives share the link; neither waits for the other.',
    drain: 'Every collective first waits until all copies issued so far have landed.',
    wait: "A window's copies wait, on the device, for the end of the collective before it.",
    'launch-window': 'Copies pause where the host would launch a collective, long before it runs.',
  } as const;
  return [...lines, rules[plan.yieldRule]];
}

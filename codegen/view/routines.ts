import { grouped } from '../../model/input/grouped.ts';
import { identifier, Names } from '../escape.ts';
import type { PositionStatements, Statement } from './statements.ts';

/** A number in a statement that differs from block to block: a column of the routine's table. */
export interface Column {
  name: string;
  /** Bytes take 64 bits; positions, slots and steps are small. */
  type: 'int' | 'std::uint64_t';
  /** One value per position of the routine, in order. */
  values: readonly number[];
}

/** A field of a statement as the routine writes it. */
export type Field =
  | { kind: 'constant'; value: number }
  /** The position that runs, plus this. */
  | { kind: 'relative'; offset: number }
  | { kind: 'column'; name: string };

export interface RoutineStatement {
  statement: Statement;
  /** The fields that may differ between blocks, by name; all others are alike. */
  fields: Readonly<Record<string, Field>>;
}

/** What blocks of one shape do: written once, with a table of what differs between them. */
export interface Routine {
  name: string;
  positions: readonly number[];
  statements: readonly RoutineStatement[];
  columns: readonly Column[];
}

/** Fields that hold a number of bytes. */
const BYTES = new Set(['from', 'to', 'chunkBytes']);

/** Fields that hold a position, so that "the next block" is the same everywhere. */
const POSITIONS = new Set(['refPosition', 'targetPosition']);

const VARYING: { [K in Statement['kind']]?: (statement: Statement & { kind: K }) => Record<string, number> } =
  {
    after: ({ ref }) => ({ refPosition: ref.position, stepsAgo: ref.stepsAgo }),
    prefetch: ({ target, from, to, chunkBytes }) => ({
      targetPosition: target.position,
      stepsAhead: target.stepsAhead,
      slot: target.slot,
      from,
      to,
      chunkBytes,
    }),
  };

function varying(statement: Statement): Record<string, number> {
  const read = VARYING[statement.kind] as ((statement: Statement) => Record<string, number>) | undefined;
  return read?.(statement) ?? {};
}

/**
 * Groups the positions of a step whose statements differ in numbers alone. A number that is the same in all of them stays
 * in the code, a position that keeps its distance is written relative to the running one, the rest goes to a table.
 *
 * @param kindOf name of the block kind at a position; blocks of different kinds never share a routine.
 */
export function routinesOf(
  positions: readonly PositionStatements[],
  kindOf: (position: number) => string,
): Routine[] {
  const groups = grouped(positions, ({ position, statements }) =>
    JSON.stringify([kindOf(position), statements.map(shapeOf)]),
  );
  const names = new Names();
  return [...groups.values()].map((group) =>
    routineOf(
      names.unique(routineName(kindOf(group[0]!.position), group[0]!.statements)),
      group,
      positions.length,
    ),
  );
}

function routineName(kind: string, statements: readonly Statement[]): string {
  return identifier(
    `${kind}${statements.some(({ kind: own }) => own === 'prefetch') ? ' beside copies' : ' alone'}`,
  );
}

/** A statement without its numbers that may vary. */
function shapeOf(statement: Statement): unknown {
  const own = varying(statement);
  const { op: _, ...rest } = statement as Statement & { op?: number };
  if (Object.keys(own).length === 0) return rest;
  if (statement.kind === 'after') return [statement.kind, statement.stream, statement.ref.point];
  if (statement.kind !== 'prefetch') throw new Error(`no shape for ${statement.kind}`);
  const { paceS, gated, pageable } = statement;
  return [statement.kind, paceS, gated, pageable];
}

function routineOf(name: string, group: readonly PositionStatements[], stepLength: number): Routine {
  const columns: Column[] = [];
  const names = new Names();
  names.unique('position');
  const column = (wanted: string, type: Column['type'], values: number[]): string => {
    const same = columns.find(
      (other) => other.type === type && other.values.every((value, index) => value === values[index]),
    );
    if (same !== undefined) return same.name;
    const unique = names.unique(wanted);
    columns.push({ name: unique, type, values });
    return unique;
  };
  const first = group[0]!;
  const statements = first.statements.map((statement, index) => {
    const fields: Record<string, Field> = {};
    for (const key of Object.keys(varying(statement))) {
      const values = group.map((position) => varying(position.statements[index]!)[key]!);
      const type = BYTES.has(key) ? 'std::uint64_t' : 'int';
      const wanted = () => columnName(key, values, group, stepLength, fields);
      fields[key] = fieldOf(values, group, key, () => column(wanted(), type, values));
    }
    return { statement, fields };
  });
  return { name, positions: group.map(({ position }) => position), statements, columns };
}

function fieldOf(
  values: readonly number[],
  group: readonly PositionStatements[],
  key: string,
  column: () => string,
): Field {
  if (POSITIONS.has(key)) {
    const offset = values[0]! - group[0]!.position;
    if (values.every((value, index) => value - group[index]!.position === offset)) {
      return { kind: 'relative', offset };
    }
  }
  if (values.every((value) => value === values[0])) return { kind: 'constant', value: values[0]! };
  return { kind: 'column', name: column() };
}

const COLUMN_NAMES: Readonly<Record<string, string>> = {
  stepsAhead: 'steps_ahead',
  slot: 'slot',
  from: 'from_byte',
  to: 'to_byte',
  chunkBytes: 'chunk_bytes',
};

function columnName(
  key: string,
  values: readonly number[],
  group: readonly PositionStatements[],
  stepLength: number,
  earlier: Readonly<Record<string, Field>>,
): string {
  if (POSITIONS.has(key))
    return positionName(values, group, stepLength) ?? (key === 'targetPosition' ? 'target' : 'awaited');
  if (key !== 'stepsAgo') return COLUMN_NAMES[key]!;
  const { refPosition } = earlier;
  return refPosition?.kind === 'column' ? `${refPosition.name}_steps_ago` : 'steps_ago';
}

/** Says how far the positions of a column are from those that run, round the step; null where that differs. */
function positionName(
  values: readonly number[],
  group: readonly PositionStatements[],
  stepLength: number,
): string | null {
  const aheadOf = (value: number, index: number) =>
    (value - group[index]!.position + stepLength) % stepLength;
  const ahead = aheadOf(values[0]!, 0);
  if (!values.every((value, index) => aheadOf(value, index) === ahead)) return null;
  const behind = stepLength - ahead;
  if (ahead <= behind) return ahead === 1 ? 'next' : `ahead_${ahead}`;
  return behind === 1 ? 'previous' : `behind_${behind}`;
}

import type { Cell, TablePart } from '../report.ts';

/** One column: what its header says (with the unit) and what a row shows in it. */
export interface Column<Row> {
  header: string;
  /** A number is printed with `digits` decimals; null means that the question has no answer here. */
  value: (row: Row) => Cell;
  digits?: number;
}

interface TableOptions {
  isFolded?: boolean;
  command?: string | null;
}

/** Rows as a table of a report. A column is one of numbers where any of its cells is a number. */
export function tablePart<Row>(
  id: string,
  caption: string,
  columns: readonly Column<Row>[],
  rows: readonly Row[],
  { isFolded = false, command = null }: TableOptions = {},
): TablePart {
  const cells = rows.map((row) => columns.map((column) => column.value(row)));
  return {
    ...{ kind: 'table', id, caption, isFolded, command },
    columns: columns.map(({ header, digits = 0 }, index) => ({
      ...{ header, digits },
      isNumber: cells.some((row) => typeof row[index] === 'number'),
    })),
    rows: cells,
  };
}

/** A column of a share, in percent. */
export function percentColumn<Row>(
  header: string,
  value: (row: Row) => number | null,
  digits = 1,
): Column<Row> {
  return {
    header,
    digits,
    value: (row) => {
      const share = value(row);
      return share === null ? null : share * 100;
    },
  };
}

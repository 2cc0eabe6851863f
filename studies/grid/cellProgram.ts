import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Generated, generate } from '../../codegen/generate.ts';
import { writeProgram } from '../../codegen/writeProgram.ts';
import { type CellScenario, cellScenario } from './cellScenario.ts';
import type { Cell } from './experimentFile.ts';

/**
 * The program of a cell, which bears the cell's name.
 *
 * @throws UserError for a cell that no program can be made of.
 */
export function cellProgram(
  cell: Cell,
  { workload, system, plans }: CellScenario = cellScenario(cell),
): Generated {
  return generate(workload, system, plans, { id: cell.id });
}

/** Writes a cell's program under a folder and returns its own; sources that have not changed are not touched. */
export function writeCellProgram(cell: Cell, parent: string): string {
  const program = cellProgram(cell);
  const folder = join(parent, program.id);
  const same = program.files.every(({ name, text }) => holds(join(folder, name), text));
  return same ? folder : writeProgram(program, parent);
}

function holds(file: string, text: string): boolean {
  return existsSync(file) && readFileSync(file, 'utf8') === text;
}

import type { Highs } from './solver.ts';

/** A linear or mixed-integer program being written: minimise a sum subject to rows. Names are letters and digits. */
export class LinearProgram {
  readonly #costs = new Map<string, number>();
  readonly #rows: string[] = [];
  readonly #bounds: string[] = [];
  readonly #integers: string[] = [];
  readonly #named = new Map<string, number>();

  /** Adds a variable from `low` to `high`. */
  variable(name: string, { low = 0, high = Number.POSITIVE_INFINITY, integer = false } = {}): string {
    if (low !== 0 || Number.isFinite(high)) {
      this.#bounds.push(`${number(low)} <= ${name} <= ${Number.isFinite(high) ? number(high) : '+inf'}`);
    }
    if (integer) this.#integers.push(name);
    return name;
  }

  /** Adds what one of a variable costs to what is minimised. */
  cost(cost: number, name: string): void {
    this.#costs.set(name, (this.#costs.get(name) ?? 0) + cost);
  }

  /** Adds `sum of coefficient x variable (<=, =, >=) right`. A row that is named can be asked for its dual. */
  row(
    terms: readonly (readonly [number, string])[],
    sense: '<=' | '=' | '>=',
    right: number,
    name?: string,
  ): void {
    const factors = new Map<string, number>();
    for (const [factor, variable] of terms) factors.set(variable, (factors.get(variable) ?? 0) + factor);
    const sum = termsOf(factors);
    if (name !== undefined) this.#named.set(name, this.#rows.length);
    this.#rows.push(`${sum.join(' ')} ${sense} ${number(right)}`);
  }

  /** Place of a named row. */
  placeOf(row: string): number | undefined {
    return this.#named.get(row);
  }

  /** The program in CPLEX's LP format. */
  get text(): string {
    const objective = termsOf(this.#costs);
    return [
      'Minimize',
      ` cost: ${folded(objective.length > 0 ? objective : ['0'])}`,
      'Subject To',
      ...this.#rows.map((row) => ` ${folded(row.split(' '))}`),
      'Bounds',
      ...this.#bounds.map((bound) => ` ${bound}`),
      ...(this.#integers.length > 0 ? ['General', ` ${folded(this.#integers)}`] : []),
      'End',
    ].join('\n');
  }
}

/** Longest line of a program's text in words: readers of the format need not take longer ones. */
const WORDS_A_LINE = 40;

function folded(words: readonly string[]): string {
  const lines: string[] = [];
  for (let at = 0; at < words.length; at += WORDS_A_LINE)
    lines.push(words.slice(at, at + WORDS_A_LINE).join(' '));
  return lines.join('\n  ');
}

function termsOf(factors: ReadonlyMap<string, number>): string[] {
  return [...factors]
    .filter(([, factor]) => factor !== 0)
    .map(([variable, factor]) => term(factor, variable));
}

function term(factor: number, name: string): string {
  return `${factor < 0 ? '-' : '+'} ${number(Math.abs(factor))} ${name}`;
}

function number(value: number): string {
  return asWritten(value).toString();
}

/** A number in the digits that a program's text has it in. */
export function asWritten(value: number): number {
  return Number(value.toPrecision(12));
}

/** A program's best values; null where no values satisfy its rows. */
export interface Solved {
  cost: number;
  valueOf(variable: string): number;
  /** What one more of a named row's right side changes the cost by; 0 for programs with integers. */
  dualOf(row: string): number;
}

/**
 * Solves a program with HiGHS. Deterministic: it stops by gap and by nodes, never by time.
 *
 * @param gap relative to the cost, at which an integer program's answer is good enough.
 * @throws Error where HiGHS ends without an answer: a fault of the program, not of the user.
 */
export function solve(highs: Highs, program: LinearProgram, gap = 0): Solved | null {
  const options = { output_flag: false, random_seed: 0, ...(gap > 0 && { mip_rel_gap: gap }) };
  const solution = highs.solve(program.text, options);
  if (solution.Status === 'Infeasible' || solution.Status === 'Primal infeasible or unbounded') return null;
  if (solution.Status !== 'Optimal') throw new Error(`HiGHS ended with ${solution.Status}`);
  const { Columns, Rows } = solution;
  return {
    cost: solution.ObjectiveValue,
    valueOf: (name) => Columns[name]?.Primal ?? 0,
    dualOf: (name) => {
      const row = Rows[program.placeOf(name) ?? -1];
      return row !== undefined && 'Dual' in row ? row.Dual : 0;
    },
  };
}

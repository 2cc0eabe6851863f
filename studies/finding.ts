import { fixedText } from './numberText.ts';

/** How far a claim is borne out by what was measured. */
export const STANDINGS = ['holds', 'in part', 'fails', 'not shown'] as const;
export type Standing = (typeof STANDINGS)[number];

/** One thing that predictions or fitted numbers are used for, and how well they do. */
export interface Finding {
  standing: Standing;
  /** What it is about, such as `order of plans`. */
  about: string;
  /** The figures that decide it. */
  says: string;
  /** What it is held to. */
  limit: string;
}

/** Two bounds on a figure: up to the first a claim holds, up to the second in part. */
export interface Limits {
  holds: number;
  inPart: number;
  /** Of a figure that should be large. */
  isLeast?: true;
}

/** @param figure null where nothing was measured that says it. */
export function standingOf(figure: number | null, { holds, inPart, isLeast }: Limits): Standing {
  if (figure === null) return 'not shown';
  const keeps = (bound: number) => (isLeast ? figure >= bound : figure <= bound);
  return keeps(holds) ? 'holds' : keeps(inPart) ? 'in part' : 'fails';
}

/** @example limitText({ holds: 0.05, inPart: 0.1 }) // 'at most 5 %; in part to 10 %' */
export function limitText({ holds, inPart, isLeast }: Limits): string {
  const percent = (share: number) => `${fixedText(share * 100, 0)} %`;
  const bound = `${isLeast ? 'at least' : 'at most'} ${percent(holds)}`;
  if (holds === inPart) return bound;
  return `${bound}; in part ${isLeast ? 'from' : 'to'} ${percent(inPart)}`;
}

/**
 * Standing over findings: that of the worst; but what fails beside others makes it one in part, unless it is one of those that decide or
 * nothing holds.
 */
export function overallStanding(findings: readonly Finding[], deciding: readonly Finding[] = []): Standing {
  const worst = worstOf(findings);
  const isHeld = findings.some(({ standing }) => standing === 'holds');
  return worst === 'fails' && isHeld && worstOf(deciding) !== 'fails' ? 'in part' : worst;
}

/** The worst standing of findings that were shown; `not shown` where none was. */
export function worstOf(findings: readonly Finding[]): Standing {
  const shown = findings.map(({ standing }) => standing).filter((standing) => standing !== 'not shown');
  const order = shown.map((standing) => STANDINGS.indexOf(standing));
  return order.length === 0 ? 'not shown' : STANDINGS[Math.max(...order)]!;
}

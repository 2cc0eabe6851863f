import type { Finding, Standing } from '../studies/finding.ts';
import type { Chart } from '../studies/plots/chart.ts';

/** A figure that stands large on top. */
export interface KeyFigure {
  label: string;
  value: string;
  /** What it is of, in few words. */
  note: string;
}

export interface Verdict {
  /** Of the worst finding that was shown. */
  standing: Standing;
  /** One sentence: the answer. */
  says: string;
  figures: readonly KeyFigure[];
  findings: readonly Finding[];
}

/** Null: the question has no answer here. */
export type Cell = string | number | null;

export interface TableColumn {
  header: string;
  isNumber: boolean;
  /** Decimals that its numbers are printed with. */
  digits: number;
}

/** Rows under a caption; the HTML sorts them by any column. */
export interface TablePart {
  kind: 'table';
  id: string;
  caption: string;
  columns: readonly TableColumn[];
  rows: readonly (readonly Cell[])[];
  /** Folded away until it is asked for: long lists. */
  isFolded: boolean;
  /** Prints its numbers; null for what no command prints by itself. */
  command: string | null;
}

export interface ChartPart {
  kind: 'chart';
  id: string;
  chart: Chart;
  /** What is seen in it, for who does not see it. */
  says: string;
  /** Draws it. */
  command: string;
}

/** Terms and what they are. */
export interface FactsPart {
  kind: 'facts';
  facts: readonly (readonly [term: string, is: string])[];
}

/** A paragraph, or a list of remarks. */
export interface NotesPart {
  kind: 'notes';
  notes: readonly string[];
}

/** Command lines to paste, each with what it is for. */
export interface CommandsPart {
  kind: 'commands';
  commands: readonly { what: string; command: string }[];
}

export type Part = TablePart | ChartPart | FactsPart | NotesPart | CommandsPart;

export interface Section {
  id: string;
  title: string;
  /** Of the title, where the sections are listed. */
  short?: string;
  parts: readonly Part[];
}

/** What a report says, without a look: `html/` and `markdown/` print the same one. Everything in it is text, whatever it contains. */
export interface Report {
  title: string;
  /** What was measured, where, in a line. */
  subtitle: string;
  verdict: Verdict;
  sections: readonly Section[];
  /** Version of ChunkFlow that made it. */
  version: string;
}

/** What all findings are held to, where that is one thing. */
export function commonLimit(findings: readonly Finding[]): string | null {
  const limits = new Set(findings.map(({ limit }) => limit));
  return limits.size === 1 ? [...limits][0]! : null;
}

/** Tables in a row that one command prints name it once, behind the last of them. */
export function withoutRepeats(parts: readonly Part[]): Part[] {
  return parts.map((part, index) => {
    const next = parts[index + 1];
    const isRepeated = part.kind === 'table' && next?.kind === 'table' && part.command === next.command;
    return isRepeated ? { ...part, command: null } : part;
  });
}

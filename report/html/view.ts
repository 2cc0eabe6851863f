import { countText } from '../../studies/numberText.ts';
import { printableChart } from '../../studies/plots/chart.ts';
import { cellText } from '../parts/cellText.ts';
import {
  type ChartPart,
  commonLimit,
  type Part,
  type Report,
  type TablePart,
  withoutRepeats,
} from '../report.ts';

/** A report as the templates read it: every text is there as it is shown, and nothing is left to decide. */
export function pageView({ title, subtitle, verdict, sections, version }: Report) {
  const limit = commonLimit(verdict.findings);
  return {
    ...{ title, subtitle, version },
    verdict: {
      ...verdict,
      says: joined(verdict.says),
      class: classOf(verdict.standing),
      standing: `Verdict: ${verdict.standing}`,
      hasLimits: limit === null,
      caption: limit === null ? RESTS_ON : joined(`${RESTS_ON}; held to: ${limit}`),
      findings: verdict.findings.map(({ standing, about, says, limit }) => ({
        ...{ standing, about, class: classOf(standing) },
        ...{ says: joined(says), limit: joined(limit) },
      })),
    },
    sections: sections.map(({ id, title, short = title, parts }) => ({
      ...{ id, title, short },
      parts: withoutRepeats(parts).map(partView),
    })),
  };
}

const RESTS_ON = 'What the verdict rests on';

/** Numbers stay with their unit where a line ends. */
function joined(text: string): string {
  return text.replace(/(?<=\d) (?=%)/g, '\u00a0');
}

function classOf(standing: string): string {
  return standing.replaceAll(' ', '-');
}

const KINDS = { isTable: false, isChart: false, isFacts: false, isNotes: false, isCommands: false };

function partView(part: Part) {
  switch (part.kind) {
    case 'table':
      return { ...KINDS, isTable: true, ...tableView(part) };
    case 'chart':
      return { ...KINDS, isChart: true, ...chartView(part) };
    case 'facts':
      return { ...KINDS, isFacts: true, facts: part.facts.map(([term, is]) => ({ term, is })) };
    case 'notes':
      return { ...KINDS, isNotes: true, notes: part.notes };
    case 'commands':
      return { ...KINDS, isCommands: true, commands: part.commands };
  }
}

/** Letters of a text from which on its column needs room on a phone. */
const WIDE = 20;

function tableView({ id, caption, columns, rows, isFolded, command }: TablePart) {
  const wide = columns.map((_, index) => rows.some((row) => String(row[index]).length > WIDE));
  return {
    ...{ id, caption, columns, isFolded, command },
    count: countText(rows.length, 'row'),
    rows: rows.map((row) =>
      row.map((cell, index) => {
        const { digits, isNumber } = columns[index]!;
        return { text: cellText(cell, digits), isNumber, isWide: wide[index]!, isFirst: index === 0 };
      }),
    ),
  };
}

function chartView({ id, chart, says, command }: ChartPart) {
  const printable = printableChart(chart);
  const { title, subtitle } = printable;
  // Inside of a script element only its end could be read as markup.
  return {
    id,
    title,
    subtitle,
    says: joined(says),
    command,
    data: JSON.stringify(printable).replaceAll('<', '\\u003c'),
  };
}

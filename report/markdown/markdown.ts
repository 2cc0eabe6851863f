import { countText } from '../../studies/numberText.ts';
import { cellText } from '../parts/cellText.ts';
import { commonLimit, type Part, type Report, type TablePart, withoutRepeats } from '../report.ts';
import { markdownCell, markdownCode, markdownText } from './escape.ts';

/** Tables of more rows are named and left out: a comment is read from top to bottom, and may hold 65,536 characters. */
const MOST_ROWS = 40;

const MARKS = { holds: '\u2705', 'in part': '\u26a0\ufe0f', fails: '\u274c', 'not shown': '\u2754' } as const;

/** A report as Markdown for a pull request: all of it but drawings and long tables, of which it has the commands. */
export function reportMarkdown({ title, subtitle, verdict, sections, version }: Report): string {
  const { standing, says, figures, findings } = verdict;
  const blocks = [
    `# ${markdownText(title)}`,
    markdownText(subtitle),
    `**${MARKS[standing]} Verdict: ${standing}.** ${markdownText(says)}`,
    tableText(
      figures.map(({ label }) => ({ header: label, isNumber: true })),
      [figures.map(({ value }) => value), figures.map(({ note }) => note)],
    ),
    ...findingBlocks(findings),
    ...sections.flatMap((section) => [
      `## ${markdownText(section.title)}`,
      ...withoutRepeats(section.parts).flatMap(partBlocks),
    ]),
    `Made by ${markdownText(version)}.`,
  ];
  return `${blocks.filter((block) => block !== '').join('\n\n')}\n`;
}

function findingBlocks(findings: Report['verdict']['findings']): string[] {
  const limit = commonLimit(findings);
  const headers = ['What it is used for', 'Standing', 'As measured', ...(limit === null ? ['Held to'] : [])];
  const table = tableText(
    headers.map((header) => ({ header, isNumber: false })),
    findings.map((one) => [
      ...[one.about, `${MARKS[one.standing]} ${one.standing}`, one.says],
      ...(limit === null ? [one.limit] : []),
    ]),
    markdownText,
  );
  return limit === null ? [table] : [table, `Held to: ${markdownText(limit)}.`];
}

function partBlocks(part: Part): string[] {
  switch (part.kind) {
    case 'table':
      return tableBlocks(part);
    case 'chart':
      return [
        [`**${markdownText(part.chart.title)}**`, ...part.chart.subtitle.map(markdownText)].join('<br>\n'),
        markdownText(part.says),
        shell(part.command),
      ];
    case 'facts':
      return [
        tableText(
          ['', ''].map((header) => ({ header, isNumber: false })),
          part.facts.map((fact) => [...fact]),
        ),
      ];
    case 'notes':
      return [part.notes.map((note) => `- ${markdownText(note)}`).join('\n')];
    case 'commands':
      return part.commands.flatMap(({ what, command }) => [markdownText(what), shell(command)]);
  }
}

function tableBlocks({ caption, columns, rows, isFolded, command }: TablePart): string[] {
  const heading = `**${markdownText(caption)}**`;
  if (rows.length > MOST_ROWS)
    return [
      `${heading}: ${countText(rows.length, 'row')}, left out here`,
      ...(command === null ? [] : [shell(command)]),
    ];
  const texts = rows.map((row) => row.map((cell, index) => cellText(cell, columns[index]!.digits)));
  const body = [tableText(columns, texts), ...(command === null ? [] : [shell(command)])];
  if (!isFolded) return [heading, ...body];
  return [`<details><summary>${markdownText(caption)}</summary>`, ...body, '</details>'];
}

function tableText(
  columns: readonly { header: string; isNumber: boolean }[],
  rows: readonly (readonly string[])[],
  textOf: (text: string) => string = markdownCell,
): string {
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`;
  return [
    line(columns.map(({ header }) => markdownText(header))),
    line(columns.map(({ isNumber }) => (isNumber ? '--:' : '---'))),
    ...rows.map((cells) => line(cells.map(textOf))),
  ].join('\n');
}

function shell(command: string): string {
  return markdownCode(command, 'sh');
}

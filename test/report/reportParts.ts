import type { ChartPart, Part, Report, TablePart } from '../../report/report.ts';

export function partsOf(report: Report): Part[] {
  return report.sections.flatMap(({ parts }) => parts);
}

export function tableOf(report: Report, id: string): TablePart {
  const found = partsOf(report).find((part) => part.kind === 'table' && part.id === id);
  if (found?.kind !== 'table') throw new Error(`the report has no table ${id}`);
  return found;
}

export function chartsOf(report: Report): ChartPart[] {
  return partsOf(report).filter((part) => part.kind === 'chart');
}

/** Every command line that a report shows, each once. */
export function commandsOf(report: Report): string[] {
  const shown = partsOf(report).flatMap((part) => {
    if (part.kind === 'commands') return part.commands.map(({ command }) => command);
    if (part.kind === 'table' || part.kind === 'chart') return part.command === null ? [] : [part.command];
    return [];
  });
  return [...new Set(shown.flatMap((command) => command.split('\n')))];
}

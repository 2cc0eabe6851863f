import { dirname, join } from 'node:path';
import { toolVersion } from '../../codegen/toolVersion.ts';
import { type Calibration, readCalibration } from '../../studies/calibration/calibrationFile.ts';
import { fitFindings } from '../../studies/calibration/findings.ts';
import { type FittedMachine, fitMachine } from '../../studies/calibration/fitMachine.ts';
import type { FittedEntry } from '../../studies/calibration/machineValues.ts';
import { heldOutGroups, readingStatistics } from '../../studies/calibration/readingErrors.ts';
import { readingsOf } from '../../studies/calibration/readings.ts';
import { type Finding, overallStanding, type Standing } from '../../studies/finding.ts';
import { countText, fixedText, listText, percentText } from '../../studies/numberText.ts';
import { commandText } from '../parts/commandText.ts';
import { filesTable } from '../parts/environment.ts';
import { machineSection } from '../parts/machine.ts';
import { tablePart } from '../parts/table.ts';
import type { KeyFigure, Part, Report, Section, Verdict } from '../report.ts';
import { fitCharts } from './fitCharts.ts';
import { parameterTable, readingsTable, stageErrorTable, worstReadingsTable } from './fitTables.ts';

/**
 * A machine fitted to a calibration: what its numbers are fit for, by the readings that were held out; residuals, parameters with their
 * intervals, every reading, the machine's numbers and where they came from, environment and commands.
 *
 * @param onStage called before each stage of the fit.
 * @throws UserError as `readCalibration` and `fitMachine`.
 */
export function calibrationReport(
  file: string,
  onStage: (name: string, index: number, count: number) => void = () => undefined,
): Report {
  const calibration = readCalibration(file);
  const fitted = fitMachine(calibration, onStage);
  const command = commandText(['fit', file]);
  const asObject = `${command} --json`;
  const { stages, system, notes } = fitted;
  return {
    title: `${system.name}: fitted to ${countText(readingCount(fitted), 'reading')}`,
    subtitle: `calibration ${file}; half of the readings are held out`,
    verdict: fitVerdict(fitted),
    sections: [
      {
        id: 'residuals',
        title: 'Residuals',
        parts: fitCharts(fitted, calibration, readingsOf(calibration).cases),
      },
      {
        id: 'errors',
        title: 'Errors by stage',
        parts: [stageErrorTable(stages, command), worstReadingsTable(stages, command)],
      },
      {
        id: 'parameters',
        title: 'Fitted numbers',
        parts: [
          parameterTable(stages, command),
          ...(notes.length === 0 ? [] : [{ kind: 'notes', notes } satisfies Part]),
        ],
      },
      { id: 'readings', title: 'Every reading', parts: [readingsTable(stages, asObject)] },
      numbersSection(fitted, file),
      environmentSection(calibration, file),
      {
        id: 'commands',
        title: 'Commands',
        parts: [
          {
            kind: 'commands',
            commands: [
              { what: 'this report', command: commandText(['report', file, '--out', 'report.html']) },
              { what: 'the fit as text; with --json as one object', command },
              {
                what: 'the fitted machine as a file',
                command: commandText(['fit', file, '--out', 'fitted.yaml']),
              },
              {
                what: 'a step on it',
                command: 'chunkflow predict --model wan2.1-t2v-14b --size 832x480x81 --machine fitted.yaml',
              },
            ],
          },
        ],
      },
    ],
    version: toolVersion(),
  };
}

/** Stages share readings; each counts once. */
function readingCount({ stages }: FittedMachine): number {
  const keys = stages.flatMap(({ errors }) =>
    [...errors.fit, ...errors['held-out']].map(
      ({ groupSize, id, quantity }) => `${groupSize} ${id} ${quantity}`,
    ),
  );
  return new Set(keys).size;
}

function fitVerdict({ stages, entries }: FittedMachine): Verdict {
  const findings = fitFindings(stages);
  const figures: KeyFigure[] = heldOutGroups(stages).flatMap(({ name, readings }) => {
    const errors = readingStatistics(readings);
    if (errors === null) return [];
    return [
      {
        label: `MAPE ${name}`,
        value: percentText(errors.mape),
        note: `${errors.n} held out, p95 ${percentText(errors.p95)}`,
      },
    ];
  });
  const fittedCount = [...entries.values()].filter(({ from }) => from === 'fitted').length;
  return {
    standing: overallStanding(findings),
    says: fitnessText(findings),
    figures: [
      {
        label: 'Fitted numbers',
        value: fixedText(fittedCount, 0),
        note: `in ${countText(stages.length, 'stage')}`,
      },
      ...figures,
    ],
    findings,
  };
}

/** What a fit is fit for, and what not: how many of its stages, and the others by name. */
function fitnessText(findings: readonly Finding[]): string {
  const namesOf = (standing: Standing) =>
    findings.filter((one) => one.standing === standing).map(({ about }) => about);
  const others = (standing: Standing, words: string) => {
    const names = namesOf(standing);
    return names.length === 0 ? [] : [`${words} ${listText(names)}`];
  };
  const parts = [
    `Fit for ${namesOf('holds').length} of ${countText(findings.length, 'stage')}`,
    ...others('fails', 'not fit for'),
    ...others('not shown', 'not shown for'),
  ];
  return `${parts.join('; ')}.`;
}

function numbersSection({ system, entries }: FittedMachine, file: string): Section {
  const { title, ...machine } = machineSection([{ system, named: null }]);
  const changed = [...entries].map(([key, entry]) => ({ key, ...entry }));
  const table = tablePart(
    'changed-numbers',
    'Numbers that this calibration decides',
    [
      { header: 'number', value: ({ key }) => key },
      { header: 'value', value: ({ is }) => String(is) },
      { header: '95 % interval', value: ({ interval }) => intervalText(interval) },
      { header: 'from', value: ({ from }) => from },
      { header: 'source', value: ({ source }) => source ?? null },
    ],
    changed,
    { isFolded: true, command: commandText(['fit', file, '--out', 'fitted.yaml']) },
  );
  return { ...machine, title, parts: [...machine.parts, table] };
}

function intervalText(interval: FittedEntry['interval']): string | null {
  return interval === undefined ? null : `${interval[0]} to ${interval[1]}`;
}

function environmentSection(calibration: Calibration, file: string): Section {
  const runs = [...calibration.cases, ...calibration.segments.map(({ run }) => run)].map(({ run }) => run);
  const all = (of: (run: (typeof runs)[number]) => readonly string[]) =>
    [...new Set(runs.flatMap(of))].sort().join(', ');
  return {
    id: 'environment',
    title: 'Environment',
    parts: [
      {
        kind: 'facts',
        facts: [
          ['device', all(({ devices }) => devices.map(({ name }) => name))],
          ['place', all(({ place }) => [place])],
          ['ranks', all(({ groupSize }) => [String(groupSize)])],
          ['programs', all(({ program }) => [program])],
          ['started', all(({ startedAt }) => [startedAt])],
          ['this report', toolVersion()],
        ],
      },
      filesTable(
        [file, ...calibration.sources.map((name) => join(dirname(file), name))],
        'Read for this report',
      ),
    ],
  };
}

import { commandText } from '../parts/commandText.ts';
import type { Section } from '../report.ts';
import { type ExperimentInput, stepWords } from './input.ts';

/** The command line of a report itself. */
function reportWords({ files, machine, choices }: ExperimentInput): string[] {
  return [
    'report',
    ...stepWords({ files, machine }),
    ...(choices === null ? [] : ['--experiment', choices.file]),
    ...(choices === null || (choices.modes.length === 1 && choices.modes[0] === 'eager')
      ? []
      : ['--mode', choices.modes.length > 1 ? 'both' : choices.modes[0]!]),
  ];
}

/** Everything that a report shows, made again. */
export function commandsSection(input: ExperimentInput): Section {
  const words = stepWords(input);
  return {
    id: 'commands',
    title: 'Commands',
    parts: [
      {
        kind: 'commands',
        commands: [
          { what: 'this report', command: commandText([...reportWords(input), '--out', 'report.html']) },
          {
            what: 'its errors as text; with --json as one object',
            command: commandText(['validate', ...words]),
          },
        ],
      },
    ],
  };
}

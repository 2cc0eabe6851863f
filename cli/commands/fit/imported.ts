import { UserError } from '../../../model/input/userError.ts';
import { systemIds } from '../../../model/system/load.ts';
import { fitImported } from '../../../studies/calibration/imported/importedMachine.ts';
import { fittedMachineFile } from '../../../studies/calibration/machineFile.ts';
import { readAll } from '../../../studies/imports/readAny.ts';
import { writeWholeFile } from '../../files/wholeFile.ts';
import type { Output } from '../../output.ts';
import { formatTable } from '../../text/table.ts';
import type { FitFlags } from './command.ts';
import { printFitToAll } from './printFit.ts';

/** Fits a machine to other tools' files, prints which of its numbers they decide, and writes the machine's file. */
export function fitFiles(files: readonly string[], flags: FitFlags, output: Output): void {
  const { machine, transport, collective, id, out } = flags;
  if (machine === undefined)
    throw new UserError(
      '--machine: is missing; files of other tools say nothing of compute: name the nearest machine, ' +
        `a file or one of ${systemIds().join(', ')}`,
    );
  const imported = files.flatMap((file) => readAll(file, collective));
  const fitted = fitImported(imported, { machine, files, ...(transport !== undefined && { transport }) });
  const numbers = [...fitted.entries].map(([key, entry]) => ({ key, ...entry }));
  const text = fittedMachineFile(fitted, id, fitted.text);
  if (flags.json)
    output.result(`${JSON.stringify({ numbers, stages: fitted.stages, notes: fitted.notes }, null, 1)}\n`);
  else {
    if (numbers.length > 0)
      output.result(
        formatTable(
          [
            { header: 'number', value: ({ key }) => key },
            { header: 'value', value: ({ is }) => String(is) },
            { header: '95 %', value: ({ interval }) => interval?.join(' to ') ?? null },
            { header: 'from', value: ({ from }) => from },
            { header: 'source', value: ({ source }) => source },
          ],
          numbers,
          output.layout,
        ),
      );
    if (fitted.stages.length > 0) {
      output.result('\n');
      printFitToAll(fitted, flags.worst, output);
    }
  }
  for (const note of fitted.notes) output.diagnostic(`note: ${note}\n`);
  if (out === undefined) return;
  writeWholeFile(out, text);
  output.diagnostic(`wrote ${out}; use it with --machine ${out}\n`);
}

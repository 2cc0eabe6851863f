import { dirname } from 'node:path';
import { StoppedError } from '../../../build/stopSignals.ts';
import { cellsOf, readExperiment } from '../../../studies/grid/experimentFile.ts';
import { runExperiment } from '../../../studies/grid/runExperiment.ts';
import { stubWriter } from './stubExperiment.ts';

// A process that runs the stub experiment and can be killed: experiment file, results, runtime, build folder.
const [file, results, runtime, outDir] = process.argv.slice(2);
const experiment = readExperiment(file!);
try {
  const outcomes = await runExperiment(experiment, cellsOf(experiment), {
    results: results!,
    build: { backend: 'host', runtime: runtime!, outDir: outDir! },
    onNote: (text) => console.error(text),
    onCell: ({ id }, plans) => console.error(`cell ${id}: ${plans}`),
    writeProgram: stubWriter(dirname(file!)),
  });
  process.exitCode = outcomes.some(({ failure }) => failure !== null) ? 1 : 0;
} catch (error) {
  if (!(error instanceof StoppedError)) throw error;
  console.error(error.message);
  process.exitCode = error.exitCode;
}

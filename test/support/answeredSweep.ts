import { SweepAnswers } from '../../library/sweep/answers.ts';
import { answerTask } from '../../library/sweep/runTask.ts';
import { placePart } from '../../studies/sweep/part.ts';
import { provenanceOfProcess } from '../../studies/sweep/provenance.ts';
import { ResultsFolder } from '../../studies/sweep/resultsFolder.ts';
import { readSweep } from '../../studies/sweep/sweep.ts';
import { Tasks } from '../../studies/sweep/tasks.ts';

/** Answers a sweep in this thread, which takes less than to start others. */
export async function answeredSweep(file: string, results: string): Promise<void> {
  const sweep = readSweep(file);
  const who = provenanceOfProcess();
  const folder = ResultsFolder.open(results, sweep, who);
  const answers = new SweepAnswers(sweep);
  const tasks = new Tasks(sweep.grids);
  for (let task = 0; task < tasks.count; task += 1)
    placePart(folder.partFile(task), (await answerTask(sweep, answers, tasks.at(task), who)).bytes);
}

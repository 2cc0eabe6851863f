import { type GeneratedFile, generate as generateProgram } from '../codegen/generate.ts';
import { writeProgram } from '../codegen/writeProgram.ts';
import { UserError } from '../model/input/userError.ts';
import { FILES } from '../model/scenario/files.ts';
import type { ScenarioQuestion } from '../model/scenario/question.ts';
import { modelScenario } from '../model/scenario/scenario.ts';

/** A workload with its plans, and where their program goes. */
export interface GenerateQuestion extends ScenarioQuestion {
  /** What the program is called; made of the workload unless given. */
  id?: string;
  /** Folder to write the program's own folder into; nothing is written unless given. */
  out?: string;
}

/** The sources of a runtime. */
export interface GeneratedRuntime {
  id: string;
  /** Names within the program's folder, and texts. */
  files: readonly GeneratedFile[];
  /** Where they were written; null without `out`. */
  folder: string | null;
  /** Names of the plans that it runs. */
  plans: readonly string[];
}

/**
 * Generates the CUDA/NCCL runtime of one workload and its plans, as `chunkflow generate` does.
 *
 * @throws UserError for a profile, whose blocks are the user's own, and for whatever else does not fit, with the remedy.
 * @example
 * const { files } = generate({ model: 'wan2.1-t2v-14b', size: '832x480x81', machine: 'h200-x2', plan: ['yield'] });
 * console.log(files.map(({ name }) => name));
 */
export function generate({ id, out, ...question }: GenerateQuestion): GeneratedRuntime {
  if (question.profile !== undefined)
    throw new UserError(
      `--profile ${question.profile}: the blocks of a profile are your own model's, and nothing is generated for them; make a plan with \`chunkflow plan --profile --save-plan FILE\`, then give \`chunkflow generate --attach FILE\` or chunkflow_offload.attach`,
    );
  const { workload, system, plans } = modelScenario(question, FILES, { padded: true });
  const program = generateProgram(workload, system, plans, id === undefined ? {} : { id });
  return {
    id: program.id,
    files: program.files,
    folder: out === undefined ? null : writeProgram(program, out),
    plans: plans.map(({ name }) => name),
  };
}

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Argument, Command, CommanderError } from 'commander';
import { StoppedError } from '../build/stopSignals.ts';
import { packageRoot } from '../model/input/packageFiles.ts';
import { printable, UserError } from '../model/input/userError.ts';
import type { BuildFlags } from './build.ts';
import { addCalibrationCommands } from './calibrationCommands.ts';
import { addExperimentCommands } from './experimentCommands.ts';
import type { GenerateFlags } from './generate.ts';
import type { MeasureFlags } from './measure.ts';
import {
  addBuildOptions,
  addRunOptions,
  addScenarioOptions,
  addSearchOptions,
  type PlanFlags,
  type ScenarioFlags,
} from './options.ts';
import type { Output } from './output.ts';
import { addPlotCommands } from './plotCommands.ts';
import { refuseRepeatedFlags } from './repeatedFlags.ts';

/** Names of the JSON documents that the commands print, and of files that others write for them. */
export const SCHEMA_NAMES = [
  'prediction',
  'simulation',
  'plan-choice',
  'models',
  'machines',
  'profile',
] as const;

/** The npm package that a command asks for and that this copy of ChunkFlow leaves out, as the Python package's does. */
function absentPackage(error: unknown): string | null {
  const { code, message } = error as NodeJS.ErrnoException;
  if (code !== 'ERR_MODULE_NOT_FOUND') return null;
  return /^Cannot find package '([^']+)'/.exec(message)?.[1] ?? null;
}

/**
 * Runs one command line and returns its exit code: 0, 2 for a mistake in the input (one line on stderr and
 * nothing else), 1 for a run or a check that failed, or for a bug (with its stack), 128 and the number of a signal that has
 * stopped what it ran.
 *
 * @example await run(['models', '--json'], processOutput)
 */
export async function run(args: readonly string[], given: Output): Promise<number> {
  const output: Output = { ...given, diagnostic: (text) => given.diagnostic(boundedLines(text)) };
  const status = { code: 0 };
  try {
    await buildProgram(output, status).parseAsync(args, { from: 'user' });
    return status.code;
  } catch (error) {
    // Commander has already printed its message, or the help that was asked for.
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
    if (error instanceof UserError) {
      output.diagnostic(`error: ${oneLine(error.message)}\n`);
      return 2;
    }
    const absent = absentPackage(error);
    if (absent !== null) {
      output.diagnostic(
        `error: the package ${absent} is not here; run this command in a checkout of ChunkFlow\n`,
      );
      return 2;
    }
    if (error instanceof StoppedError) {
      output.diagnostic(`${error.message}\n`);
      return error.exitCode;
    }
    output.diagnostic(`${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
    return 1;
  }
}

/** Every command loads its work only when it runs: what it reads takes longer than `--help` may. */
function buildProgram(output: Output, status: { code: number }): Command {
  const program = new Command('chunkflow')
    .description(
      "Predicts how a diffusion transformer's weights should be streamed from host memory, beside its collectives",
    )
    .version(packageVersion())
    .exitOverride()
    .configureOutput({
      writeOut: (text) => output.result(text),
      writeErr: (text) => output.diagnostic(text),
      outputError: (text, write) => write(`${oneLine(text)}\n`),
    });

  program
    .command('models')
    .description('list the diffusion transformers of the catalogue')
    .option('--json', 'one JSON object')
    .action(async (flags: { json?: boolean }) => (await import('./models.ts')).models(flags, output));
  program
    .command('machines')
    .description('list the machines, or the numbers of one and where each came from')
    .argument('[name|file]', 'machine whose numbers to show')
    .option('--json', 'one JSON object')
    .action(async (name: string | undefined, flags: { json?: boolean }) =>
      (await import('./machines.ts')).machines(name, flags, output),
    );
  program
    .command('plans')
    .description('list the ways to stream weights that --plan takes')
    .action(async () => (await import('./plans.ts')).plans(output));
  addScenarioOptions(
    program.command('predict').description('predict the step time of each plan in closed form'),
  )
    .option(
      '--save-plan <file>',
      'write the plan as JSON, or the plans as JSON Lines; --plan takes both in place of a preset',
    )
    .action(async (flags: ScenarioFlags & { savePlan?: string }) =>
      (await import('./predict.ts')).predictCommand(flags, output),
    );
  addScenarioOptions(
    program.command('simulate').description('simulate a steady step of each plan, event by event'),
  )
    .option('--trace <file>', 'write what happens in the step for https://ui.perfetto.dev')
    .action(async (flags: ScenarioFlags & { trace?: string }) =>
      (await import('./simulate.ts')).simulateCommand(flags, output),
    );
  addSearchOptions(
    program
      .command('plan')
      .description('find the fastest plan within the memory that it may take, and say how sure that is'),
  ).action(async (flags: PlanFlags) => (await import('./plan.ts')).planCommand(flags, output));
  addScenarioOptions(
    program.command('generate').description('write the sources of a runtime for one workload and its plans'),
  )
    .option('--out <folder>', 'where its folder goes (default: generated); with --attach, the folder itself')
    .option(
      '--attach <plan>',
      'in place of all of these: the library that drives a profiled PyTorch model by a saved plan',
    )
    .option('--id <name>', 'name of the program and its folder (default: from model, size, ranks, machine)')
    .action(async (flags: GenerateFlags) => (await import('./generate.ts')).generateCommand(flags, output));
  addBuildOptions(
    program
      .command('build')
      .description('compile generated programs')
      .argument('<folder...>', 'generated programs'),
  )
    .option('--build-dir <folder>', 'where build folders go (default: out/build)')
    .action(async (folders: string[], flags: BuildFlags & { buildDir?: string }) =>
      (await import('./build.ts')).build(folders, flags, output),
    );
  addRunOptions(
    addBuildOptions(
      program
        .command('measure')
        .description('build and run generated programs, and show what they measure beside the predictions')
        .argument('[folder...]', 'generated programs'),
    ),
  ).action(async (folders: string[], flags: MeasureFlags) => {
    status.code = await (await import('./measure.ts')).measure(folders, flags, output);
  });
  program
    .command('bundle')
    .description('pack generated programs with all that measuring them on another machine takes')
    .argument('<folder...>', 'generated programs')
    .requiredOption('--out <file|folder>', 'a .tar file, or a folder that does not exist yet')
    .option('--with-headers', "take cudnn-frontend's headers along")
    .action(async (folders: string[], flags: { out: string; withHeaders?: boolean }) =>
      (await import('./bundle.ts')).bundle(folders, flags, output),
    );
  addCalibrationCommands(program, output, status);
  addPlotCommands(program, output, status);
  addExperimentCommands(program, output, status);
  program
    .command('doctor')
    .description('say what this machine has for building and measuring, and how to get the rest')
    .option('--json', 'one JSON object')
    .action(async (flags: { json?: boolean }) => {
      status.code = (await import('./doctor.ts')).doctor(flags, output);
    });
  program
    .command('readings')
    .description('show H200 measurements beside what the machine files predict for them')
    .option('--fit', 'fit the pair to half of its contention readings instead, and predict the other half')
    .action(async ({ fit }: { fit?: boolean }) => {
      const { pairFit, readings } = await import('./readings.ts');
      if (fit === true) pairFit(output);
      else readings(output);
    });
  program
    .command('schema')
    .description('print the JSON Schema of what --json prints, or of a profile')
    .addArgument(new Argument('<name>', 'document').choices(SCHEMA_NAMES))
    .action(async (name: (typeof SCHEMA_NAMES)[number]) =>
      (await import('./schema.ts')).schema(name, output),
    );
  refuseRepeatedFlags(program);
  return program;
}

function packageVersion(): string {
  return JSON.parse(readFileSync(join(packageRoot, 'package.json'), 'utf8')).version;
}

/** Characters of a message at the most: a list of all names that there are can be as long as a file. */
const LONGEST_LINE = 4000;

function oneLine(text: string): string {
  // By an expression, a line of blanks would take time with the square of its length.
  const lines = text.split('\n').map((line) => line.trim());
  return lines.filter((line) => line !== '').join(' ');
}

/** Notes and messages quote files: no line may be as long as a file, or hold what a terminal acts on. */
function boundedLines(text: string): string {
  // Progress begins with a carriage return, and stacks are indented by blanks.
  return text.replace(/[^\r\n]+/g, (line) => bounded(printable(line)));
}

function bounded(line: string): string {
  return line.length > LONGEST_LINE
    ? `${line.slice(0, LONGEST_LINE)}... (${line.length - LONGEST_LINE} more characters)`
    : line;
}

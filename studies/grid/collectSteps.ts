import type { z } from 'zod';
import type { Manifest } from '../../codegen/manifest.ts';
import { arenaText } from '../../measure/arenaSpread.ts';
import { wholeRounds } from '../../measure/cutOffRun.ts';
import type { MeasuredRun } from '../../measure/readMeasurement.ts';
import { timelinesOf } from '../../measure/timelineOf.ts';
import { issueText } from '../../model/input/schemaIssue.ts';
import { atPlace, shown, UserError } from '../../model/input/userError.ts';
import { ncclPaths, ruledOutText } from '../dataset/ncclPaths.ts';
import { type StepRun, stepRunFormat } from '../dataset/stepRecords.ts';
import { type TimelineRecord, timelineFormat } from '../dataset/timelineRecord.ts';
import { cellProgram } from './cellProgram.ts';
import { type CellScenario, cellScenario } from './cellScenario.ts';
import { type Cell, cellsOf, type Experiment } from './experimentFile.ts';
import { measuredRuns } from './measuredRuns.ts';
import { recordedCell } from './recordedCell.ts';
import { operationsHash, sameOperations, stepProgramHash } from './stepProgramHash.ts';
import { type MeasuredStep, measuredSteps } from './stepRun.ts';

export interface Collected {
  /** In the experiment's order. */
  runs: StepRun[];
  /** What was left out or replaced, one line each. */
  notes: string[];
}

/** A cell with the program that is generated of it now. */
interface CurrentCell {
  cell: Cell;
  scenario: CellScenario;
  manifest: Manifest;
}

/**
 * Makes a dataset of raw results: one line for each cell, plan and mode. A later run of the same replaces an earlier one
 * of the same GPUs of a node, and one that ended well replaces those that were cut off, of which the whole rounds count.
 *
 * @param places results files, or folders of them.
 * @throws UserError for broken records, and for a run of another program than the one generated now whose manifest is
 * not beside the results.
 */
export function collectSteps(experiment: Experiment, places: readonly string[]): Collected {
  const { runs, manifests, notes } = measuredRuns(places);
  const cells = cellsOf(experiment).map((cell) => currentCell(experiment, cell));
  const collection = new Collection(experiment, notes);
  const broken = runs.flatMap((run) => {
    const found = wholeRounds(run);
    if (found === null) return [];
    const { rounds } = found;
    notes.push(
      `${run.file}:${run.line}: ${rounds === 1 ? 'its one whole round counts' : `its ${rounds} whole rounds count`}`,
    );
    return [found.run];
  });
  for (const run of [...broken, ...runs.filter(({ end }) => end?.ok)]) {
    const strange = whyLeftOut(run, cells);
    const place = `${run.file}:${run.line}`;
    if (strange === null) {
      collection.add(run, programOf(run, cells, manifests));
      const arena = arenaNote(run);
      if (arena !== null) notes.push(`${place}: ${arena}`);
    } else notes.push(`${place}: ${strange}: left out`);
  }
  return { runs: collection.inOrder(cells), notes: [...notes, ...collection.closingNotes(cells)] };
}

/**
 * The timeline of one measured step: of the last run that has one.
 *
 * @throws UserError where none was measured; and as `collectSteps`.
 */
export function collectTimeline(
  experiment: Experiment,
  places: readonly string[],
  cellId: string,
  plan: string,
): TimelineRecord {
  const { runs, manifests } = measuredRuns(places);
  const cell = cellsOf(experiment).find(({ id }) => id === cellId);
  if (cell === undefined) throw new UserError(`--cell ${shown(cellId)}: is no cell of ${experiment.name}`);
  if (!cell.plans.includes(plan))
    throw new UserError(`--plan ${shown(plan)}: is no plan of ${cellId}; it has ${cell.plans.join(' ')}`);
  const current = currentCell(experiment, cell);
  const { scenario } = current;
  for (const run of runs.filter(({ run: { program } }) => program === cellId).reverse()) {
    const { ran } = programOf(run, [current], manifests);
    const index = ran.plans.findIndex(({ name }) => name === plan);
    const over = ran.plans.slice(index, index + 1).map(({ transport }) => transport);
    if (ncclPaths(run, scenario.system, over).ruledOut.length > 0) continue;
    const found = timelinesOf(run, ran).find((timeline) => timeline.plan === index);
    if (found === undefined) continue;
    const [device] = run.run.devices;
    if (device === undefined)
      throw new UserError(`run.devices: expected at least one; measure it anew`, {
        file: run.file,
        line: run.line,
      });
    const { source, stepTimeS, intervals } = found.timeline;
    const fields = {
      ...{ schema: 'chunkflow/timeline@1', experiment: experiment.name, plan, place: run.run.place },
      ...planFileOf(cell, plan),
      cell: recordedCell(cell, scenario.workload),
      device: { name: device.name, driver: device.driver, cuda: device.cuda },
      ...{ runtime: run.run.runtime ?? '', startedAt: run.run.startedAt },
      timeline: { source, stepTimeS, intervals: [...intervals] },
    };
    return ofFormat(timelineFormat, fields, run, `timeline of ${shown(plan)}`);
  }
  throw new UserError(
    `${places.join(', ')}: hold no timeline of ${plan} of ${cellId}; measure with --timeline`,
  );
}

function currentCell({ place }: Experiment, cell: Cell): CurrentCell {
  return atPlace(place([]), () => {
    const scenario = cellScenario(cell);
    return { cell, scenario, manifest: cellProgram(cell, scenario).manifest };
  });
}

/** What was made of a run's records, where records that are well-formed one by one do not make it whole. */
function ofFormat<Schema extends z.ZodType>(
  schema: Schema,
  fields: unknown,
  { file, line, run }: MeasuredRun,
  what: string,
): z.output<Schema> {
  const result = schema.safeParse(fields, { reportInput: true });
  if (result.success) return result.data;
  const issue = result.error.issues[0]!;
  throw new UserError(
    `${what} of the run of ${run.program}: ${issue.path.join('.')}: ${issueText(issue)}; measure it anew`,
    { file, line },
  );
}

/** What a run says that has no place in this dataset. */
function whyLeftOut({ run }: MeasuredRun, cells: readonly CurrentCell[]): string | null {
  if (run.options.compute === 'synthetic') return `${run.program} only took the time of its kernels`;
  if (run.place === 'colocated')
    return `${run.program} had ranks that shared a GPU, which says nothing of its time`;
  return cells.some(({ cell }) => cell.id === run.program)
    ? null
    : `${run.program} is no program of the experiment`;
}

/** How a run's blocks lay in pinned memory, where that is not as usual: the dataset does not tell layouts apart. */
function arenaNote({ run, arena }: MeasuredRun): string | null {
  const { arenaLayout } = run.options;
  if (arena !== null) return `${run.program}: ${arenaText(arena)}`;
  return arenaLayout === undefined ? null : `${run.program}: arena (${shown(arenaLayout)})`;
}

/** The cell of a run, with the manifest of what ran: that of now, or the one of its fingerprint. */
function programOf(
  { file, line, run }: MeasuredRun,
  cells: readonly CurrentCell[],
  manifests: ReadonlyMap<string, Manifest>,
): { current: CurrentCell; ran: Manifest } {
  const current = cells.find(({ cell }) => cell.id === run.program)!;
  if (current.manifest.fingerprint === run.fingerprint) return { current, ran: current.manifest };
  const ran = manifests.get(run.fingerprint);
  if (ran !== undefined) return { current, ran };
  throw new UserError(
    `${run.program} was measured with fingerprint ${run.fingerprint}, the one generated now has ` +
      `${current.manifest.fingerprint}, and no manifest of the former lies beside the results; ` +
      'give the results folder with its programs/, or measure it anew',
    { file, line },
  );
}

class Collection {
  readonly #experiment: Experiment;
  readonly #notes: string[];
  /** By cell, plan and mode, then by who measured it: nodes do not replace each other's measurements. */
  readonly #steps = new Map<string, Map<string, StepRun>>();
  /** By cell and plan: lowering is slow, and modes and repeated runs share it. */
  readonly #hashes = new Map<string, string>();
  #replaced = 0;

  constructor(experiment: Experiment, notes: string[]) {
    this.#experiment = experiment;
    this.#notes = notes;
  }

  add(run: MeasuredRun, { current, ran }: { current: CurrentCell; ran: Manifest }): void {
    const { cell, scenario } = current;
    const { name: experiment, split } = this.#experiment;
    for (const step of this.#asNcclWent(run, scenario, measuredSteps(run, ran))) {
      if (!cell.plans.includes(step.plan)) {
        this.#notes.push(`${run.file}:${run.line}: ${cell.id} has no plan ${step.plan} any more: left out`);
        continue;
      }
      const key = keyOf(cell, step.plan, step.mode);
      const measured = this.#steps.get(key) ?? new Map<string, StepRun>();
      this.#steps.set(key, measured);
      if (measured.delete(measurerOf(step))) this.#replaced += 1;
      const fields: StepRun = {
        ...{ schema: 'chunkflow/steps@1', experiment, split },
        cell: recordedCell(cell, scenario.workload),
        ...planFileOf(cell, step.plan),
        ...step,
        stepProgram: this.#stepProgram(current, ran, step.plan),
      };
      const line = ofFormat(stepRunFormat, fields, run, `plan ${shown(step.plan)}`);
      measured.set(measurerOf(step), line);
    }
  }

  /** Steps without those over a transport that NCCL cannot have taken: whatever they ran over, it was not theirs. */
  #asNcclWent(run: MeasuredRun, { system }: CellScenario, steps: readonly MeasuredStep[]): MeasuredStep[] {
    const names = steps.map(({ transport }) => transport);
    const paths = ncclPaths(run, system, names);
    const where = `${run.file}:${run.line}: ${run.run.program}`;
    const left = steps.filter(({ transport }) => paths.ruledOut.some(({ name }) => name === transport));
    if (left.length > 0) {
      const plans = [...new Set(left.map(({ plan }) => plan))].join(' ');
      this.#notes.push(`${where}: ${ruledOutText(paths)}: left out ${plans}`);
    }
    if (paths.doubtful.length > 0)
      this.#notes.push(
        `${where}: was measured without NCCL_P2P_DISABLE=1: plans over ${paths.doubtful.join(' and ')} took another path where the GPUs reach each other`,
      );
    return steps.filter((step) => !left.includes(step));
  }

  /** Of the program that ran: where its operations are those of now, they are lowered anew. */
  #stepProgram({ cell, scenario, manifest }: CurrentCell, ran: Manifest, plan: string): string {
    const index = cell.plans.indexOf(plan);
    const then = ran.plans.find(({ name }) => name === plan)!;
    if (ran !== manifest && !sameOperations(then, manifest.plans[index]!)) return operationsHash(then);
    const key = `${cell.id} ${plan}`;
    const hash =
      this.#hashes.get(key) ?? stepProgramHash(scenario.workload, scenario.system, scenario.plans[index]!);
    this.#hashes.set(key, hash);
    return hash;
  }

  inOrder(cells: readonly CurrentCell[]): StepRun[] {
    return cells.flatMap(({ cell }) =>
      cell.plans.flatMap((plan) =>
        (['eager', 'graph'] as const).flatMap((mode) =>
          [...(this.#steps.get(keyOf(cell, plan, mode)) ?? [])]
            .sort(([a], [b]) => (a < b ? -1 : 1))
            .map(([, step]) => step),
        ),
      ),
    );
  }

  closingNotes(cells: readonly CurrentCell[]): string[] {
    const notes: string[] = [];
    if (this.#replaced > 0) notes.push(`${this.#replaced} earlier measurements were replaced by later ones`);
    const missing = cells.flatMap(({ cell }) => {
      const without = cell.plans.filter((plan) => !this.#steps.has(keyOf(cell, plan, 'eager')));
      return without.length === 0 ? [] : [`${cell.id} (${without.length} of ${cell.plans.length} plans)`];
    });
    if (missing.length > 0) notes.push(`not measured: ${missing.join(', ')}`);
    return notes;
  }
}

/** What a line holds beside the name of a plan that comes from a file. */
function planFileOf({ planFiles }: Cell, plan: string): Pick<StepRun, 'planFile'> {
  const source = planFiles?.get(plan);
  return source === undefined ? {} : { planFile: source.document };
}

/** Node and GPUs of a measurement; empty for records that do not name their node, whose measurements replace each other. */
function measurerOf({ node, gpus }: Pick<StepRun, 'node' | 'gpus'>): string {
  return node === undefined ? '' : [node, ...(gpus ?? []).map(({ pciBus }) => pciBus)].join(' ');
}

function keyOf(cell: Cell, plan: string, mode: StepRun['mode']): string {
  return `${cell.id} ${plan} ${mode}`;
}

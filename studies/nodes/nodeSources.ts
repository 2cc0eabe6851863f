import { existsSync, readdirSync, statSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import type { MeasuredRun } from '../../measure/readMeasurement.ts';
import { fileLines } from '../../model/input/fileLines.ts';
import { grouped } from '../../model/input/grouped.ts';
import { shown, UserError } from '../../model/input/userError.ts';
import { CALIBRATION_FILE } from '../calibration/calibrate.ts';
import { type Calibration, readCalibration } from '../calibration/calibrationFile.ts';
import { nodeOfFolder } from '../dataset/nodeOf.ts';
import { DatasetReader, type StepRun } from '../dataset/stepRecords.ts';
import { calibrationReadings } from './calibrationReadings.ts';
import { addRun, addStep, type NodeFacts, noFacts } from './nodeFacts.ts';
import type { Readings } from './quantity.ts';
import { stepReadings } from './stepReadings.ts';

/** A node, and all that was measured on it. */
export interface MeasuredNode {
  name: string;
  facts: NodeFacts;
  readings: Readings[];
  /** Files that it was read from. */
  files: string[];
}

export interface MeasuredNodes {
  nodes: MeasuredNode[];
  notes: string[];
}

/**
 * Nodes that calibrations and datasets of steps tell of. Records that do not name their node are of one that is called after their
 * folder, which a note says.
 *
 * @param places calibration files, datasets, and folders that hold them or whose folders do, one a node.
 * @throws UserError for what cannot be read, and for a folder that holds neither.
 */
export function measuredNodes(places: readonly string[]): MeasuredNodes {
  const nodes = new Map<string, MeasuredNode>();
  const notes: string[] = [];
  const steps: StepOfNode[] = [];
  const nodeOf = (name: string, file: string) => {
    const node = nodes.get(name) ?? { name, facts: noFacts(), readings: [], files: [] };
    nodes.set(name, node);
    if (!node.files.includes(file)) node.files.push(file);
    return node;
  };
  const calledAs = new Map<string, string>();
  const unnamed = (file: string) => {
    const folder = dirname(resolve(file));
    calledAs.set(folder, dirname(file));
    return nodeOfFolder(file);
  };
  const { calibrations, datasets } = filesOf(places);
  for (const file of calibrations) {
    const calibration = readCalibration(file);
    notes.push(...calibration.notes);
    for (const [name, part] of byNode(calibration, () => unnamed(file))) {
      const node = nodeOf(name, file);
      node.readings.push(...calibrationReadings(part));
      for (const run of runsOf(part)) addRun(node.facts, run);
    }
  }
  for (const file of datasets) steps.push(...stepsOf(file, () => unnamed(file), notes));
  for (const [name, own] of grouped(steps, ({ node }) => node)) {
    for (const { step, file } of own) addStep(nodeOf(name, file).facts, step);
    nodes.get(name)!.readings.push(...stepReadings(own.map(({ step }) => step)));
  }
  for (const folder of calledAs.values())
    notes.push(`${folder}: its records do not name their node; it is called as its folder is`);
  return { nodes: [...nodes.values()].sort((a, b) => (a.name < b.name ? -1 : 1)), notes };
}

function runsOf({ cases, segments }: Calibration): MeasuredRun[] {
  return [...cases, ...segments.map(({ run }) => run)];
}

/** The part of each node, where runs of several add up in one folder. */
function byNode(calibration: Calibration, unnamed: () => string): [string, Calibration][] {
  let called: string | undefined;
  const nodeOf = ({ run }: MeasuredRun) => {
    const named = run.devices[0]?.node;
    if (named !== undefined) return named;
    called ??= unnamed();
    return called;
  };
  const names = [...new Set(runsOf(calibration).map(nodeOf))];
  return names.map((name) => [
    name,
    {
      ...calibration,
      cases: calibration.cases.filter((run) => nodeOf(run) === name),
      segments: calibration.segments.filter(({ run }) => nodeOf(run) === name),
    },
  ]);
}

interface StepOfNode {
  node: string;
  step: StepRun;
  file: string;
}

function stepsOf(file: string, unnamed: () => string, notes: string[]): StepOfNode[] {
  const reader = new DatasetReader([file]);
  let called: string | undefined;
  let shared = 0;
  const steps: StepOfNode[] = [];
  for (const step of reader) {
    if (step.nodes !== undefined) shared += 1;
    else if (step.node !== undefined) steps.push({ node: step.node, step, file });
    else {
      called ??= unnamed();
      steps.push({ node: called, step, file });
    }
  }
  if (shared > 0)
    notes.push(`${file}: ${shared} steps are of several nodes at once, and of none of them by itself`);
  if (reader.repeated > 0) notes.push(`${file}: ${reader.repeated} lines stand there twice, and count once`);
  return steps;
}

function filesOf(places: readonly string[]): { calibrations: string[]; datasets: string[] } {
  const files = places.flatMap((place) => (isFolder(place) ? filesIn(place) : [place]));
  const isCalibration = (file: string) => /\.ya?ml$/i.test(file);
  return {
    calibrations: [...new Set(files.filter(isCalibration))],
    datasets: [...new Set(files.filter((file) => !isCalibration(file)))],
  };
}

function isFolder(place: string): boolean {
  return statSync(place, { throwIfNoEntry: false })?.isDirectory() === true;
}

/** A folder of a node, or of folders of nodes: its calibration and its datasets. */
function filesIn(folder: string): string[] {
  const entries = readdirSync(folder, { withFileTypes: true }).sort((a, b) => (a.name < b.name ? -1 : 1));
  const folders = [
    folder,
    ...entries.filter((entry) => entry.isDirectory()).map(({ name }) => join(folder, name)),
  ];
  const found = folders.flatMap(measurementsIn);
  if (found.length > 0) return found;
  throw new UserError(
    `${shown(folder)}: holds no ${CALIBRATION_FILE} and no dataset, nor do its folders; give what \`chunkflow calibrate\` or \`experiment collect\` wrote`,
  );
}

function measurementsIn(folder: string): string[] {
  const calibration = join(folder, CALIBRATION_FILE);
  const datasets = readdirSync(folder)
    .filter((name) => name.endsWith('.jsonl'))
    .sort()
    .map((name) => join(folder, name))
    .filter(isDataset);
  return [...(existsSync(calibration) ? [calibration] : []), ...datasets];
}

/** Raw results lie beside datasets, and are told by their first line. */
function isDataset(file: string): boolean {
  for (const { text } of fileLines(file, 'give a dataset'))
    return text.includes('"schema":"chunkflow/steps@1"');
  return false;
}

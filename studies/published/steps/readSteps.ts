import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { packageRoot } from '../../../model/input/packageFiles.ts';
import { UserError } from '../../../model/input/userError.ts';
import { checked, readYamlFile, type YamlFile } from '../../../model/input/yamlFile.ts';
import { fileFormat, OPEN_SETTING_NAMES, recordFormat, type StepRecord } from './stepFormat.ts';
import { LAYOUT_AXES } from './vocabulary.ts';

/** Folder of the published step times that ship with the package. */
export const PUBLISHED_STEPS = join(packageRoot, 'experiments', 'published', 'steps');

/**
 * The published step times of a folder's YAML files, each with its source.
 *
 * @throws UserError with the place of the first thing that does not fit, or of an id that stands twice.
 */
export function readStepFolder(folder: string = PUBLISHED_STEPS): StepRecord[] {
  const names = yamlFilesOf(folder);
  const seen = new Map<string, string>();
  return names.flatMap((name) => readStepFile(join(folder, name), seen));
}

/** Names of a folder's YAML files, sorted; a folder that has none is a mistake. */
function yamlFilesOf(folder: string): string[] {
  let names: string[];
  try {
    names = readdirSync(folder);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw new UserError(`cannot be read as a folder (${code}); give one with YAML files of published steps`, {
      file: folder,
    });
  }
  const files = names.filter((name) => name.endsWith('.yaml')).sort();
  if (files.length === 0)
    throw new UserError('has no file that ends in .yaml; give a folder of published steps', { file: folder });
  return files;
}

/** As readStepFolder, of one file; `seen` holds the ids of the files before it, with their files. */
export function readStepFile(file: string, seen = new Map<string, string>()): StepRecord[] {
  const source = readYamlFile(file);
  return checked(source, fileFormat).flatMap(({ shared, records, ...origin }, index) =>
    records.map((own, position) => {
      const merged = mergedRecord(source, index, position, shared, own);
      const record = { ...checked(merged, recordFormat), ...origin };
      checkSettings(record, merged);
      const before = seen.get(record.id);
      if (before !== undefined) {
        throw new UserError(
          `id: ${record.id} stands in ${before} too; give each figure its own`,
          merged.place(['id']),
        );
      }
      seen.set(record.id, file);
      return record;
    }),
  );
}

/** What a record and its source share, read as one map whose values keep their own places in the file. */
function mergedRecord(
  source: YamlFile,
  index: number,
  position: number,
  shared: Readonly<Record<string, unknown>>,
  own: Readonly<Record<string, unknown>>,
): YamlFile {
  return {
    ...source,
    value: { ...shared, ...own },
    place: (path) => {
      const [key] = path;
      const isShared = key !== undefined && !(String(key) in own) && String(key) in shared;
      return source.place([index, ...(isShared ? ['shared'] : ['records', position]), ...path]);
    },
  };
}

/** @throws UserError for settings that contradict each other. */
function checkSettings(record: StepRecord, { place }: YamlFile): void {
  const refuse = (key: string, message: string): never => {
    throw new UserError(`${key}: ${message}`, place([key]));
  };
  for (const name of OPEN_SETTING_NAMES) {
    const isOpen = record[name] === null;
    const candidates = record.unknown[name];
    const isNeeded = name !== 'steps' || !('stepS' in record.measured);
    if (isOpen && isNeeded && candidates === undefined)
      refuse(name, `is null; say under unknown.${name} what it could be`);
    if (!isOpen && candidates !== undefined)
      refuse('unknown', `${name} has candidates and a value; remove one of both`);
  }
  if (record.layout !== null) {
    const ranks = LAYOUT_AXES.reduce((product, axis) => product * (record.layout?.[axis] ?? 1), 1);
    if (ranks !== record.gpus) {
      refuse('layout', `its degrees make ${ranks} GPUs, but gpus is ${record.gpus}; correct one of both`);
    }
  }
  const { passes, guidance } = record;
  if (passes !== null && guidance !== null && (passes === 1) !== (guidance === 'none')) {
    refuse('passes', `${passes} a step do not go with guidance ${guidance}; correct one of both`);
  }
}

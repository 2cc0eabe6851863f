import { loadDit } from '../../model/dit/load.ts';
import { parseImageSize, parseSize } from '../../model/dit/tokens.ts';
import { WEIGHT_DTYPES } from '../../model/dit/weightDtype.ts';
import { bytesOf } from '../../model/input/givenQuantity.ts';
import { shown, UserError } from '../../model/input/userError.ts';
import { placed, type YamlFile } from '../../model/input/yamlFile.ts';
import { readProfile } from '../../model/profile/profileFile.ts';
import { pcieLink } from '../../model/system/cards/cardFormat.ts';
import { loadSystem } from '../../model/system/load.ts';
import type { System } from '../../model/system/system.ts';
import { transportNamed } from '../../model/system/transport.ts';
import { checkPlanText } from './checkPlanText.ts';
import { namedFrom } from './namedFile.ts';
import { planTexts } from './planList.ts';
import type { GridText, SweepText } from './sweepFormat.ts';
import { valueTexts } from './valueList.ts';

/** Values of a machine's number that are tried before a sweep starts: all of a short list, the ends of a long one. */
const MOST_TRIED = 32;

/**
 * Looks up every name of a sweep, so that a misspelling is refused with its place before a million points say it.
 *
 * @throws UserError for a name that nothing has; what some machine or model of the grid takes is left to the points.
 */
export function refuseUnknownNames({ grids }: SweepText, folder: string, file: YamlFile): void {
  for (const [index, grid] of grids.entries()) {
    const within = (key: PropertyKey[], check: () => void) => placed(file, ['grids', index, ...key], check);
    checkWorkloads(grid, folder, within);
    checkMachines(grid, folder, within);
    for (const [at, plan] of grid.plans.entries())
      for (const text of planTexts(plan)) within(['plans', at], () => checkPlanText(namedFrom(folder, text)));
    for (const field of ['gpuMemory', 'hostMemory'] as const) {
      const values = grid[field];
      if (values !== undefined)
        within([field], () => {
          for (const text of valueTexts(values)) bytesOf(field, text, 1);
        });
    }
  }
}

type Within = (key: PropertyKey[], check: () => void) => void;

function checkWorkloads(grid: GridText, folder: string, within: Within): void {
  for (const [at, given] of grid.models.entries()) {
    const { model, entry, sizes = [] } = typeof given === 'string' ? { model: given } : given;
    within(['models', at], () => {
      loadDit(namedFrom(folder, model), entry === undefined ? {} : { entry });
    });
    for (const [place, size] of sizes.entries())
      within(['models', at, 'sizes', place], () => void parseSize(size));
  }
  const each = (field: 'profiles' | 'sizes' | 'dtype' | 'referenceImage', check: (text: string) => void) => {
    for (const [at, text] of (grid[field] ?? []).entries()) within([field, at], () => check(text));
  };
  each('profiles', (text) => void readProfile(namedFrom(folder, text)));
  each('sizes', (text) => void parseSize(text));
  each('referenceImage', (text) => void (text === 'none' || parseImageSize(text)));
  each('dtype', (text) => {
    if (!WEIGHT_DTYPES.includes(text))
      throw new UserError(`expected one of ${WEIGHT_DTYPES.join(', ')}, got ${shown(text)}`);
  });
}

function checkMachines(grid: GridText, folder: string, within: Within): void {
  const { machines, pcie = [], set, transport = [] } = grid;
  for (const [at, name] of machines.entries())
    within(['machines', at], () => void loadSystem(namedFrom(folder, name)));
  for (const [at, text] of pcie.entries()) within(['pcie', at], () => void pcieLink(text));
  const tries = machineTries(grid, folder);
  for (const [key, values] of Object.entries(set))
    within(['set', key], () => {
      const texts = valueTexts(values);
      const tried = texts.length <= MOST_TRIED ? texts : [texts[0]!, texts.at(-1)!];
      for (const text of tried) onSome(tries, (build) => void build([`${key}=${text}`]));
    });
  for (const [at, name] of transport.entries())
    within(['transport', at], () => onSome(tries, (build) => void transportNamed(build([]), name)));
}

type Build = (overrides: string[]) => System;

/** The machines of a grid, cards also with each number of GPUs, which brings links and transports of their own. */
function machineTries({ machines, gpus = [] }: GridText, folder: string): Build[] {
  return machines.flatMap((name) =>
    [undefined, ...gpus].map(
      (count): Build =>
        (overrides) =>
          loadSystem(namedFrom(folder, name), overrides, count === undefined ? {} : { gpus: count }),
    ),
  );
}

/** @throws UserError of the first machine, where none passes. */
function onSome(tries: readonly Build[], check: (build: Build) => void): void {
  let first: UserError | undefined;
  for (const build of tries) {
    try {
      check(build);
      return;
    } catch (error) {
      if (!(error instanceof UserError)) throw error;
      first ??= error;
    }
  }
  // Without its place, which is no place of the sweep's.
  if (first !== undefined) throw new UserError(first.message);
}

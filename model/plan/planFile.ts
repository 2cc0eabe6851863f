import { type Place, UserError } from '../input/userError.ts';
import { checked, readYamlFile, type YamlFile } from '../input/yamlFile.ts';
import type { System } from '../system/system.ts';
import { NO_TRANSPORT, transportNamed } from '../system/transport.ts';
import { MOST_BLOCKS, type Profiled } from '../workload/profiledFormat.ts';
import type { Workload } from '../workload/workload.ts';
import { wrongBesideCompute } from './besideCompute.ts';
import { DEVICE_PAGE_BYTES } from './devicePage.ts';
import { fitsSlots } from './issueOrder.ts';
import type { Plan } from './plan.ts';
import { documentedPlan, PLAN_SCHEMA, type PlanDocument, planDocument, planFormat } from './planDocument.ts';
import { lineOfPlan } from './planLines.ts';
import { issuerOf, windowsOf } from './windows.ts';

/** A plan that was read and not yet held against a workload, with the way back to where its values stand. */
export interface PlanSource {
  document: PlanDocument;
  /** Undefined for a plan that came from elsewhere than a file of its own. */
  place(path: readonly PropertyKey[]): Place | undefined;
}

/** Whether a plan is given as a file, or as one of a file's lines, rather than as a preset with settings. */
export function isPlanFile(text: string): boolean {
  return /\.(json|ya?ml|jsonl)$|\.jsonl#./.test(text);
}

/**
 * Reads the plan that `best.json` or `plans.jsonl#name` stands for.
 *
 * @throws UserError with the place in the file for whatever does not fit the format, and for a name that no line has.
 */
export function openPlan(text: string): PlanSource {
  return sourceOf(/\.jsonl(#|$)/.test(text) ? lineOfPlan(text) : readYamlFile(text));
}

/** @throws UserError with the place of what does not fit the format. */
export function sourceOf(file: YamlFile): PlanSource {
  refuseOlder(file);
  const document = checked(file, planFormat);
  if (document.profiled !== undefined) checkProfiled(document, document.profiled, file);
  return { document, place: file.place };
}

/**
 * Reads a plan that `planText` or `planLine` wrote, for any size of the model that it was made for: blocks weigh the same at all
 * of them.
 *
 * @param text a file, or `plans.jsonl#name`.
 * @throws UserError with the place in the file for whatever does not fit the format, the workload or the machine.
 */
export function readPlan(text: string, workload: Workload, system: System): Plan {
  return planOf(openPlan(text), workload, system);
}

/**
 * The plan of a document, for a workload of the model that it was made for.
 *
 * @throws UserError for whatever does not fit the workload or the machine.
 */
export function planOf({ document, place }: PlanSource, workload: Workload, system: System): Plan {
  const refuse = (message: string, path: readonly PropertyKey[]): never => {
    const at = place(path);
    throw new UserError(at === undefined ? `plan ${document.name}: ${message}` : message, at);
  };
  if (document.model !== workload.model.id)
    refuse(`model: the plan is for ${document.model}, not for ${workload.model.id}`, ['model']);
  const other = otherSource(document.profiled, workload);
  if (other !== null) refuse(other.message, other.path);
  const count = document.blocks.reduce((sum, { times }) => sum + times, 0);
  if (count !== workload.blocks.length)
    refuse(
      `blocks: the plan has ${count}, ${document.model} has ${workload.blocks.length} here; make one for this depth`,
      ['blocks'],
    );
  const plan = documentedPlan(document);
  let first = 0;
  for (const [run, { times }] of document.blocks.entries()) {
    for (let index = first; index < first + times; index += 1) {
      const wrong = wrongWithBlock(plan, document.blocks[run]!.ahead, workload, index);
      if (wrong !== null)
        refuse(`blocks.${run}${wrong.key}: ${wrong.message}`, ['blocks', run, ...wrong.path]);
    }
    first += times;
  }
  const streamed = plan.blocks.flatMap(({ windowBytes }, index) => (windowBytes.length > 0 ? [index] : []));
  const issueAt = streamed.map((index) => plan.blocks[index]!.issueAt);
  if (streamed.length > 0 && !fitsSlots({ streamed, issueAt, slots: plan.slots }, workload.blocks.length))
    refuse(
      `slots: with ${plan.slots} a block would be fetched into a buffer that is still in use; give more, or issue later`,
      ['slots'],
    );
  // With one for each streamed block and one more, a block of the next step is fetched while its own of this step is read.
  const most = streamed.length + 1;
  if (plan.slots > most)
    refuse(`slots: expected at most ${most}, one more than streamed blocks, got ${plan.slots}`, ['slots']);
  const why = wrongWithTransport(plan.transport, workload, system);
  if (why !== null) refuse(`transport: ${why}`, ['transport']);
  return plan;
}

/** Why a plan is not for what a workload was made from: the catalogue, or a profile of the same blocks. */
function otherSource(
  profiled: Profiled | undefined,
  workload: Workload,
): { message: string; path: readonly PropertyKey[] } | null {
  if (workload.from !== 'profile')
    return profiled === undefined
      ? null
      : {
          path: ['profiled'],
          message: `profiled: the plan is for a profiled model; give its --profile instead of --model`,
        };
  if (profiled === undefined)
    return {
      path: [],
      message:
        'profiled: is missing: the plan is not one of a profiled model; make it with `chunkflow plan --profile`',
    };
  const own = workload.profiled;
  if (profiled.fingerprint !== own.fingerprint)
    return {
      path: ['profiled', 'fingerprint'],
      message: `profiled.fingerprint: the plan is for blocks of ${profiled.fingerprint}, the profile has ${own.fingerprint}; make a plan with this profile`,
    };
  if (profiled.ranks !== own.ranks)
    return {
      path: ['profiled', 'ranks'],
      message: `profiled.ranks: the plan is for ${profiled.ranks} ranks, the profile has ${own.ranks}; make a plan with this profile`,
    };
  return null;
}

/**
 * What no schema can say: that a profiled part belongs to the plan that it stands in.
 *
 * @throws UserError with its place.
 */
function checkProfiled({ blocks }: PlanDocument, profiled: Profiled, file: YamlFile): void {
  const refuse = (path: readonly PropertyKey[], message: string): never => {
    throw new UserError(`${path.map(String).join('.')}: ${message}`, file.place(path));
  };
  const last = profiled.kinds.length - 1;
  for (const [run, { kind }] of profiled.blocks.entries()) {
    if (kind > last)
      refuse(
        ['profiled', 'blocks', run, 'kind'],
        `expected a place in kinds, from 0 to ${last}, got ${kind}`,
      );
  }
  const countOf = (runs: readonly { times: number }[]) => runs.reduce((sum, { times }) => sum + times, 0);
  if (countOf(profiled.blocks) > MOST_BLOCKS)
    refuse(['profiled', 'blocks'], `more than ${MOST_BLOCKS} blocks in a pass; is the file damaged?`);
  if (countOf(profiled.blocks) !== countOf(blocks))
    refuse(
      ['profiled', 'blocks'],
      `expected the ${countOf(blocks)} blocks of the plan, got ${countOf(profiled.blocks)}`,
    );
  for (const [index, { collectives }] of profiled.kinds.entries()) {
    if (profiled.ranks === 1 && collectives.length > 0)
      refuse(
        ['profiled', 'kinds', index, 'collectives'],
        `one rank has no collectives, got ${collectives.length}`,
      );
  }
}

interface WrongBlock {
  key: string;
  path: readonly PropertyKey[];
  message: string;
}

function wrongWithBlock(plan: Plan, ahead: number, workload: Workload, index: number): WrongBlock | null {
  const { blocks, model } = workload;
  const { residentBytes, issueAt, windowBytes } = plan.blocks[index]!;
  const { weightBytes } = blocks[index]!;
  const given = residentBytes + windowBytes.reduce((sum, part) => sum + part, 0);
  const wrong = (message: string, ...path: string[]): WrongBlock => ({
    ...{ message, path },
    key: path.map((part) => `.${part}`).join(''),
  });
  if (given !== weightBytes)
    return wrong(
      `resident and streamed bytes are ${given} together, block ${index} of ${model.id} has ${weightBytes}`,
    );
  if (residentBytes !== weightBytes && residentBytes % DEVICE_PAGE_BYTES !== 0)
    return wrong(
      `expected whole pages of ${DEVICE_PAGE_BYTES} bytes, or all ${weightBytes}, got ${residentBytes}`,
      'residentBytes',
    );
  if (ahead >= blocks.length) return wrong(`expected from 0 to ${blocks.length - 1}, got ${ahead}`, 'ahead');
  // What a block reads has landed before its first collective.
  if (ahead === 0 && windowBytes.length > 1)
    return wrong(`a block's own copy is issued at once, got ${windowBytes.length} windows`, 'windowBytes');
  const at = issuerOf(issueAt, blocks.length);
  const windows = windowsOf(blocks[at]!);
  if (windowBytes.length > windows)
    return wrong(
      `block ${at}, which runs when block ${index} is copied, has ${windows} windows, got ${windowBytes.length}`,
      'windowBytes',
    );
  return null;
}

function wrongWithTransport(name: string, workload: Workload, system: System): string | null {
  if (workload.ranks === 1)
    return name === NO_TRANSPORT ? null : `one rank has no collectives: expected none, got ${name}`;
  try {
    return wrongBesideCompute(workload, system, transportNamed(system, name));
  } catch (error) {
    if (error instanceof UserError) return error.message;
    throw error;
  }
}

function refuseOlder(file: YamlFile): void {
  const { schema } = (file.value ?? {}) as { schema?: unknown };
  if (schema !== 'chunkflow/plan@1') return;
  throw new UserError(
    `schema: chunkflow/plan@1 has a line for each block, ${PLAN_SCHEMA} has runs of them; write the plan anew with this version`,
    file.place(['schema']),
  );
}

/** A plan as a file of its own: JSON, a run of blocks in each line, of a profiled model also a kind of blocks. */
export function planText(plan: Plan, workload: Workload): string {
  const { blocks, profiled, ...head } = planDocument(plan, workload);
  const lines = (items: readonly unknown[], indent: string) =>
    `[\n${items.map((item) => `${indent} ${JSON.stringify(item)}`).join(',\n')}\n${indent}]`;
  const parts = [JSON.stringify(head, null, 1).replace(/\n}$/, '')];
  if (profiled !== undefined) {
    const { kinds, blocks: runs, ...known } = profiled;
    const start = JSON.stringify(known).replace(/}$/, '');
    parts.push(
      ` "profiled": ${start},\n  "kinds": ${lines(kinds, '  ')},\n  "blocks": ${lines(runs, '  ')}\n }`,
    );
  }
  parts.push(` "blocks": ${lines(blocks, ' ')}`);
  return `${parts.join(',\n')}\n}\n`;
}

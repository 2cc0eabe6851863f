import { existsSync, readFileSync } from 'node:fs';
import { z } from 'zod';
import { parseJson } from '../../model/input/jsonFile.ts';
import { issueText } from '../../model/input/schemaIssue.ts';
import { shown, UserError } from '../../model/input/userError.ts';
import type { StepRun } from './stepFormat.ts';

const nodeNamesFormat = z.record(
  z.string(),
  z.string().regex(/^node-[1-9]\d*$/, 'expected node-1 or the like'),
);

/**
 * Names for nodes whose own are private: node-1, node-2, ... in the order in which they are met. The same node has the same name
 * wherever these are used.
 */
export class NodeNames {
  readonly #names: Map<string, string>;

  /** @param known by true name. */
  constructor(known: Readonly<Record<string, string>> = {}) {
    this.#names = new Map(Object.entries(known));
  }

  of(node: string): string {
    let name = this.#names.get(node);
    if (name === undefined) {
      name = `node-${this.#next()}`;
      this.#names.set(node, name);
    }
    return name;
  }

  /** By true name, to be kept in private. */
  entries(): Record<string, string> {
    return Object.fromEntries(this.#names);
  }

  /** One more than any in use: a list from which somebody has taken entries must not give a name twice. */
  #next(): number {
    return Math.max(0, ...[...this.#names.values()].map((name) => Number(name.slice('node-'.length)))) + 1;
  }
}

/**
 * Names that earlier datasets used; none where the file does not exist yet.
 *
 * @throws UserError for a file that is no such list, or gives two nodes one name.
 */
export function readNodeNames(file: string): NodeNames {
  if (!existsSync(file)) return new NodeNames();
  const source = parseJson(
    file,
    readFileSync(file, 'utf8'),
    'give a list that `--anonymous` wrote, or a new file',
  );
  const result = nodeNamesFormat.safeParse(source.value, { reportInput: true });
  if (!result.success) {
    const issue = result.error.issues[0]!;
    throw new UserError(
      `${issue.path.join('.') || 'the list'}: ${issueText(issue)}`,
      source.place(issue.path),
    );
  }
  const names = Object.entries(result.data);
  for (const [index, [node, name]] of names.entries()) {
    const other = names.slice(0, index).find(([, taken]) => taken === name);
    if (other !== undefined)
      throw new UserError(
        `${node}: ${shown(name)} is ${other[0]} already; give each node a name of its own`,
        source.place([node]),
      );
  }
  return new NodeNames(result.data);
}

/**
 * The steps with other names for their nodes, and without what tells a node or its owner otherwise: GPUs' UUIDs and the job. Which GPU
 * of a node it was is still said by its bus.
 */
export function withoutNames(steps: readonly StepRun[], names: NodeNames): StepRun[] {
  return steps.map(({ slurmJob: _, ...step }) => ({
    ...step,
    ...(step.node === undefined ? {} : { node: names.of(step.node) }),
    ...(step.nodes === undefined ? {} : { nodes: step.nodes.map((node) => names.of(node)) }),
    ...(step.gpus === undefined ? {} : { gpus: step.gpus.map(({ pciBus }) => ({ pciBus })) }),
  }));
}

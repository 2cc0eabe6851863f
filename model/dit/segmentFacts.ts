import { nearNames } from '../input/nearNames.ts';
import { shown, UserError } from '../input/userError.ts';
import { expandBraces } from './braces.ts';
import type { ElementwiseFacts, WeightTensor } from './dit.ts';
import type { WrittenSegment } from './format.ts';
import {
  type AffineTensors,
  CHUNK_ROLES,
  type ElementwiseOp,
  type GemmOp,
  type ModulationChunk,
  type ModulationSource,
  OP_FACTS,
  type QkTensors,
  SITES,
} from './operations.ts';

type WrittenElementwise = Extract<WrittenSegment, { elementwise: string }>;
type WrittenModulation = NonNullable<WrittenElementwise['modulation']>;

const FACTS = ['norm', 'modulated', 'gated', 'modulation', 'q', 'k', 'rope', 'activation', 'input'] as const;
const CHUNK_ROWS = ['x', 't', 'j'] as const;

/**
 * Refuses facts that an op does not have, so that none is written without an effect.
 *
 * @throws UserError naming the fact and the ops that have it.
 */
export function refuseForeignFacts(op: GemmOp | ElementwiseOp, written: object): void {
  const factsOf: Partial<Record<string, readonly string[]>> = OP_FACTS;
  for (const fact of FACTS) {
    if ((written as Record<string, unknown>)[fact] === undefined || factsOf[op]?.includes(fact)) continue;
    const ops = Object.keys(OP_FACTS).filter((other) => factsOf[other]!.includes(fact));
    throw new UserError(`${fact}: a segment of op ${op} has none; ${ops.join(', ')} may have it`);
  }
}

/** What a file says of how an elementwise op computes, with the tensors that it names. */
export function elementwiseFacts(
  written: WrittenElementwise,
  tensors: readonly WeightTensor[],
  hidden: number,
): ElementwiseFacts {
  const { norm, modulated, gated, q, k, rope, activation } = written;
  const facts: ElementwiseFacts = {};
  if (norm !== undefined) {
    const { kind, eps, by, over = 'row' } = norm;
    facts.norm = { kind, eps, over, ...affine(by, tensors, 'norm.by') };
  }
  if (modulated !== undefined) facts.modulated = modulated;
  if (gated !== undefined) facts.gated = gated;
  if (written.modulation !== undefined)
    facts.modulation = modulationSources(written.modulation, tensors, hidden);
  if (q !== undefined) facts.q = modulesOf(q, tensors, 'q');
  if (k !== undefined) facts.k = modulesOf(k, tensors, 'k');
  if (rope !== undefined) facts.rope = rope;
  if (activation !== undefined) facts.activation = activation;
  return facts;
}

/**
 * Sources of modulation vectors with their tensors.
 *
 * @throws UserError for a tensor that the segment has not, a vector that is made twice, or a source that is not as wide as
 * the vectors that it makes.
 */
export function modulationSources(
  written: WrittenModulation,
  tensors: readonly WeightTensor[],
  hidden: number,
): ModulationSource[] {
  const made = new Set<string>();
  return written.map((source, index) => {
    const at = `modulation.${index}`;
    const by = affine(source.by, tensors, `${at}.by`);
    const chunks = expandBraces(source.makes).map((text) => chunkOf(text, `${at}.makes`));
    for (const { rows, site, role } of chunks) {
      const key = `${rows}.${site}.${role}`;
      if (made.has(key)) throw new UserError(`${at}.makes: ${key} is made twice`);
      made.add(key);
    }
    const weight = tensors.find(({ name }) => name === by.weight)!;
    const width = source.of === undefined ? weight.parameters : weight.shape[0]!;
    if (width !== chunks.length * hidden) {
      throw new UserError(
        `${at}: ${weight.name} makes ${width} elements, ${shown(source.makes)} are ${chunks.length} vectors of ${hidden}`,
      );
    }
    if (source.of === undefined && (source.through !== undefined || source.activation !== undefined)) {
      throw new UserError(`${at}: a table has neither "through" nor "activation"; give of: condition`);
    }
    return {
      by: weight.name,
      bias: by.bias,
      through: affine(source.through, tensors, `${at}.through`).weight,
      of: source.of ?? null,
      activation: source.activation ?? null,
      plusTimestep: source.plus === 'timestep',
      chunks,
    };
  });
}

function chunkOf(text: string, at: string): ModulationChunk {
  const parts = text.split('.');
  const [rows, site, role] = parts;
  const known =
    parts.length === 3 &&
    (CHUNK_ROWS as readonly string[]).includes(rows!) &&
    (SITES as readonly string[]).includes(site!) &&
    (CHUNK_ROLES as readonly string[]).includes(role!);
  if (known) return { rows, site, role } as ModulationChunk;
  const all = CHUNK_ROWS.flatMap((r) => SITES.flatMap((s) => CHUNK_ROLES.map((c) => `${r}.${s}.${c}`)));
  throw new UserError(
    `${at}: expected rows.site.role such as x.attention.shift, got ${shown(text)}; near is ${nearNames(text, all, 1)[0]}`,
  );
}

function modulesOf(
  written: Partial<Record<'x' | 't' | 'i' | 'j', string | undefined>>,
  tensors: readonly WeightTensor[],
  at: string,
): QkTensors {
  return Object.fromEntries(
    Object.entries(written).map(([rows, module]) => [rows, affine(module, tensors, `${at}.${rows}`)]),
  );
}

/** Weight and bias of a module among a segment's tensors; a tensor may be named itself, without its `.weight`. */
function affine(module: string | undefined, tensors: readonly WeightTensor[], at: string): AffineTensors {
  if (module === undefined) return { weight: null, bias: null };
  const named = (name: string) => tensors.find((tensor) => tensor.name === name)?.name ?? null;
  const weight = named(module) ?? named(`${module}.weight`);
  if (weight === null) {
    const near = nearNames(
      module,
      tensors.map(({ name }) => name),
      2,
    );
    throw new UserError(
      `${at}: the segment has no tensor ${module}.weight${near.length > 0 ? `; near are ${near.join(', ')}` : ''}`,
    );
  }
  return { weight, bias: named(`${module}.bias`) };
}

import { createHash } from 'node:crypto';
import type { Dit, DitBlockKind, DitSegment, GemmSegment } from '../model/dit/dit.ts';
import type { AffineTensors, ModulationSource } from '../model/dit/operations.ts';
import { UserError } from '../model/input/userError.ts';
import { PROVED_BLOCKS } from './provedBlocks.ts';

/**
 * Refuses a model whose description says why no program of it is proved, before anything is asked of its segments.
 *
 * @throws UserError with the reason.
 */
export function refuseStatedUnproved(dit: Dit): void {
  if (dit.unproved !== null) refuse(dit.name, dit.unproved);
}

/**
 * Refuses a model that has a block of which no committed reference shows that its program computes what diffusers' own block does
 * (test/codegen/references, made by scripts/diffusers-reference.py).
 *
 * @throws UserError naming model and block.
 */
export function refuseUnproved(dit: Dit): void {
  const kind = dit.blocks.find((candidate) => !PROVED_BLOCKS.has(blockSignature(candidate)));
  if (kind !== undefined)
    refuse(`${dit.name}, ${kind.name} block`, 'no reference has a block of these segments');
}

function refuse(what: string, why: string): never {
  const families = [...new Set([...PROVED_BLOCKS.values()].map((name) => name.split(' ')[0]!))];
  throw new UserError(
    `generate: ${what}: not proved against diffusers: ${why}; proved are the blocks of ${families.join(', ')}`,
  );
}

/**
 * Digest of what a block computes, whatever its dimensions and the names of its tensors: ops in order, their rows and facts, and
 * which biases and norm weights there are.
 */
export function blockSignature(kind: DitBlockKind): string {
  const text = JSON.stringify(kind.segments.map(meaningOf));
  return createHash('sha256').update(text).digest('hex').slice(0, 16);
}

function meaningOf(segment: DitSegment): unknown {
  switch (segment.kind) {
    case 'attention':
      return ['attention', segment.q, segment.kv];
    case 'exchange':
      return ['exchange', segment.direction, segment.attention, segment.rows, segment.kvRows];
    case 'gemm':
      return ['gemm', segment.op, segment.input, matricesOf(segment), segment.modulation.map(sourceOf)];
    case 'elementwise': {
      const { norm, modulated, gated, modulation, q, k, rope, activation } = segment.facts;
      const rows = segment.touches.map((touch) => touch.rows);
      return [
        'elementwise',
        segment.op,
        rows,
        norm === undefined ? null : [norm.kind, norm.eps, norm.over, affineOf(norm)],
        modulated ?? null,
        gated ?? null,
        (modulation ?? []).map(sourceOf),
        [q, k].map((side) => rows.map((of) => affineOf(side?.[of] ?? side?.j))),
        rope === undefined ? null : [rope.pairing, rope.over, [...rope.rows].sort()],
        activation ?? null,
      ];
    }
  }
}

/** Rows of each matrix in order, with whether it has a bias. */
function matricesOf(segment: GemmSegment): unknown {
  const names = new Set(segment.tensors.map(({ name }) => name));
  const matrices = segment.tensors.filter(({ shape }) => shape.length === 2);
  return segment.products.map(({ rows }, index) => [
    rows,
    names.has(matrices[index]!.name.replace(/weight$/, 'bias')) && matrices[index]!.name.endsWith('weight'),
  ]);
}

function sourceOf({ through, of, activation, plusTimestep, bias, chunks }: ModulationSource): unknown {
  const makes = chunks.map(({ rows, site, role }) => `${rows}.${site}.${role}`);
  return [through !== null, of, activation, plusTimestep, bias !== null, makes];
}

function affineOf(tensors: AffineTensors | undefined): unknown {
  return tensors === undefined ? null : [tensors.weight !== null, tensors.bias !== null];
}

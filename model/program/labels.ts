import { PHASES, type Phase } from './timeline.ts';

/*
 * Labels of operations, written and taken apart here and nowhere else:
 *
 *   [launch | prefetch] [pass P] block B [segment [begins | ends | sum | out I.J [flag] | in I.J]]
 *
 * They are for readers, and a part of what recorded hashes of programs cover, so they stay as they are. What an operation is, its
 * kind and role say.
 */

/** @param pass null where a step has one. */
export function blockLabel(block: number, pass: number | null): string {
  return `${pass === null ? '' : `pass ${pass} `}block ${block}`;
}

/** A segment of a block, or its `start`. */
export function segmentLabel(block: string, segment: string): string {
  return `${block} ${segment}`;
}

export function prefetchLabel(block: string): string {
  return `prefetch ${block}`;
}

/** What the host does for a collective. */
export function launchLabel(collective: string): string {
  return `launch ${collective}`;
}

const PHASE_WORDS = { begin: 'begins', end: 'ends', sum: 'sum' } as const satisfies Record<Phase, string>;

/** A part of a staged collective that is recorded on its own. */
export function phaseLabel(collective: string, phase: Phase): string {
  return `${collective} ${PHASE_WORDS[phase]}`;
}

/** A copy of a piece of a staged collective. @param peer number of the message that it belongs to. */
export function pieceLabel(collective: string, way: 'out' | 'in', piece: number, peer: number): string {
  return `${collective} ${way} ${piece}.${peer}`;
}

export function flagLabel(piece: string): string {
  return `${piece} flag`;
}

/** The staged collective that a label of `phaseLabel` is of. */
export function collectiveOf(label: string, phase: Phase): string {
  return label.slice(0, -PHASE_WORDS[phase].length - 1);
}

/** The phase of a statement of the category `collective` in a manifest, which has labels alone; null for a whole collective. */
export function phaseOf(label: string): Phase | null {
  return PHASES.find((phase) => label.endsWith(` ${PHASE_WORDS[phase]}`)) ?? null;
}

/** A label without the block that it is of: `pass 1 block 3 QKV all-to-all` becomes `QKV all-to-all`. */
export function withoutBlock(label: string): string {
  return label.replace(/^(launch )?(?:pass \d+ )?block \d+ /, '$1');
}

/** The label of a piece's copy or flag without the numbers of piece and peer. */
export function withoutPiece(label: string): string {
  return label.replace(/ \d+\.\d+(?: flag)?$/, '');
}

/**
 * The name of an operation without its pass, block, chunk and piece: what measured and simulated intervals have in common.
 *
 * @example kindOf('prefetch pass 1 block 3 2/9') // 'prefetch'
 */
export function kindOf(name: string): string {
  return name
    .replace(/(?:pass \d+ )?block \d+(?: |$)/, '')
    .replace(/ \d+\/\d+$/, '')
    .replace(/ (out|in) \d+\.\d+/, ' $1')
    .trim();
}

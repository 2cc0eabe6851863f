import type { PlanChoice } from '../../../documents/planChoice.ts';
import { GiB } from '../../../model/input/byteUnits.ts';
import { machineLine, workloadLine } from '../../text/readable.ts';
import { comparedTable, memoryLine } from './comparedText.ts';
import { explanationText } from './explanationText.ts';
import { frontText } from './frontText.ts';
import { peerText } from './peerText.ts';
import { placementTable } from './placementText.ts';
import { robustnessLines, scenariosText } from './uncertaintyText.ts';

function doubtLine({ doubt: { stepS, versusNone, share, says } }: PlanChoice['choice']): string {
  const [least, most] = stepS.map((seconds) => (seconds * 1e3).toFixed(1));
  const [low, high] = versusNone.map((ratio) => ratio.toFixed(2));
  return `95 of 100 times a step takes ${least} to ${most} ms, ${low} to ${high} of no offload;\n${(100 * share).toFixed(0)} % of the doubt is ${says}`;
}

/** A choice as a person reads it: what runs where, the choice in a sentence, and a section for each answer. */
export function readableChoice(document: PlanChoice, spIsDefault: boolean): string {
  const { workload, choice, compared, caps, verdict } = document;
  const transports = [compared[0]!, choice].map(({ transport }) => transport);
  const { explanation, front, uncertainty, peer } = document;
  return [
    workloadLine(workload, spIsDefault),
    machineLine(document, transports),
    ...workload.assumptions.map((assumption) => `assumed: ${assumption}\n`),
    `caps, each rank: ${(caps.gpuBytes / GiB).toFixed(1)} GiB of GPU memory, ${(caps.pinnedBytes / GiB).toFixed(1)} GiB pinned on the host\n`,
    `\n${verdict.replaceAll('; ', ';\n')}\n`,
    `\n${doubtLine(choice)}\n`,
    ...(uncertainty === null ? [] : [`\n${robustnessLines(uncertainty)}`]),
    `\nSimulated, one step of one rank:\n\n${comparedTable(document)}`,
    `\n${memoryLine(document)}\n`,
    `\nWhere the block weights lie:\n\n${placementTable(document.plan)}`,
    ...(explanation === null ? [] : [explanationText(document, explanation)]),
    ...(front === null ? [] : [frontText(front)]),
    ...(uncertainty?.from === 'hand' ? [scenariosText(uncertainty)] : []),
    ...(peer === null ? [] : [peerText(peer)]),
  ].join('');
}

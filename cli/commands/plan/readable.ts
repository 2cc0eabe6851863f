import type { PlanChoice } from '../../../documents/planChoice.ts';
import { GiB } from '../../../model/input/byteUnits.ts';
import { significantMs } from '../../text/answer.ts';
import { type Layout, toned } from '../../text/layout.ts';
import { settingText } from '../../text/workloadText.ts';
import { paragraph, paragraphs } from '../../text/wrap.ts';
import { comparedTable, memoryLine } from './comparedText.ts';
import { explanationText } from './explanationText.ts';
import { frontText } from './frontText.ts';
import { peerText } from './peerText.ts';
import { placementTable } from './placementText.ts';
import { runsText } from './runsText.ts';
import { robustnessLines, scenariosText } from './uncertaintyText.ts';

function doubtLine({ doubt: { versusNone, share, says } }: PlanChoice['choice']): string {
  const [low, high] = versusNone.map((ratio) => ratio.toFixed(2));
  return `95 of 100 times the step is ${low} to ${high} of no offload; ${(100 * share).toFixed(0)} % of the doubt is ${says}`;
}

/** The choice in a sentence: what it costs, how sure that is, and how weights are streamed. */
function answerText({ verdict, choice }: PlanChoice): { answer: string; quality: string[] } {
  const [what, ...quality] = verdict.split('; ');
  return {
    answer: `${what}; 95 of 100 times ${choice.doubt.stepS.map(significantMs).join(' to ')} ms`,
    quality,
  };
}

/** A choice as a person reads it: the choice in a sentence, what runs where, and a section for each answer. */
export function readableChoice(document: PlanChoice, spIsDefault: boolean, layout: Layout): string {
  const { choice, compared, caps } = document;
  const transports = [compared[0]!, choice].map(({ transport }) => transport);
  const { explanation, front, uncertainty, peer } = document;
  const { answer, quality } = answerText(document);
  const says = (sentence: string) => paragraph(sentence, layout);
  return [
    toned(says(answer), 'title', layout),
    '\n',
    settingText([document], transports, spIsDefault, layout),
    says(
      `caps, each rank: ${(caps.gpuBytes / GiB).toFixed(1)} GiB of GPU memory, ${(caps.pinnedBytes / GiB).toFixed(1)} GiB pinned on the host`,
    ),
    '\n',
    ...quality.map(says),
    says(doubtLine(choice)),
    ...(uncertainty === null ? [] : [paragraphs(robustnessLines(uncertainty), layout)]),
    runsText(document, layout),
    `\nSimulated, one step of one rank:\n\n${comparedTable(document, layout)}`,
    `\n${says(memoryLine(document))}`,
    `\nWhere the block weights lie:\n\n${placementTable(document.plan, layout)}`,
    ...(explanation === null ? [] : [explanationText(document, explanation, layout)]),
    ...(front === null ? [] : [frontText(front, layout)]),
    ...(uncertainty?.from === 'hand' ? [scenariosText(uncertainty, layout)] : []),
    ...(peer === null ? [] : [peerText(peer, layout)]),
  ].join('');
}

import { namedFiles } from '../../explorer/server/namedFiles.ts';
import { type ExplorerState, stateAmong, urlOf } from '../../explorer/state.ts';
import { EXPLORER_ADDRESS, type LinkFlags } from '../flags/link.ts';
import type { Output } from '../output.ts';

/** Says the explorer's link of a command's question, where it was asked for. Files stand in it by their names. */
export function sayLink(link: LinkFlags['link'], question: ExplorerState, output: Output): void {
  if (link === undefined) return;
  const { state } = namedFiles(stateAmong(question));
  output.diagnostic(`${urlOf(state, link === true ? EXPLORER_ADDRESS : link)}\n`);
}

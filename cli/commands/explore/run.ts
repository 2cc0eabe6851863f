import { namedFiles } from '../../../explorer/server/namedFiles.ts';
import { serveExplorer } from '../../../explorer/server/server.ts';
import { copySite, siteFolder } from '../../../explorer/server/site.ts';
import { checkedState, type ExplorerState, stateAmong, urlOf } from '../../../explorer/state.ts';
import { FILES } from '../../../model/scenario/files.ts';
import { requestFacts } from '../../../model/scenario/requestFacts.ts';
import { scenarioOf } from '../../../model/scenario/scenario.ts';
import { EXPLORER_PORT } from '../../flags/link.ts';
import type { Output } from '../../output.ts';
import type { ExploreFlags } from './command.ts';
import { openInBrowser } from './openInBrowser.ts';

/** Serves the explorer until a signal ends the process, or writes its files. */
export async function run({ port, open, out, ...flags }: ExploreFlags, output: Output): Promise<void> {
  const asked = checkedState(stateAmong(flags));
  refuseWrong(asked);
  const { state, paths } = namedFiles(asked);
  if (out !== undefined) {
    copySite(out);
    output.result(`${urlOf(state, 'index.html')}\n`);
    output.diagnostic(`wrote ${out}; any web server can host it\n`);
    return;
  }
  const { address } = await serveExplorer(siteFolder(), {
    ...{ given: paths, usualPort: EXPLORER_PORT },
    ...(port !== undefined && { port }),
  });
  const link = urlOf(state, address);
  output.result(`${link}\n`);
  output.diagnostic('the explorer is at this link until Ctrl-C\n');
  if (open) openInBrowser(link);
}

/** What the page would say of its flags is said here; what they leave out it takes as usual. */
function refuseWrong(state: ExplorerState): void {
  requestFacts(state);
  const { model, profile, machine } = state;
  if (machine !== undefined && (model ?? profile) !== undefined) scenarioOf(state, FILES);
  else if (machine !== undefined) FILES.loadSystem(machine);
  else if (model !== undefined) FILES.loadDit(model);
  else if (profile !== undefined) FILES.readProfile(profile);
}

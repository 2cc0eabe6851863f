import { useEffect, useState } from 'preact/hooks';
import { type ExplorerState, stateOf, urlOf } from '../../state.ts';
import { USUAL_STATE } from './sides.ts';

/** Browsers take only so many addresses a second: a drag writes one, at its end, ms. */
const RESTED_MS = 250;

export interface Linked {
  state: ExplorerState;
  setState(state: ExplorerState): void;
  /** Why the link that the page was opened with says nothing. */
  mistake: string | null;
  /** The whole address of the state. */
  link: string;
}

/** The state, which the address says: read from it at the start and on every step back, written behind every change. */
export function useLink(): Linked {
  const [{ state, mistake }, set] = useState(readLink);
  const base = location.href.split('#', 1)[0]!;
  const link = urlOf(state, base);
  useEffect(() => {
    const onHash = () => set(readLink());
    addEventListener('hashchange', onHash);
    return () => removeEventListener('hashchange', onHash);
  }, []);
  useEffect(() => {
    if (mistake !== null) return;
    const timer = setTimeout(() => history.replaceState(null, '', link), RESTED_MS);
    return () => clearTimeout(timer);
  }, [link, mistake]);
  return { state, mistake, link, setState: (next) => set({ state: next, mistake: null }) };
}

function readLink(): { state: ExplorerState; mistake: string | null } {
  try {
    const said = stateOf(location.href);
    return { state: Object.keys(said).length === 0 ? USUAL_STATE : withMachine(said), mistake: null };
  } catch (error) {
    return { state: USUAL_STATE, mistake: (error as Error).message };
  }
}

/** A link need not say everything; what the command line insists on is the explorer's usual. */
function withMachine(said: ExplorerState): ExplorerState {
  const { model, machine } = USUAL_STATE as Required<Pick<ExplorerState, 'model' | 'machine'>>;
  return {
    ...(said.profile === undefined && said.model === undefined && { model }),
    ...(said.machine === undefined && { machine }),
    ...said,
  };
}

import { useEffect, useState } from 'preact/hooks';
import type { PlanChoice } from '../../../documents/planChoice.ts';
import type { ModelClient } from '../../client.ts';
import type { ExplorerState } from '../../state.ts';
import { searchQuestion } from './questions.ts';
import type { Dated } from './useAnswers.ts';

export interface Searching {
  isRunning: boolean;
  /** Since the search began. */
  elapsedS: number;
  found: Dated<PlanChoice> | null;
  trouble: { of: ExplorerState; line: string } | null;
  /** To be called where a search is likely, such as under a pointer. */
  prepare(): void;
  search(): void;
  stop(): void;
}

/** The search for the best plan, in a worker of its own so that the controls stay alive meanwhile. */
export function useSearch(model: ModelClient, state: ExplorerState): Searching {
  const [begun, setBegun] = useState<{ of: ExplorerState; atMs: number } | null>(null);
  const [found, setFound] = useState<Searching['found']>(null);
  const [trouble, setTrouble] = useState<Searching['trouble']>(null);
  const elapsedS = useElapsedS(begun?.atMs ?? null);
  const search = async () => {
    setBegun({ of: state, atMs: performance.now() });
    setTrouble(null);
    try {
      const reply = await model.ask<'search'>({ kind: 'search', question: searchQuestion(state) });
      if (reply !== null) setFound({ of: state, reply });
    } catch (error) {
      setTrouble({ of: state, line: (error as Error).message });
    }
    setBegun(null);
  };
  return {
    isRunning: begun !== null,
    elapsedS,
    found,
    trouble,
    prepare: () => model.prepareSearch(),
    search: () => void search(),
    stop: () => model.stopSearch(),
  };
}

function useElapsedS(beganMs: number | null): number {
  const [elapsedS, setElapsedS] = useState(0);
  useEffect(() => {
    setElapsedS(0);
    if (beganMs === null) return;
    const timer = setInterval(() => setElapsedS((performance.now() - beganMs) / 1e3), 100);
    return () => clearInterval(timer);
  }, [beganMs]);
  return elapsedS;
}

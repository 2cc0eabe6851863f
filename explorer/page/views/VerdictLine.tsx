import { useEffect, useState } from 'preact/hooks';
import type { Phrase, Verdict } from '../text/verdictSentence.ts';
import { plain } from '../text/verdictSentence.ts';

/** A screen reader hears no sentence before the controls have rested so long, ms. */
const SPOKEN_AFTER_MS = 900;
/** In the browser's list of performance marks: the page has its first answer. */
const FIRST_VERDICT = 'first verdict';

export interface VerdictLineProps {
  verdict: Verdict | null;
  isStale: boolean;
  /** What decides the doubt, at length. */
  doubt: string | null;
}

/** The answer first; read out politely, and not at each frame of a drag. */
export function VerdictLine({ verdict, isStale, doubt }: VerdictLineProps) {
  const spoken = useRested(verdict === null || isStale ? null : plain(verdict.phrases));
  const isFirst = verdict !== null;
  useEffect(() => {
    if (isFirst) performance.mark(FIRST_VERDICT);
  }, [isFirst]);
  return (
    <section class={isStale ? 'verdict stale' : 'verdict'} aria-label="Verdict" aria-busy={isStale}>
      <p id="verdict">{verdict === null ? 'Computing ...' : verdict.phrases.map(phrase)}</p>
      {doubt !== null && <p class="doubt-says">{doubt}</p>}
      <p class="unseen" role="status" aria-live="polite">
        {spoken}
      </p>
    </section>
  );
}

function phrase({ text, strong, isName }: Phrase, index: number) {
  const shown = isName === true ? <bdi>{text}</bdi> : text;
  return strong === true ? <strong key={index}>{shown}</strong> : <span key={index}>{shown}</span>;
}

/** A text once it has not changed for a while; what it was before stays until then. */
function useRested(text: string | null): string {
  const [rested, setRested] = useState('');
  useEffect(() => {
    if (text === null) return;
    const timer = setTimeout(() => setRested(text), SPOKEN_AFTER_MS);
    return () => clearTimeout(timer);
  }, [text]);
  return rested;
}

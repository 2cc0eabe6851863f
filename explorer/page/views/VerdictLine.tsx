import { useEffect, useState } from 'preact/hooks';
import type { Phrase, Verdict } from '../text/verdictSentence.ts';
import { plain } from '../text/verdictSentence.ts';

/** A screen reader hears no sentence before the controls have rested so long, ms. */
const SPOKEN_AFTER_MS = 900;

export interface VerdictLineProps {
  verdict: Verdict | null;
  isStale: boolean;
  /** What decides the doubt, at length. */
  doubt: string | null;
}

/** The answer first; read out politely, and not at each frame of a drag. */
export function VerdictLine({ verdict, isStale, doubt }: VerdictLineProps) {
  const spoken = useRested(verdict === null || isStale ? null : plain(verdict.phrases));
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

function phrase({ text, strong }: Phrase, index: number) {
  return strong === true ? <strong key={index}>{text}</strong> : <span key={index}>{text}</span>;
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

import type { Progress } from '../../library/progress.ts';
import type { Output } from '../output.ts';

const FIRST_SHOWN_MS = 1000;
const REDRAW_MS = 100;
const STEP_WITHOUT_TERMINAL = 0.05;

/**
 * Says how far something is, once it has taken a second: on a terminal one line that is redrawn, with rate
 * and time left; elsewhere at most a line per 5 %. Quick work shows nothing.
 *
 * @param now milliseconds of a clock, for tests
 */
export function startProgress(
  output: Pick<Output, 'diagnostic' | 'terminal'>,
  label: string,
  total: number,
  now = () => performance.now(),
): Progress {
  const startedMs = now();
  let done = 0;
  let shownShare = 0;
  let shownMs = Number.NEGATIVE_INFINITY;
  let drawnWidth = 0;

  const due = (atMs: number) =>
    output.terminal
      ? atMs - shownMs >= REDRAW_MS || done === total
      : done / total - shownShare >= STEP_WITHOUT_TERMINAL;

  const show = (atMs: number, name: string) => {
    const perS = (done / (atMs - startedMs)) * 1000;
    const left = done === 0 ? '' : `, ${perS.toPrecision(2)}/s, ${formatLeft((total - done) / perS)} left`;
    const text = `${label} ${done}/${total} (${Math.round((done / total) * 100)} %)${left}${name && `, ${name}`}`;
    output.diagnostic(output.terminal ? `\r${text.padEnd(drawnWidth)}` : `${text}\n`);
    drawnWidth = text.length;
    shownMs = atMs;
    shownShare = done / total;
  };

  return {
    advance(name = '') {
      done = Math.min(total, done + 1);
      const atMs = now();
      if (atMs - startedMs >= FIRST_SHOWN_MS && due(atMs)) show(atMs, name);
    },
    end() {
      if (output.terminal && drawnWidth > 0) output.diagnostic(`\r${' '.repeat(drawnWidth)}\r`);
    },
  };
}

function formatLeft(seconds: number): string {
  if (seconds < 60) return `${Math.ceil(seconds)} s`;
  return `${Math.floor(seconds / 60)} min ${Math.round(seconds % 60)} s`;
}

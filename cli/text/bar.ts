import type { PlanReport } from '../../documents/planReport.ts';

/** What a step's bar shows, from left to right. */
const PARTS = [
  { letter: '█', name: 'compute', of: ({ computeS }: Times) => computeS },
  { letter: '▓', name: 'collectives', of: ({ collectiveS }: Times) => collectiveS },
  {
    ...{ letter: '░', name: 'waiting for weights' },
    of: ({ stepTimeS, computeS, collectiveS }: Times) => stepTimeS - computeS - collectiveS,
  },
] as const;

type Times = Pick<PlanReport, 'stepTimeS' | 'computeS' | 'collectiveS'>;

/** Columns of the longest bar. */
const LONGEST = 12;

/** A step as a bar, in proportion to the longest of its table. Every part ends where its time ends, so that equal times are equal bars. */
export function stepBar(times: Times, longestS: number): string {
  const columns = (seconds: number) => Math.round((LONGEST * seconds) / longestS);
  let endS = 0;
  return PARTS.map(({ letter, of }) => {
    const startS = endS;
    endS += Math.max(0, of(times));
    return letter.repeat(columns(endS) - columns(startS));
  }).join('');
}

/** What the letters of the bars mean, of those that are there. */
export function barLegend(all: readonly Times[]): string {
  const longestS = Math.max(...all.map(({ stepTimeS }) => stepTimeS));
  const bars = all.map((times) => stepBar(times, longestS)).join('');
  const there = PARTS.filter(({ letter }) => bars.includes(letter));
  return `bars: ${there.map(({ letter, name }) => `${letter} ${name}`).join('  ')}\n`;
}

import { fixedText } from '../../studies/numberText.ts';

/** Seconds as people say them. @example durationText(5400) // '1.5 h' */
export function durationText(seconds: number): string {
  if (seconds < 120) return `${fixedText(seconds, seconds < 10 ? 1 : 0)} s`;
  if (seconds < 7200) return `${fixedText(seconds / 60, seconds < 1200 ? 1 : 0)} min`;
  return `${fixedText(seconds / 3600, 1)} h`;
}

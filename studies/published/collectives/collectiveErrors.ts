import { errorStatistics } from '../../heldOut/errorStatistics.ts';
import type { ClassErrors } from '../../heldOut/report.ts';
import type { ComparedCollective } from './compareCollectives.ts';

/** Below this, start-ups and the filling of pipelines are a good part of a collective. */
export const LARGE_BYTES = 2 ** 30;

/** Errors of large messages by kind, of all of them, of smaller ones, and over all figures. */
export function collectiveErrors(compared: readonly ComparedCollective[]): {
  classes: ClassErrors[];
  all: ClassErrors;
} {
  const isLarge = ({ figure }: ComparedCollective) => figure.size >= LARGE_BYTES;
  const large = compared.filter(isLarge);
  const kinds = [...new Set(large.map(({ figure }) => figure.kind))].sort();
  const classes = [
    ...kinds.map((kind) =>
      errorsOf(
        `${kind}, 1 GiB or more`,
        large.filter(({ figure }) => figure.kind === kind),
      ),
    ),
    errorsOf('1 GiB or more', large),
    errorsOf(
      'below 1 GiB',
      compared.filter((one) => !isLarge(one)),
    ),
  ];
  return { classes, all: errorsOf('all', compared) };
}

export function isCovered({ publishedS, intervalS: [low, high] }: ComparedCollective): boolean {
  return publishedS >= low && publishedS <= high;
}

function errorsOf(name: string, own: readonly ComparedCollective[]): ClassErrors {
  return {
    name,
    simulated: errorStatistics(own.map(({ simulatedError }) => simulatedError))!,
    closedForm: errorStatistics(own.map(({ closedFormError }) => closedFormError))!,
    noise: null,
    covered: own.filter(isCovered).length / own.length,
    within5Percent: own.filter(({ simulatedError }) => Math.abs(simulatedError) <= 0.05).length / own.length,
  };
}

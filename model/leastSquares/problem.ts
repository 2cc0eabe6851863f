/** How a parameter is searched: `log` for what may be off by a factor, `logit` for shares, `linear` for the rest. */
export type Scale = 'log' | 'logit' | 'linear';

/** A number that a fit may change, in natural units; it stays between its bounds. */
export interface Parameter {
  name: string;
  start: number;
  low: number;
  high: number;
  scale: Scale;
  /** Its value while the others are fitted without it, where the readings refuse it; its start if left out. */
  refusedAt?: number;
}

export type Values = Readonly<Record<string, number>>;

/** Readings, and a model that predicts them from parameters. */
export interface FitProblem<Reading> {
  parameters: readonly Parameter[];
  readings: readonly Reading[];
  /** More than zero: residuals are relative. */
  measured: (reading: Reading) => number;
  /**
   * In the order of the readings. May be a simulation: it is called some hundred times. Where a prediction is not a number
   * above zero the search turns back; an error that this throws ends the fit.
   */
  predict: (values: Values, readings: readonly Reading[]) => readonly number[];
  /** How much a reading counts, from 0 on; 1 where not given. */
  weight?: (reading: Reading) => number;
  /** Readings that share their noise, such as repeats of one case, have one name; each is by itself where not given. */
  cluster?: (reading: Reading) => string;
}

export interface FitOptions {
  /** Of starts and resampling. */
  seed?: number;
  starts?: number;
  /** Resamplings behind the intervals. */
  samples?: number;
  /** Readings far off count less (Huber); default true. */
  robust?: boolean;
}

/** A number that was fitted. */
export interface FittedParameter {
  name: string;
  value: number;
  /** 95 % interval: what noise in the readings leaves open, not what a wrong model would. */
  low95: number;
  high95: number;
}

/** A parameter that the readings do not decide; it kept its start, or the value that it has where it is refused. */
export interface Unidentified {
  name: string;
  why: string;
}

/** What a fit found. */
export interface FitResult {
  parameters: FittedParameter[];
  unidentified: Unidentified[];
  /** ln(predicted / measured), in the order of the readings. */
  residuals: number[];
  /** Root mean square of the residuals. */
  rms: number;
  iterations: number;
  converged: boolean;
  /** Starts that ended at the same place as the best, and how many there were. */
  startsAgreed: number;
  starts: number;
}

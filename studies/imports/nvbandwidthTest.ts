import type { Place } from '../../model/input/userError.ts';

/** A cell of a test's matrix, as the tool writes it. */
export interface NvbandwidthCell {
  value: string;
  place: Place;
}

/** One test of nvbandwidth, from its JSON or its text. */
export interface NvbandwidthTest {
  name: string;
  /** `Passed`, `Waived`, or what else the tool says. */
  status: string;
  /** Null where it has no matrix. */
  rows: NvbandwidthCell[][] | null;
  place: Place;
  statusPlace: Place;
  matrixPlace: Place;
}

/** All tests of a file, and the GPUs that it names. */
export interface NvbandwidthOutput {
  tests: NvbandwidthTest[];
  devices: string[];
  notes: string[];
}

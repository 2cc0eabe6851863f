import type { CollectiveKind } from '../../model/dit/kinds.ts';

/** A rate of copies between host and GPU that another tool measured. */
export interface CopyReading {
  /** `file:line` of the number. */
  source: string;
  kind: 'copies';
  /** Which copies ran on the GPU that was measured. */
  direction: 'h2d' | 'd2h' | 'both';
  /** Which of them the rate is of; of `both`, one. */
  measured: 'h2d' | 'd2h';
  /** Who copied: the copy engine or a kernel. */
  by: 'copy-engine' | 'kernel';
  /** The GPU that was measured, as the tool counts. */
  gpu: number;
  /** How many GPUs copied at once, this one among them. */
  gpusAtOnce: number;
  bytesPerS: number;
  /** Bytes of one copy; null where the file does not say. */
  bytes: number | null;
}

/** The time of one collective that another tool measured. */
export interface CollectiveReading {
  /** `file:line` of the number. */
  source: string;
  kind: 'collective';
  collective: CollectiveKind;
  ranks: number;
  /** Bytes that one rank sends to all its peers together. */
  sentBytes: number;
  /** Of one call, on average. */
  seconds: number;
  buffers: 'out-of-place' | 'in-place';
}

/** What a file of measurements gave, and in `notes` what was left out or is doubtful, with its place. */
export interface ImportedReadings<Reading> {
  readings: Reading[];
  /** Names of the GPUs, as far as the file has them. */
  devices: string[];
  notes: string[];
}

import type { CollectiveKind } from '../../../model/dit/kinds.ts';

/** What a trace does not say of a model, as the user gives it. */
export interface TraceFacts {
  /** Lists of blocks, in the order of a pass. */
  blocks?: readonly string[];
  /** Bytes of a block's parameters by list; under the empty name, those of every list. */
  weightBytes: ReadonlyMap<string, number>;
  outsideBytes?: number;
  activationBytes?: number;
  /** Between passes; only needed where the trace has no two passes in a row. */
  outsideS?: number;
  ranks?: number;
  /** Kind and input bytes of a block's collectives in order, where the trace has no bytes. */
  collectives?: readonly { kind: CollectiveKind; inputBytes: number }[];
  passes?: number;
  id?: string;
}

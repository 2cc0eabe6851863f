/** A flow transport that NCCL carries, with the same numbers between any number of ranks. */
export const NCCL_FLOW = {
  carrier: { by: 'nccl' },
  deviceBufferBytes: 0,
  hostShare: 1,
  byRanks: new Map(),
} as const;

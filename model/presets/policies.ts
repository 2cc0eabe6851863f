import { MiB } from '../input/byteUnits.ts';
import type { YieldRule } from '../plan/plan.ts';

/** What a preset decides; everything a user may then change with keys. */
export interface Policy {
  order: 'top-up' | 'leading';
  residents: 'leading' | 'strided';
  chunkBytes: number;
  yieldRule: YieldRule;
  /** `open`: all chunks at once; `proportional`: dealt to the windows by their length. */
  windows: 'open' | 'proportional';
  paced?: boolean;
  drainAtPassStart?: boolean;
  sequential?: boolean;
  allResident?: boolean;
}

const LAYERWISE: Policy = {
  order: 'leading',
  residents: 'leading',
  chunkBytes: Number.POSITIVE_INFINITY,
  yieldRule: 'none',
  windows: 'open',
  drainAtPassStart: true,
};

const CHUNKED: Policy = {
  order: 'top-up',
  residents: 'strided',
  chunkBytes: 16 * MiB,
  yieldRule: 'none',
  windows: 'open',
};

/** Every known policy as a few decisions, with what it stands for. Sources: the projects' own code. */
export const PRESETS: Record<string, { summary: string; policy: Policy }> = {
  none: { summary: 'no offload: all weights stay on the GPU', policy: { ...CHUNKED, allResident: true } },
  sequential: {
    summary: 'accelerate: copy a block from pageable memory, compute it, drop it; nothing overlaps',
    policy: { ...LAYERWISE, sequential: true, drainAtPassStart: false },
  },
  layerwise: {
    summary: 'SGLang: whole blocks ahead, bursts of `prefetch`, leading blocks resident',
    policy: LAYERWISE,
  },
  'layerwise-strided': {
    summary: 'SGLang with residents spread over the depth',
    policy: { ...LAYERWISE, order: 'top-up', residents: 'strided' },
  },
  'layerwise-drain': {
    summary: "layerwise whose collectives first wait for all copies (the paper's baseline)",
    policy: { ...LAYERWISE, yieldRule: 'drain' },
  },
  chunked: { summary: 'one block ahead in chunks, no yielding', policy: CHUNKED },
  'chunkflow-paper': {
    summary: "chunks that pause in the host's launch window of each collective, with the host's lead",
    policy: { ...CHUNKED, chunkBytes: 16e6, yieldRule: 'launch-window' },
  },
  yield: {
    summary: 'chunks dealt to the windows between collectives, waiting on the device for each to end',
    policy: { ...CHUNKED, yieldRule: 'wait', windows: 'proportional' },
  },
  paced: {
    summary: 'chunks with a pause after each, spread over the block unless `pace` says how long',
    policy: { ...CHUNKED, chunkBytes: 4 * MiB, paced: true },
  },
};

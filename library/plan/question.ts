import type { MeasuredQuestion, WorkloadQuestion } from '../../model/scenario/question.ts';
import type { PeerName } from '../../search/peers/peerNames.ts';

/** What a search is told and asked. What the settings of a plan would say, it finds. */
export interface PlanQuestion extends WorkloadQuestion, MeasuredQuestion {
  /** Of each GPU, such as `16GiB`; all of it unless given. */
  gpuMemory?: string;
  /** Pinned by each rank, such as `64GiB`; its share of the host's unless given. */
  hostMemory?: string;
  /** What the step depends on and where it stops being hidden. */
  explain?: boolean;
  /** So many of the best plans from the least memory to all of it. */
  front?: number;
  /** Factors that the machine may differ by from its file, `link=0.9..1.05`, in place of the file's own intervals. */
  uncertain?: string;
  /** The best plan where the machine is exactly as its file says. */
  nominal?: boolean;
  /** The best of that tool's own settings, within the same memory. */
  for?: PeerName;
}

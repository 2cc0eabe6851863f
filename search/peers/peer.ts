import type { StepReport } from '../../model/analytic/report.ts';
import { UserError } from '../../model/input/userError.ts';
import { serialCopiesS } from '../../model/physics/copySource.ts';
import type { Plan } from '../../model/plan/plan.ts';
import { toolTransport } from '../../model/presets/tools/toolPlan.ts';
import type { System } from '../../model/system/system.ts';
import { transportNamed } from '../../model/system/transport.ts';
import type { BoundWorkload, Workload } from '../../model/workload/workload.ts';
import type { Caps } from '../caps.ts';
import type { Candidate } from './candidate.ts';
import { comfyNativeOnly, comfyuiCandidates, wanVideoWrapperOnly } from './comfyui.ts';
import { diffusersCandidates } from './diffusers.ts';
import type { PeerName } from './peerNames.ts';
import { bestOf } from './search.ts';
import { sglangCandidates } from './sglang.ts';
import { vllmOmniCandidates } from './vllmOmni.ts';

type Candidates = (workload: BoundWorkload, system: System, transport: string) => Candidate[];

const CANDIDATES: Record<PeerName, Candidates> = {
  sglang: sglangCandidates,
  diffusers: diffusersCandidates,
  'vllm-omni': vllmOmniCandidates,
  comfyui: (workload, system) => comfyuiCandidates(workload, system),
  'comfyui-native': (workload, system) => comfyNativeOnly(workload, system),
  'comfyui-wanvideowrapper': (workload, system) => wanVideoWrapperOnly(workload, system),
};

/** The best that a tool can be set to, and what that costs. */
export interface PeerSetting {
  peer: PeerName;
  /** How the tool would stream with this setting, in our vocabulary; its name is the setting as `--plan` takes it. */
  plan: Plan;
  /** What a step costs: the oracle's answer for the plan. */
  report: StepReport;
  /** Seconds of it that copies outside the stream of blocks take; the notes say what they are. */
  beyondPlanS: number;
  knobs: readonly { name: string; value: string }[];
  /** Flags, Python or a node, ready to use. */
  paste: string;
  /** What the prediction leaves out, where the names come from, what the tool does not have. */
  notes: readonly string[];
  /** Settings within the caps, all of which were compared. */
  considered: number;
}

/**
 * The best setting of a tool's own knobs for a workload: all of them in closed form, the best few by the oracle; of those
 * within 0.1 % of the fastest, the one that takes the least GPU memory.
 *
 * @param oracle says what a plan costs, such as a simulation; asked at most six times
 * @param transport that NCCL takes; by default the machine's own
 * @throws UserError if no setting keeps within the caps (with the nearest and by how much it does not), if the tool cannot
 * run the layout, if the transport is one of ours that no peer has, and for a profile.
 */
export function bestPeerSetting(
  peer: PeerName,
  workload: Workload,
  system: System,
  caps: Caps,
  oracle: (plan: Plan) => StepReport,
  transport?: string,
): PeerSetting {
  if (workload.from === 'profile')
    throw new UserError(
      `${peer}: its settings follow from how ranks divide the model, which a profile does not say; give --model`,
    );
  const { ring } = workload.layout;
  if (ring > 1)
    throw new UserError(
      `${peer}: its settings are not looked for with ring attention, the layout has --ring ${ring}; leave it out, or ask predict for a plan of yours`,
    );
  const chosen = toolTransport(peer, workload, system, undefined, transport);
  const candidates = CANDIDATES[peer](workload, system, chosen);
  const { candidate, report, considered } = bestOf(peer, candidates, workload, system, caps, oracle);
  const { plan } = candidate;
  const beyondPlanS = serialCopiesS(workload, system, plan);
  const { knobs, paste, notes } = candidate.wording();
  const standIn =
    workload.ranks > 1 && transportNamed(system, chosen).carrier.by !== 'nccl'
      ? [`this machine file has no transport of NCCL; ${chosen} stands in for it`]
      : [];
  return { peer, plan, report, beyondPlanS, knobs, paste, notes: [...notes, ...standIn], considered };
}

import { type TrialRatio, trialRatios } from './pairFit.ts';
import { trialArms } from './trials.ts';

/** A step against `none`, measured on two GPUs and on one GPU with a mirrored peer. */
export interface MethodRatio {
  tokens: number;
  plan: string;
  /** NCCL over host shared memory between two GPUs. */
  pair: number;
  /** The staged kernel with two CTAs, as fast as that, on one. */
  mirrored: number;
}

const PAIR_TRANSPORT = 'shm';
const MIRRORED_TRANSPORT = 'staged-sm:2';

/** Ratios that were measured in both trials: what one GPU with a mirrored peer says of a pair, with no model between. */
export function methodRatios(): MethodRatio[] {
  const keyOf = ({ arm }: TrialRatio) => `${arm.tokens} ${arm.plan}`;
  const of = (name: string, transport: string) =>
    new Map(
      trialRatios(trialArms(name))
        .filter(({ arm }) => arm.transport === transport)
        .map((ratio) => [keyOf(ratio), ratio]),
    );
  const pair = of('h200-pair-trial', PAIR_TRANSPORT);
  const mirrored = of('h200-mirrored-trial', MIRRORED_TRANSPORT);
  return [...pair].flatMap(([key, { arm, measured }]) => {
    const other = mirrored.get(key);
    return other === undefined
      ? []
      : [{ tokens: arm.tokens, plan: arm.plan, pair: measured, mirrored: other.measured }];
  });
}

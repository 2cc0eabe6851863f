import { anchoredSystem } from '../analytic/anchor.ts';
import { formatSize } from '../dit/tokens.ts';
import { secondsOf } from '../input/givenQuantity.ts';
import { shown, UserError } from '../input/userError.ts';
import { makePlan } from '../presets/presets.ts';
import type { System } from '../system/system.ts';
import type { Workload } from '../workload/workload.ts';
import type { MeasuredQuestion, WorkloadQuestion } from './question.ts';

/**
 * The machine brought to the step that a question says was measured, or as it is where it says none.
 *
 * @param workloadAt what is computed at a size, as people write it, or at that of the question.
 * @throws UserError for what is no plan and time, and for a step that the machine cannot take.
 */
export function measuredMachine(
  question: WorkloadQuestion & MeasuredQuestion,
  system: System,
  workloadAt: (size: string | undefined) => Workload,
): System {
  const { measured, measuredSize, measuredCollectives, transport } = question;
  if (measured === undefined) {
    const idle =
      measuredSize === undefined ? measuredCollectives && '--measured-collectives' : '--measured-size';
    if (idle === undefined) return system;
    throw new UserError(`${idle}: of which step? give --measured, such as none=4602ms, or leave it out`);
  }
  const { text, stepS } = planAndTime(measured);
  const workload = workloadAt(measuredSize);
  if (measuredSize !== undefined && workload.from === 'profile')
    throw new UserError(
      `--measured-size ${measuredSize}: a profile has the size that it was made at; leave it out`,
    );
  if (measuredCollectives !== undefined && workload.ranks === 1)
    throw new UserError(`--measured-collectives ${measuredCollectives}: one rank has none; leave it out`);
  const collectiveS =
    measuredCollectives === undefined
      ? null
      : positive('--measured-collectives', measuredCollectives, '800ms');
  if (collectiveS !== null && collectiveS >= stepS)
    throw new UserError(
      `--measured-collectives ${measuredCollectives}: is no part of a step of ${measured}; give the time of one step in collectives`,
    );
  return anchoredSystem(system, {
    ...{ workload, stepS, collectiveS },
    plan: makePlan(text, workload, system, workload.ranks > 1 ? transport : undefined),
    size: workload.from === 'profile' ? '' : formatSize(workload.size),
  });
}

/** `none=4602ms`: a plan's own settings have equals signs, too. */
function planAndTime(measured: string): { text: string; stepS: number } {
  const at = measured.lastIndexOf('=');
  if (at < 1)
    throw new UserError(
      `--measured ${shown(measured)}: expected a plan and the time of its step, such as none=4602ms`,
    );
  return {
    text: measured.slice(0, at).trim(),
    stepS: positive('--measured', measured.slice(at + 1), 'none=4602ms'),
  };
}

function positive(flag: string, text: string, example: string): number {
  const seconds = secondsOf(flag, text, example);
  if (seconds > 0) return seconds;
  throw new UserError(`${flag}: expected a time above 0 such as ${example}, got ${shown(text)}`);
}

import type { PlanChoice } from '../../../documents/planChoice.ts';
import { NO_TRANSPORT } from '../../../model/system/transport.ts';
import type { Layout } from '../../text/layout.ts';
import { formatTable } from '../../text/table.ts';
import { paragraph, paragraphs } from '../../text/wrap.ts';

type Peer = NonNullable<PlanChoice['peer']>;
type Setting = NonNullable<Peer['setting']>;

/** The best of a tool's own settings: what to set, what it costs, what to paste and what is not said by the numbers. */
export function peerText({ name, why, setting }: Peer, layout: Layout): string {
  if (setting === null) return paragraphs(`\nThe best setting of ${name}: none. ${why}`, layout);
  const { knobs, paste, notes, considered } = setting;
  const columns = [
    { header: 'setting', value: (knob: Setting['knobs'][number]) => knob.name },
    { header: 'value', value: (knob: Setting['knobs'][number]) => knob.value },
  ];
  return [
    `\nThe best setting of ${name}, of ${considered} within the caps:\n\n`,
    formatTable(columns, knobs, layout),
    paragraphs(`\n${costText(setting)}`, layout),
    `as a plan: --plan ${setting.plan}\n`,
    `\n${paste.trimEnd()}\n\n`,
    ...notes.map((note) => paragraph(`note: ${note}`, layout)),
  ].join('');
}

function costText({
  stepTimeS,
  versusNone,
  versusChoice,
  gpuPeakBytes,
  transport,
  beyondPlanS,
}: Setting): string {
  const on = transport === NO_TRANSPORT ? '' : ` on ${transport}`;
  const beyond =
    beyondPlanS === 0
      ? ''
      : ` (${(beyondPlanS * 1e3).toFixed(1)} ms of them for copies outside of its blocks: see the notes)`;
  return `${(stepTimeS * 1e3).toFixed(1)} ms a step${on}${beyond}, ${versusNone.toFixed(3)}x of none, ${versusChoice.toFixed(3)}x of our choice, in ${(gpuPeakBytes / 2 ** 30).toFixed(1)} GiB of GPU memory`;
}

import { planKeyHelp } from '../../../model/presets/planText.ts';
import { presetHelp } from '../../../model/presets/presets.ts';
import { expected, type Knob } from '../../../model/presets/tools/knob.ts';
import { TOOLS } from '../../../model/presets/tools/names.ts';
import type { Tool } from '../../../model/presets/tools/tool.ts';
import { UNSAID } from '../../../model/presets/tools/unsaid.ts';
import type { Output } from '../../output.ts';
import type { Layout } from '../../text/layout.ts';
import { type Column, formatTable } from '../../text/table.ts';
import { paragraphs } from '../../text/wrap.ts';

const PRESET_COLUMNS: readonly Column<(typeof presetHelp)[number]>[] = [
  { header: 'preset', value: (preset) => preset.name },
  { header: 'how it streams', value: (preset) => preset.summary },
];

const KEY_COLUMNS: readonly Column<(typeof planKeyHelp)[number]>[] = [
  { header: 'key', value: (key) => key.name },
  { header: 'value', value: (key) => key.expected },
];

const KNOB_COLUMNS: readonly Column<Knob>[] = [
  { header: 'setting', value: ({ name, short }) => (short === undefined ? name : `${short}, ${name}`) },
  { header: 'default', value: ({ usual }) => usual },
  { header: 'value', value: ({ kind }) => expected(kind) },
  { header: 'meaning', value: ({ meaning }) => meaning },
];

/** Lists the presets that --plan takes, the settings that may follow one, and other tools with their own settings. */
export function run(_flags: object, output: Output): void {
  const { layout } = output;
  const tools = Object.entries(TOOLS as unknown as Record<string, Tool>).map((tool) =>
    toolText(tool, layout),
  );
  const unsaid = Object.entries(UNSAID).map(([name, { why, instead }]) =>
    paragraphs(`${name}: ${why}; ${instead}`, layout),
  );
  output.result(
    [
      `${formatTable(PRESET_COLUMNS, presetHelp, layout)}\n${formatTable(KEY_COLUMNS, planKeyHelp, layout)}`,
      paragraphs(
        "\nOther tools, by their own settings (`comfyui` is the one of its two that the settings or the model's blocks say):",
        layout,
      ),
      ...tools,
      '\nTools that no plan says:\n',
      ...unsaid,
    ].join(''),
  );
}

function toolText([name, { summary, read, knobs }]: [string, Tool], layout: Layout): string {
  const title = paragraphs(`\n${name}: ${summary}\nread: ${read}`, layout);
  return title + formatTable(KNOB_COLUMNS, Object.values(knobs), layout);
}

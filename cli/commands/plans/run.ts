import { planKeyHelp } from '../../../model/presets/planText.ts';
import { presetHelp } from '../../../model/presets/presets.ts';
import type { Output } from '../../output.ts';
import { type Column, formatTable } from '../../text/table.ts';

const PRESET_COLUMNS: readonly Column<(typeof presetHelp)[number]>[] = [
  { header: 'preset', value: (preset) => preset.name },
  { header: 'how it streams', value: (preset) => preset.summary },
];

const KEY_COLUMNS: readonly Column<(typeof planKeyHelp)[number]>[] = [
  { header: 'key', value: (key) => key.name },
  { header: 'value', value: (key) => key.expected },
];

/** Lists the presets that --plan takes, and the settings that may follow one. */
export function run(_flags: object, output: Output): void {
  output.result(`${formatTable(PRESET_COLUMNS, presetHelp)}\n${formatTable(KEY_COLUMNS, planKeyHelp)}`);
}

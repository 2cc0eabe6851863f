import { presetHelp } from '../model/plan/presets.ts';
import type { Output } from './output.ts';
import { formatTable } from './table.ts';

/** Lists the presets and the settings that each takes. */
export function plans(output: Output): void {
  output.result(
    formatTable<(typeof presetHelp)[number]>(
      [
        { header: 'preset', value: (preset) => preset.name },
        { header: 'what it does', value: (preset) => preset.summary },
        { header: 'settings', value: (preset) => preset.keys.join(', ') },
      ],
      presetHelp,
    ),
  );
}

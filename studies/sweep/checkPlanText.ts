import { shown, UserError } from '../../model/input/userError.ts';
import { isPlanFile, openPlan } from '../../model/plan/planFile.ts';
import { parsePlanText } from '../../model/presets/planText.ts';
import { presetHelp } from '../../model/presets/presets.ts';
import { namesTool, TOOL_NAMES, TOOLS, toolNamed } from '../../model/presets/tools/names.ts';
import type { Tool } from '../../model/presets/tools/tool.ts';
import { readSettings, splitToolText } from '../../model/presets/tools/toolText.ts';

/**
 * Looks up what a plan's text names: a file, a tool and its settings, or a preset and its own. Whether it fits a workload is left open.
 *
 * @throws UserError for a name that there is not, and for a setting's value that is none.
 */
export function checkPlanText(text: string): void {
  if (isPlanFile(text)) {
    openPlan(text);
    return;
  }
  if (namesTool(text)) {
    const { name, settings } = splitToolText(text);
    const spellings = settings.map(({ spelling }) => spelling);
    readSettings(
      `--plan ${text}`,
      (TOOLS[toolNamed(name, spellings, null)] as unknown as Tool).knobs,
      settings,
    );
    return;
  }
  const { preset } = parsePlanText(text);
  const names = presetHelp.map(({ name }) => name);
  if (!names.includes(preset))
    throw new UserError(
      `--plan ${shown(preset)}: is no preset; expected one of ${names.join(', ')}, or a tool: ${TOOL_NAMES.join(', ')}`,
    );
}

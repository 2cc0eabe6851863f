import type { Command } from 'commander';
import { shown } from '../model/input/userError.ts';

/**
 * Has every command refuse a flag with a value that is given twice, unless its values are collected: the last one would
 * silently replace the others.
 */
export function refuseRepeatedFlags(command: Command): void {
  for (const option of command.options) {
    if (!option.required && !option.optional) continue;
    let given: unknown;
    let times = 0;
    // Commander's own listener runs first, so the option has its value already.
    command.on(`option:${option.name()}`, (text: unknown) => {
      times += 1;
      const isCollected = Array.isArray(command.getOptionValue(option.attributeName()));
      if (times > 1 && !isCollected) {
        command.error(
          `error: option '${option.flags}' is given twice, ${shown(given)} and ${shown(text)}; leave one out`,
        );
      }
      given = text;
    });
  }
  for (const child of command.commands) refuseRepeatedFlags(child);
}

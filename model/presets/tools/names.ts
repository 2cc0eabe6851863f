import type { Dit } from '../../dit/dit.ts';
import { nearNames } from '../../input/nearNames.ts';
import { shown, UserError } from '../../input/userError.ts';
import { accelerate } from './accelerate.ts';
import { comfyNative } from './comfyNative.ts';
import { diffusers } from './diffusers.ts';
import { means } from './knob.ts';
import { lightx2v } from './lightx2v.ts';
import { sglang } from './sglang.ts';
import type { Tool } from './tool.ts';
import { UNSAID } from './unsaid.ts';
import { vllmOmni } from './vllmOmni.ts';
import { isWan } from './wanFamily.ts';
import { wanVideoWrapper } from './wanVideoWrapper.ts';

/** Tools whose settings are plans, by the names that `--plan` and `--for` take. */
export const TOOLS = {
  sglang,
  diffusers,
  'vllm-omni': vllmOmni,
  accelerate,
  'comfyui-native': comfyNative,
  'comfyui-wanvideowrapper': wanVideoWrapper,
  lightx2v,
} as const;

export type ToolName = keyof typeof TOOLS;

/** Whichever of ComfyUI's two a model is run with. */
export const COMFYUI = 'comfyui';

/** What a text of `--plan` may begin with beside presets. */
export const TOOL_NAMES: readonly string[] = [...Object.keys(TOOLS), COMFYUI];

/** Whether a text of `--plan` begins with a tool's name, be it one that no plan says. */
export function namesTool(text: string): boolean {
  const word = text.split(',', 1)[0]!.trim();
  return TOOL_NAMES.includes(word) || Object.hasOwn(UNSAID, word);
}

/**
 * The tool that a name stands for. `comfyui` is the wrapper where a setting is the wrapper's alone, or none is ComfyUI's and the model
 * is a Wan.
 *
 * @param spellings of the settings that are given.
 * @param model null where it is not known, as of a profile; it is no Wan then.
 * @throws UserError for a tool that no plan says, with the nearest that can be asked, and for settings of both of ComfyUI's.
 */
export function toolNamed(name: string, spellings: readonly string[], model: Dit | null): ToolName {
  if (Object.hasOwn(TOOLS, name)) return name as ToolName;
  const unsaid = Object.hasOwn(UNSAID, name) ? UNSAID[name] : undefined;
  if (unsaid !== undefined) throw new UserError(`--plan ${name}: ${unsaid.why}; ${unsaid.instead}`);
  if (name !== COMFYUI) {
    throw new UserError(
      `--plan ${shown(name)}: is no tool; nearest: ${nearNames(name, TOOL_NAMES).join(' ')}`,
    );
  }
  const ofWrapper = spellings.find((spelling) => has(wanVideoWrapper, spelling));
  const ofNative = spellings.find((spelling) => has(comfyNative, spelling));
  if (ofWrapper !== undefined && ofNative !== undefined)
    throw new UserError(
      `--plan ${name}: ${ofWrapper} is a setting of comfyui-wanvideowrapper, ${ofNative} of comfyui-native; leave one of them out`,
    );
  if (ofWrapper !== undefined) return 'comfyui-wanvideowrapper';
  return ofNative === undefined && model !== null && isWan(model)
    ? 'comfyui-wanvideowrapper'
    : 'comfyui-native';
}

function has({ knobs }: Pick<Tool, 'knobs'>, spelling: string): boolean {
  return Object.values(knobs).some((knob) => means(knob, spelling));
}

import { blockCount } from '../../model/dit/depth.ts';
import type { Dit, Size } from '../../model/dit/dit.ts';
import { catalogueIds, loadDit } from '../../model/dit/load.ts';
import { formatSize, rowsOf } from '../../model/dit/tokens.ts';
import { UserError } from '../../model/input/userError.ts';
import { presetHelp } from '../../model/presets/presets.ts';
import { unusedByPreset } from '../../model/presets/settingEffects.ts';
import { TOOLS } from '../../model/presets/tools/names.ts';
import { cardIds, readCard } from '../../model/system/cards/cards.ts';
import { loadSystem } from '../../model/system/load.ts';
import { systemIds } from '../../model/system/machineFile.ts';
import { type Lists, PRESET_SETTINGS } from '../protocol.ts';

/** Sides that people generate at, beside a model's own. */
const IMAGES = ['512x512', '768x768', '1024x1024', '1536x1536', '2048x2048', '4096x4096'].map(sides);
const VIDEOS = ['480x272', '832x480', '1280x720', '1920x1088'].map(sides);

function sides(text: string): Omit<Size, 'frames'> {
  const [width, height] = text.split('x').map(Number);
  return { width: width!, height: height! };
}

/** What the controls offer: everything that has a name. */
export function lists(): Lists {
  return {
    models: catalogueIds().map((id) => modelEntry(loadDit(id))),
    machines: systemIds().map(machineEntry),
    cards: cardIds()
      .map(readCard)
      .filter(({ link }) => link !== 'unified')
      .map(({ id, name, memory }) => ({ id, name, memoryBytes: memory.value })),
    presets: [
      ...presetHelp.map(({ name, summary }) => ({
        ...{ text: name, what: summary },
        settings: PRESET_SETTINGS.filter((key) => unusedByPreset(name, key) === undefined),
      })),
      ...Object.entries(TOOLS).map(([text, { summary }]) => ({ text, what: summary, settings: [] })),
    ],
  };
}

function modelEntry(dit: Dit): Lists['models'][number] {
  const { id, name, heads, referenceSize, modality } = dit;
  return {
    ...{ id, name, blocks: blockCount(dit), heads },
    referenceSize: formatSize(referenceSize),
    sizes: sizesOf(dit),
    hasFrames: modality === 'video',
  };
}

/** The reference size and usual sides with its frames, by area; those that the model takes. */
function sizesOf(dit: Dit): string[] {
  const { frames } = dit.referenceSize;
  const usual = (dit.modality === 'video' ? VIDEOS : IMAGES).map((size) => ({ ...size, frames }));
  const sizes = [dit.referenceSize, ...usual].filter((size) => takes(dit, size));
  const area = ({ width, height }: Size) => width * height;
  return [...new Set(sizes.sort((a, b) => area(a) - area(b)).map(formatSize))];
}

function takes(dit: Dit, size: Size): boolean {
  try {
    rowsOf(dit, size);
    return true;
  } catch (error) {
    if (error instanceof UserError) return false;
    throw error;
  }
}

function machineEntry(id: string): Lists['machines'][number] {
  const { name, gpus, gpu, transports, defaultTransport } = loadSystem(id);
  const others = transports.map((transport) => transport.name).filter((one) => one !== defaultTransport);
  return {
    ...{ id, name, gpus: gpus.length, memoryBytes: gpu.memoryBytes },
    transports: [defaultTransport, ...others],
  };
}

import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Generated } from '../../codegen/generate.ts';
import { generate } from '../../codegen/generate.ts';
import { withBlocks } from '../../model/dit/depth.ts';
import { loadDit } from '../../model/dit/load.ts';
import { parseSize } from '../../model/dit/tokens.ts';
import { packageRoot } from '../../model/input/packageFiles.ts';
import { makePlan } from '../../model/presets/presets.ts';
import { isCpuCores } from '../../model/system/cpuCores.ts';
import type { System } from '../../model/system/system.ts';
import { bindWorkload } from '../../model/workload/bind.ts';
import { paddedToRanks } from '../../model/workload/padded.ts';
import type { BoundWorkload } from '../../model/workload/workload.ts';
import type { SegmentProgram } from './calibrationFile.ts';

/** Shapes from tiny to large, of four models, none of them a size of the held-out grid. */
const SHAPES: readonly SegmentProgram[] = [
  { model: 'flux.1-dev', size: '384x384', sp: 2, blocks: 3 },
  { model: 'flux.1-dev', size: '768x768', sp: 2, blocks: 3 },
  { model: 'flux.1-dev', size: '1280x1280', sp: 1, blocks: 3 },
  { model: 'hunyuanvideo-13b', size: '720x480x33', sp: 2, blocks: 3 },
  { model: 'hunyuanvideo-13b', size: '512x320x17', sp: 1, blocks: 3 },
  { model: 'wan2.1-t2v-14b', size: '832x480x33', sp: 2, blocks: 2 },
  { model: 'wan2.1-t2v-14b', size: '832x480x9', sp: 1, blocks: 2 },
  { model: 'wan2.1-t2v-14b', size: '832x480x65', sp: 2, blocks: 2 },
  { model: 'qwen-image-20b', size: '1024x1024', sp: 1, blocks: 2 },
];
/** What the names of these programs begin with. */
export const SEGMENTS = 'segments-';
/** Programs whose longest segments are measured until clock and power have settled, which takes half a minute each. */
const SUSTAINED: readonly string[] = [
  'segments-flux.1-dev-1280x1280-sp1',
  'segments-wan2.1-t2v-14b-832x480x65-sp2',
];
/** CPU cores take seconds for what a GPU does in milliseconds. */
const HOST_SHAPES: readonly SegmentProgram[] = [
  { model: 'tiny-joint', size: '128x128', sp: 2, blocks: 2 },
  { model: 'tiny-joint', size: '256x128', sp: 1, blocks: 2 },
];

/** What the programs of a machine's segments compute, by name. Groups that the machine cannot hold are left out. */
export function segmentPrograms(system: System, groupSize: number): Record<string, SegmentProgram> {
  const shapes = isCpuCores(system) ? HOST_SHAPES : SHAPES;
  return Object.fromEntries(
    shapes
      .filter(({ sp }) => sp <= groupSize)
      .map((shape) => [`${SEGMENTS}${shape.model}-${shape.size}-sp${shape.sp}`, shape]),
  );
}

/** What such a program is asked to measure. */
export function segmentArguments(id: string): string[] {
  return [SUSTAINED.includes(id) ? '--sustained' : '--segments', '--rounds', '1'];
}

/** The workload of such a program, with rows as real ranks hold them. */
export function segmentWorkload({ model, size, sp, blocks }: SegmentProgram): BoundWorkload {
  const tiny = join(packageRoot, 'experiments', 'tiny', `${model}.yaml`);
  const dit = withBlocks(loadDit(existsSync(tiny) ? tiny : model), blocks);
  return paddedToRanks(bindWorkload(dit, { size: parseSize(size), batch: 1, sp, tp: 1 }));
}

/** A program whose segments are measured one by one: nothing is streamed. */
export function generateSegments(id: string, shape: SegmentProgram, system: System): Generated {
  const workload = segmentWorkload(shape);
  return generate(workload, system, [makePlan('none', workload, system)], { id });
}

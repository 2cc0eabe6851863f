import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { loadDit } from '../../../../model/dit/load.ts';
import { parseSize } from '../../../../model/dit/tokens.ts';
import { oneForAll } from '../../../../model/physics/variants/symmetry.ts';
import { makePlan } from '../../../../model/presets/presets.ts';
import { lower } from '../../../../model/program/lower.ts';
import { loadSystem } from '../../../../model/system/load.ts';
import type { System } from '../../../../model/system/system.ts';
import { bindWorkload } from '../../../../model/workload/bind.ts';
import type { Workload } from '../../../../model/workload/workload.ts';
import { Engine } from '../../../../sim/engine.ts';

const symmetry = suite('one rank for all');

const PLANS = [
  'none',
  'layerwise',
  'layerwise-drain',
  'chunked',
  'chunkflow-paper',
  'yield',
  'yield,windows=0.6/0.2',
  'paced',
];

function stepS(workload: Workload, system: System, text: string, transport: string): number {
  const plan = makePlan(text, workload, system, transport);
  return new Engine(lower(workload, system, plan), system).run().stepTimeS;
}

for (const [machine, sp, transports] of [
  ['h100-pcie-x2', 2, ['shm', 'staged-copy']],
  ['h100-pcie-x4', 4, ['shm', 'staged-copy']],
  ['h200-x2', 2, ['shm', 'nvlink', 'staged-sm:2', 'staged-copy']],
  ['a100-pcie-x2', 2, ['shm', 'staged-copy']],
] as const) {
  const system = loadSystem(machine);
  const whole = bindWorkload(loadDit('flux.1-dev'), { size: parseSize('1024x1024'), batch: 4, sp });
  // Dual and single blocks, so that copies and windows differ from block to block.
  const workload = { ...whole, blocks: whole.blocks.slice(17, 21) };
  for (const transport of transports) {
    symmetry(`${machine} over ${transport}: the same step time as all ranks together`, () => {
      const folded = oneForAll(system, sp, transport)!;
      assert.is(folded.gpus.length, 1);
      for (const plan of PLANS) {
        const all = stepS(workload, system, plan, transport);
        const one = stepS(workload, folded, plan, transport);
        assert.ok(Math.abs(one / all - 1) < 1e-6, `${plan}: ${one} s for ${all} s`);
      }
    });
  }
}

symmetry('ranks that differ are left alone', () => {
  const pair = loadSystem('h200-x2');
  const slower = {
    ...pair,
    tree: pair.tree.map((node) => (node.id === 'gpu1' ? { ...node, downBytesPerS: 2e10 } : node)),
  };
  assert.is(oneForAll(slower, 2, 'shm'), null);
  assert.is(oneForAll(loadSystem('h100-sxm-x8'), 8, 'shm'), null, 'two sockets');
  assert.is(oneForAll(loadSystem('h200-x1'), 2, 'staged-sm'), null, 'already mirrored');
  assert.is(oneForAll({ ...pair, peer: 'colocated' }, 2, 'shm'), null);
});

symmetry.run();

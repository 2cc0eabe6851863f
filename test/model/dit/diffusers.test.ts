import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { catalogueIds, knownLayouts } from '../../../model/dit/catalogue.ts';
import { firstIndices } from '../../../model/dit/depth.ts';
import { type DitSource, tensorsOfBlock } from '../../../model/dit/derive.ts';
import type { WeightTensor } from '../../../model/dit/dit.ts';
import { formatSize } from '../../../model/dit/tokens.ts';
import { packageRoot } from '../../../model/input/packageFiles.ts';
import { bindWorkload } from '../../../model/workload/bind.ts';
import type { BlockKind } from '../../../model/workload/workload.ts';

/** What experiments/catalogue/prove.py counted in a class of diffusers, of one expert. */
interface Counted {
  class: string;
  size: string;
  parameters: number;
  blocks: {
    container: string;
    first: number;
    count: number;
    parameters: number;
    tensorsSha256: string;
    flops: number;
  }[];
  outside: { parameters: number; tensorsSha256: string };
  forwardFlops: number | null;
}

const file: { madeBy: Record<string, string>; entries: Record<string, Counted> } = JSON.parse(
  readFileSync(join(packageRoot, 'experiments', 'catalogue', 'diffusers.json'), 'utf8'),
);

/** Layouts of tensors that no class of diffusers has, and why. */
const WITHOUT_CLASS: Readonly<Record<string, string>> = {
  'dit-xl-2': "names of the authors' own checkpoint; its form dit-xl-2-diffusers is counted",
  'open-sora-2-11b': 'diffusers has no class of it',
  'step-video-t2v-30b': 'diffusers has no class of it',
};

/** FLOPs may differ by this part: what a class computes beside matrix products and attention. */
const FLOPS_TOLERANCE = 0.01;

/** SHA-256 over sorted lines `name:shape`. */
function fingerprint(tensors: readonly WeightTensor[]): string {
  const lines = tensors.map(({ name, shape }) => `${name}:${shape.join(',')}`).sort();
  return createHash('sha256').update(lines.join('\n')).digest('hex');
}

function flopsOf(block: BlockKind): number {
  return block.segments.reduce((sum, one) => sum + (one.kind === 'compute' ? one.flops : 0), 0);
}

function isNear(value: number, expected: number, what: string): void {
  const off = Math.abs(value / expected - 1);
  assert.ok(
    off <= FLOPS_TOLERANCE,
    `${what}: ${value}, diffusers' ${expected}, ${(100 * off).toFixed(2)} % off`,
  );
}

const layouts = new Map<string, DitSource>(knownLayouts().map((source) => [source.dit.id, source]));
const proof = suite("catalogue against diffusers' classes");

proof('every entry is counted, or is known to have no class', () => {
  assert.equal(
    [...layouts.keys()].sort(),
    [...Object.keys(file.entries), ...Object.keys(WITHOUT_CLASS)].sort(),
  );
});

proof('the file says what made it', () => {
  for (const name of ['torch', 'diffusers']) assert.match(file.madeBy[name]!, /^\d+\.\d+\.\d+$/);
});

proof('the page lists the catalogue with its classes', () => {
  const page = readFileSync(join(packageRoot, 'docs', 'models.md'), 'utf8');
  const section = page.split('## The catalogue\n')[1]!.split('\n## ')[0]!;
  const rows = [...section.matchAll(/^\| `([^`]+)` \| (.+) \| (?:`(\w+)`|none.*) \|$/gm)];
  assert.equal(
    rows.map(([, id, name, made]) => [id, name, made]),
    catalogueIds().map((id) => [id, layouts.get(id)!.dit.name, file.entries[id]?.class]),
  );
});

for (const [id, counted] of Object.entries(file.entries)) {
  proof(`${id}: parameters are exact, FLOPs within ${100 * FLOPS_TOLERANCE} %`, () => {
    const { dit, outside } = layouts.get(id)!;
    const blocksParameters = dit.blocks.reduce((sum, { count, parameters }) => sum + count * parameters, 0);
    assert.is(blocksParameters + dit.outsideParameters, counted.parameters);
    assert.is(dit.outsideParameters, counted.outside.parameters);
    assert.is(fingerprint(outside), counted.outside.tensorsSha256, 'names and shapes outside of the blocks');

    assert.is(formatSize(dit.referenceSize), counted.size);
    const firsts = firstIndices(dit.blocks);
    assert.equal(
      dit.blocks.map(({ container, count }, index) => [container, firsts[index], count]),
      counted.blocks.map(({ container, first, count }) => [container, first, count]),
    );
    const { blocks } = bindWorkload(dit, { size: dit.referenceSize, cfg: 'none' });
    let at = 0;
    let passFlops = 0;
    for (const [index, kind] of counted.blocks.entries()) {
      const own = dit.blocks[index]!;
      assert.is(own.parameters, kind.parameters, `${own.name}: parameters`);
      assert.is(fingerprint(tensorsOfBlock(own.segments)), kind.tensorsSha256, `${own.name}: names, shapes`);
      isNear(flopsOf(blocks[at]!), kind.flops, `${own.name}: FLOPs`);
      passFlops += kind.count * flopsOf(blocks[at]!);
      at += kind.count;
    }
    if (counted.forwardFlops !== null) isNear(passFlops, counted.forwardFlops, 'FLOPs of a whole forward');
  });
}

proof.run();

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { packageRoot } from '../../../model/input/packageFiles.ts';
import { loadSystem } from '../../../model/system/load.ts';
import { compareAttached } from '../../../studies/attach/compareAttached.ts';
import { profilesOf } from '../../../studies/attach/profileFolder.ts';
import { readAttachSteps } from '../../../studies/attach/readAttachSteps.ts';
import { toolPlanText } from '../../../studies/attach/toolVariant.ts';

const machine = loadSystem('h200-x1-fitted');

/** A tool's step over that of no offload, measured and predicted from the model's profile. */
interface Ratio {
  host: string;
  model: string;
  tool: string;
  measured: number;
  predicted: number;
}

function ratiosOf(host: string): Ratio[] {
  const folder = join(packageRoot, 'experiments/attach/tools', host);
  const steps = compareAttached(
    readAttachSteps([join(folder, 'steps-x1.jsonl')]),
    profilesOf(join(folder, 'profiles')),
    machine,
  );
  return steps.flatMap(({ measured, simulatedS }) => {
    const { record, stepS } = measured;
    const tool = toolPlanText(record.variant);
    if (tool === null) return [];
    const none = steps.find(
      (other) => other.measured.record.case === record.case && other.measured.record.variant.kind === 'none',
    )!;
    return [
      {
        ...{ host, model: record.case.replace(/-x1$/, ''), tool },
        measured: stepS / none.measured.stepS,
        predicted: simulatedS / none.simulatedS,
      },
    ];
  });
}

const ratios = ['first', 'second'].flatMap(ratiosOf);
const off = ({ measured, predicted }: Ratio) => predicted / measured - 1;

const test = suite('tools on one H200');

test('SGLang, at every setting, on three models: within 5 % of its ratio to no offload', () => {
  const sglang = ratios.filter(({ tool }) => tool.startsWith('sglang'));
  assert.is(sglang.length, 13);
  assert.is(new Set(sglang.map(({ model }) => model)).size, 3);
  for (const ratio of sglang) assert.ok(Math.abs(off(ratio)) <= 0.03, JSON.stringify(ratio));
  // On two of the models a step pays for its copies, so that agreement means something.
  assert.ok(sglang.filter(({ measured }) => measured > 1.02).length >= 8);
});

test('diffusers and accelerate, which cross pageable memory: as docs/peers.md says', () => {
  const rows = ratios.map(
    (ratio) =>
      `| ${ratio.host} | ${ratio.model} | \`${ratio.tool}\` | ${ratio.measured.toFixed(2)} | ${ratio.predicted.toFixed(2)} | ${(100 * off(ratio)).toFixed(1)} % |`,
  );
  const page = readFileSync(join(packageRoot, 'docs/peers.md'), 'utf8');
  assert.ok(rows.length > 20);
  for (const row of rows) assert.ok(page.includes(row), row);
});

test.run();

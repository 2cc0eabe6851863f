import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { answerText, bestPlan } from '../../cli/text/answer.ts';
import { barLegend, stepBar } from '../../cli/text/bar.ts';
import type { PlanReport } from '../../documents/planReport.ts';
import { runCli } from '../support/runCli.ts';

const test = suite('the answer first');

/** A plan of 1 s, of which 600 ms are compute and 300 ms collectives, as far as the answer reads it. */
function report(changed: Partial<PlanReport>): PlanReport {
  const stepTimeS = changed.stepTimeS ?? 1;
  return {
    ...{ plan: 'yield', stepTimeS, computeS: 0.6, collectiveS: 0.3, prefetchS: 0.5, versusNone: stepTimeS },
    ...{ gpuPeakBytes: 4 * 2 ** 30, hostPinnedBytes: 2 ** 30, boundBy: 'compute' },
    doubt: { stepS: [0.9 * stepTimeS, 1.1234 * stepTimeS] },
    ...changed,
  } as PlanReport;
}

const SENTENCES: [what: string, plans: PlanReport[], sentence: string][] = [
  [
    'one plan',
    [report({})],
    'yield: 1,000.0 ms a step (95 of 100 times 900 to 1,120), as fast as no offload, in 4.0 GiB of GPU memory',
  ],
  [
    'the fastest',
    [report({ plan: 'a', stepTimeS: 1.5 }), report({ plan: 'b', stepTimeS: 1.2 })],
    'b: 1,200.0 ms a step (95 of 100 times 1,080 to 1,350), 20.0 % slower than no offload, in 4.0 GiB of GPU memory; the fastest of 2',
  ],
  [
    'of equally fast ones the smallest',
    [
      report({ plan: 'none', prefetchS: 0, gpuPeakBytes: 2 ** 33 }),
      report({ stepTimeS: 1.0009 }),
      report({ plan: 'c', stepTimeS: 2 }),
    ],
    'yield: 1,000.9 ms a step (95 of 100 times 901 to 1,120), 0.1 % slower than no offload, in 4.0 GiB of GPU memory; the smallest of the 2 fastest of 3',
  ],
  [
    'without offload',
    [report({ plan: 'none', prefetchS: 0 })],
    'none: 1,000.0 ms a step (95 of 100 times 900 to 1,120), all weights on the GPU, in 4.0 GiB of GPU memory',
  ],
  [
    'what does not fit is no answer',
    [report({ plan: 'none', boundBy: 'memory', stepTimeS: 0.5 }), report({ stepTimeS: 0.9 })],
    'yield: 900.0 ms a step (95 of 100 times 810 to 1,010), 10.0 % faster than no offload, in 4.0 GiB of GPU memory; the only one of 2 that fits',
  ],
  [
    'nothing fits',
    [report({ plan: 'none', boundBy: 'memory', gpuPeakBytes: 2 ** 35 }), report({ boundBy: 'host-memory' })],
    "none of the 2 plans fits: the smallest, yield, takes 4.0 GiB of GPU memory and pins 1.0 GiB of the host's for each rank; `chunkflow plan` looks for one that does",
  ],
];

for (const [what, plans, sentence] of SENTENCES)
  test(what, () => {
    assert.is(answerText(plans), sentence);
    if (bestPlan(plans) !== null) assert.ok(sentence.startsWith(`${bestPlan(plans)!.plan}: `));
  });

test('bars are in proportion, and every part of them', () => {
  const times = { stepTimeS: 1, computeS: 0.5, collectiveS: 0.25 };
  assert.is(stepBar(times, 1), '██████▓▓▓░░░');
  assert.is(stepBar(times, 2), '███▓░░'.replace('▓', '▓▓').replace('░░', '░'));
  assert.is(stepBar({ stepTimeS: 1, computeS: 1, collectiveS: 0 }, 1), '█'.repeat(12));
  assert.is(barLegend([{ stepTimeS: 1, computeS: 1, collectiveS: 0 }]), 'bars: █ compute\n');
  assert.is(barLegend([times]), 'bars: █ compute  ▓ collectives  ░ waiting for weights\n');
});

test('a copy rate above its link is said to have no effect, and no other', async () => {
  const scenario = ['predict', '--model', 'pixart-xl-2', '--machine', 'rtx-4090', '--plan', 'none'];
  const capped = await runCli([...scenario, '--set', 'gpu.copyEngine.h2d=300 GB/s']);
  assert.match(
    capped.stdout,
    /^note: gpu\.copyEngine\.h2d = 300 GB\/s is above tree\.gpu0\.down = [\d.]+ GB\/s, /m,
  );
  for (const set of ['gpu.copyEngine.h2d=20 GB/s', 'gpu.copyEngine.gap=3 us'])
    assert.not.match((await runCli([...scenario, '--set', set])).stdout, /^note: /m);
});

test('plan says what cannot run its choice, and why', async () => {
  const wan = ['--model', 'wan2.1-t2v-1.3b', '--size', '480x320x17', '--nominal'];
  const says = async (...args: string[]) => (await runCli(['plan', ...args])).stdout;
  const batched = await says(...wan, '--machine', 'rtx-4090', '--cfg', 'batched');
  assert.match(
    batched,
    /^generated: no program of it\. --cfg batched: the runtime computes one sequence a pass/m,
  );
  assert.match(batched, /^attached: chunkflow_offload\.attach runs it/m);
  const routed = await says(
    '--model',
    'hidream-i1-17b',
    '--size',
    '512x512',
    '--nominal',
    '--machine',
    'h200-x1',
    '--sp',
    '1',
  );
  assert.match(routed, /^generated: no program of it\. HiDream/m);
  const { runs } = JSON.parse(
    await says(...wan, '--machine', 'h100-pcie-x2', '--transport', 'staged-copy', '--json'),
  );
  assert.equal(runs, { generated: null, attached: null, ownTransport: true });
});

test.run();

import fc from 'fast-check';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { type Statement, stepStatements } from '../../../codegen/view/statements.ts';
import { paperCriterion } from '../../../model/analytic/paperCriterion.ts';
import { predict } from '../../../model/analytic/predict.ts';
import { predictedStepS, predictStep } from '../../../model/analytic/stepReport.ts';
import { withBlocks } from '../../../model/dit/depth.ts';
import { loadDit } from '../../../model/dit/load.ts';
import { parseSize } from '../../../model/dit/tokens.ts';
import { UserError } from '../../../model/input/userError.ts';
import { blockComputeS, windowTimesS } from '../../../model/physics/compute.ts';
import { memoryNeed } from '../../../model/physics/memory.ts';
import { copyRates } from '../../../model/physics/rates.ts';
import { withComputeSpeed } from '../../../model/physics/variants/computeSpeed.ts';
import { scaledSystem } from '../../../model/physics/variants/scaled.ts';
import type { Plan } from '../../../model/plan/plan.ts';
import { planDocument } from '../../../model/plan/planDocument.ts';
import { makePlan } from '../../../model/presets/presets.ts';
import { parseProfile } from '../../../model/profile/profileFile.ts';
import { profileWorkload, workloadOfProfiled } from '../../../model/profile/profileWorkload.ts';
import { lower } from '../../../model/program/lower.ts';
import { verify } from '../../../model/program/verify.ts';
import { loadSystem } from '../../../model/system/load.ts';
import type { System } from '../../../model/system/system.ts';
import { bindWorkload, type WorkloadOptions } from '../../../model/workload/bind.ts';
import { workloadUnknowns } from '../../../model/workload/unknowns.ts';
import type { BoundWorkload } from '../../../model/workload/workload.ts';
import { breakEvens } from '../../../search/explain/breakEvens.ts';
import { sensitivities } from '../../../search/explain/sensitivity/sensitivities.ts';
import { bestPeerSetting } from '../../../search/peers/peer.ts';
import { simulate } from '../../../sim/simulate.ts';
import { profileOf } from '../../support/profiles.ts';
import { stepBound } from '../../support/stepBound.ts';

/** Pauses find room beside attention only where its tiles are known, which a profile does not say. */
function withoutLaws(name: string): System {
  const system = loadSystem(name);
  return { ...system, gpu: { ...system.gpu, power: null, attentionTiles: null } };
}

const machines = new Map(['h200-x2', 'h100-pcie-x2', 'h200-x1'].map((name) => [name, withoutLaws(name)]));
const pair = machines.get('h200-x2')!;

function bound(model: string, size: string, blocks: number, layout: Partial<WorkloadOptions>): BoundWorkload {
  return bindWorkload(withBlocks(loadDit(model), blocks), { size: parseSize(size), ...layout });
}

const near = (value: number, expected: number, what: string) =>
  assert.ok(
    Math.abs(value - expected) <= 1e-9 * Math.abs(expected),
    `${what}: expected ${expected}, got ${value}`,
  );

const laws = suite('laws of a profiled workload');

const PLANS = [
  'none',
  'sequential',
  'layerwise',
  'layerwise-drain',
  'chunked,chunk=64MiB',
  'chunkflow-paper,chunk=32MB',
  'yield',
  'yield,resident=0.25',
  'yield,prefetch=2,chunk=16MiB',
  'paced,chunk=64MiB',
  'yield,transport=staged-copy',
  'layerwise,transport=staged-copy',
];

const sized = fc.constantFrom(
  ['wan2.1-t2v-1.3b', '832x480x17'],
  ['wan2.1-t2v-1.3b', '832x480x49'],
  ['flux.1-dev', '512x512'],
  ['flux.1-dev', '1024x1024'],
  ['hunyuanvideo-13b', '512x320x33'],
) as fc.Arbitrary<[string, string]>;

laws(
  'its steps are those of the catalogue workload whose windows it has, in closed form and simulated',
  () => {
    fc.assert(
      fc.property(
        sized,
        fc.integer({ min: 3, max: 9 }),
        fc.constantFrom<Partial<WorkloadOptions>>(
          { sp: 2 },
          { sp: 2, cfg: 'none' },
          { sp: 1, tp: 2, cfg: 'none' },
          { sp: 2, exchange: 'kv-gather', cfg: 'none' },
        ),
        fc.constantFrom(...machines.keys()),
        fc.constantFrom(...PLANS),
        ([model, size], blocks, layout, machine, text) => {
          const system = machines.get(machine)!;
          const workload = bound(model, size, blocks, layout);
          // A window of no time is a segment in a profile and none in the catalogue: hosts launch what comes behind it later.
          const isEmpty = workload.blocks.some((block) => windowTimesS(block, system.gpu).includes(0));
          fc.pre(!isEmpty || !text.startsWith('chunkflow-paper'));
          const profiled = profileWorkload(
            parseProfile('p.json', JSON.stringify(profileOf(workload, system))).profile,
          );
          const plan = makePlan(text, workload, system);
          const steps = (of: typeof workload | typeof profiled) => [
            predict(of, system, plan).stepTimeS,
            simulate(of, system, plan, { breakEven: false }).report.stepTimeS,
          ];
          const [closedS, simulatedS] = steps(workload);
          const [ownClosedS, ownSimulatedS] = steps(profiled);
          near(ownClosedS!, closedS!, 'closed form');
          near(ownSimulatedS!, simulatedS!, 'simulated');
        },
      ),
      { numRuns: 60 },
    );
  },
);

laws(
  'a machine twice as fast takes half of every window, and nothing else of the machine changes one',
  () => {
    const workload = profileWorkload(profileOf(bound('wan2.1-t2v-1.3b', '832x480x17', 4, { sp: 2 }), pair));
    const { gpu } = pair;
    const slow = { ...gpu, peakFlops: 1, hbmBytesPerS: 1, launchFloorS: 1 };
    for (const block of workload.blocks) {
      near(
        blockComputeS(block, withComputeSpeed(pair, 2).gpu),
        blockComputeS(block, gpu) / 2,
        'twice as fast',
      );
      assert.equal(windowTimesS(block, slow), windowTimesS(block, gpu));
    }
  },
);

laws(
  'no power law applies: a cap that would halve the clock of the catalogue changes no step of a profile',
  () => {
    const system = loadSystem('h200-x1');
    const capped = { ...system, gpu: { ...system.gpu, power: { ...system.gpu.power!, capW: 200 } } };
    const workload = bound('wan2.1-t2v-1.3b', '832x480x49', 4, { sp: 2 });
    const profiled = profileWorkload(profileOf(workload, system));
    const plan = makePlan('yield', workload, system);
    assert.ok(predict(workload, capped, plan).clock < 0.9);
    for (const on of [system, capped]) {
      const reports = [
        predict(profiled, on, plan),
        simulate(profiled, on, plan, { breakEven: false }).report,
      ];
      for (const { clock, powerW } of reports) assert.equal([clock, powerW], [1, null]);
    }
    near(
      simulate(profiled, capped, plan, { breakEven: false }).report.stepTimeS,
      simulate(profiled, system, plan, { breakEven: false }).report.stepTimeS,
      'capped',
    );
    assert.is(stepBound(profiled, capped, 0).clock, 1);
  },
);

laws('what is outside of the blocks runs behind the last one and hides copies', () => {
  const profile = profileOf(bound('wan2.1-t2v-1.3b', '832x480x17', 4, { sp: 2, cfg: 'none' }), pair);
  const without = profileWorkload(profile);
  const withIt = profileWorkload({ ...profile, outside: { bytes: 0, seconds: 0.5 } });
  const plan = makePlan('none', without, pair);
  near(predict(withIt, pair, plan).stepTimeS, predict(without, pair, plan).stepTimeS + 0.5, 'none');
  assert.is(withIt.blocks.at(-1)!.segments.at(-1)!.name, 'outside of the blocks');
  assert.is(withIt.blocks.at(-1)!.segments.length, withIt.blocks[0]!.segments.length + 1);
  // On a slow link every block waits for most of its copy; the first one's is issued at the start of the last block.
  const slow = scaledSystem(pair, { link: 0.02 });
  const streamed = makePlan('layerwise', without, slow);
  const exposedS = (of: typeof without) => simulate(of, slow, streamed).report.exposedPrefetchS;
  const copyS = without.blocks[0]!.weightBytes / copyRates(slow, 2).h2d;
  assert.ok(copyS < 0.5);
  const hiddenS = exposedS(without) - exposedS(withIt);
  const ownS = exposedS(without) / without.blocks.length;
  assert.ok(Math.abs(hiddenS - ownS) < 0.02 * ownS, `${hiddenS} of ${ownS} s`);
});

laws.run();

const unknown = suite('what a profile does not know');
const profile = profileOf(bound('wan2.1-t2v-1.3b', '832x480x17', 4, { sp: 2, cfg: 'none' }), pair);
const workload = profileWorkload(profile);
const streaming = makePlan('yield', workload, pair);

unknown('no break-even in sizes or degrees; those of the link and of compute are there', () => {
  const none = { tokens: null, frames: null, batch: null };
  assert.equal(predict(workload, pair, streaming).breakEven, none);
  const { sp, spBeyond, h2dBytesPerS, computeSpeed, ...sizes } = breakEvens(workload, pair, streaming);
  assert.equal(sizes, none);
  assert.equal([sp, spBeyond], [[], []]);
  assert.ok(h2dBytesPerS! > 0 && computeSpeed! > 0);
});

unknown('the slope of compute is that of its measured times, and there is none in tokens', () => {
  const found = sensitivities(workload, pair, streaming);
  const names = found.map(({ parameter }) => parameter);
  for (const absent of ['tokens', 'gemm efficiency', 'peak compute', 'power cap'])
    assert.not(names.includes(absent), absent);
  const all = makePlan('none', workload, pair);
  const [speed] = sensitivities(workload, pair, all).filter(({ parameter }) => parameter === 'compute speed');
  assert.is(speed!.how, 'symbolic');
  const { computeS, stepTimeS } = predict(workload, pair, all);
  near(speed!.elasticity, -computeS / stepTimeS, 'elasticity');
});

unknown("the paper's criterion takes the measured compute of an average block", () => {
  const { computeS, breakEven } = paperCriterion(workload, pair);
  const windowsS = profile.kinds[0]!.windows.reduce((sum, { seconds }) => sum + seconds, 0);
  near(computeS, windowsS, 'compute');
  assert.equal(breakEven, { tokens: null, frames: null, batch: null });
});

unknown("other tools' settings are refused: they follow from how ranks divide the model", () => {
  const caps = { gpuBytes: 1e12, pinnedBytes: 1e12 };
  const ask = () => bestPeerSetting('sglang', workload, pair, caps, (plan) => predict(workload, pair, plan));
  assert.throws(ask, (error: unknown) => error instanceof UserError && /--model/.test(error.message));
});

unknown(
  "compute is as uncertain as its measurement, whatever the machine's file says of efficiencies",
  () => {
    const ofCompute = (spread: number) => {
      const [kind] = profile.kinds;
      const windows = kind!.windows.map(({ seconds }) => ({ seconds, spread: spread * seconds }));
      const unknowns = workloadUnknowns(
        profileWorkload({ ...profile, kinds: [{ ...kind!, windows }] }),
        loadSystem('h200-x2'),
      );
      return unknowns.find(({ direction }) => direction === 'compute')?.interval;
    };
    assert.is(ofCompute(0), undefined);
    // 1.96 / 0.6745 of the half range of the middle half.
    const [low, high] = ofCompute(0.01)!;
    near(high, 1.02906, 'above');
    near(low, 1 / 1.02906, 'below');
  },
);

unknown('activations were measured with the buffers of collectives, which are counted once', () => {
  const buffers = Math.max(...profile.kinds[0]!.collectives.map(({ bufferBytes }) => bufferBytes));
  const { activationBytes, collectiveBufferBytes, outsideBytes } = memoryNeed(workload, pair, streaming);
  assert.is(collectiveBufferBytes, buffers);
  assert.is(activationBytes + collectiveBufferBytes, profile.activationBytes);
  assert.is(outsideBytes, profile.outside.bytes);
});

unknown('what the process was seen to take stands in place of the machine’s reserve', () => {
  const reserved = memoryNeed(workload, pair, streaming);
  const process = { allocatorBytes: 700_000_000, otherBytes: 1_600_000_000 };
  const seen = memoryNeed(profileWorkload({ ...profile, process }), pair, streaming);
  assert.is(seen.reserveBytes, 2_300_000_000);
  assert.is(seen.gpuPeakBytes - reserved.gpuPeakBytes, 2_300_000_000 - reserved.reserveBytes);
});

unknown('no step is shorter than issuing it takes the host', () => {
  const quick = predictStep(workload, pair, streaming);
  const hostSeconds = 2 * quick.stepTimeS;
  const slow = profileWorkload({ ...profile, step: { ...profile.step, hostSeconds } });
  const stepReports = [
    predictStep(slow, pair, streaming),
    simulate(slow, pair, streaming, { breakEven: false }).report,
  ];
  for (const report of stepReports) {
    assert.is(report.stepTimeS, hostSeconds);
    assert.is(report.boundBy, 'host');
  }
  assert.is(predictedStepS(slow, pair, streaming), hostSeconds);
  const fast = profileWorkload({ ...profile, step: { ...profile.step, hostSeconds: quick.stepTimeS / 2 } });
  assert.equal(predictStep(fast, pair, streaming), quick);
});

unknown.run();

const attached = suite('the workload of a plan alone');

const ATTACHED = ['none', 'layerwise', 'layerwise-drain', 'yield', 'yield,resident=0.25', 'chunked'];
const TRANSPORTS = ['shm', 'staged-copy'];

function statementsOf(plan: Plan, of: Parameters<typeof lower>[0]): readonly (readonly Statement[])[] {
  const program = lower(of, pair, plan);
  assert.equal(verify(program), []);
  return stepStatements(program).positions.map(({ statements }) => statements);
}

for (const layout of [{ sp: 2 }, { sp: 1 }] as const) {
  for (const text of ATTACHED) {
    for (const transport of layout.sp > 1 ? TRANSPORTS : ['none']) {
      attached(`SP ${layout.sp}, ${text} over ${transport}: the statements are the profile's`, () => {
        const own = profileWorkload({
          ...profileOf(bound('flux.1-dev', '512x512', 7, layout), pair),
          outside: { bytes: 1e8, seconds: 0.01 },
        });
        const plan = makePlan(transport === 'none' ? text : `${text},transport=${transport}`, own, pair);
        const ofPlan = workloadOfProfiled(planDocument(plan, own));
        const statements = statementsOf(plan, ofPlan);
        assert.equal(statements, statementsOf(plan, own));
        // A window of every block is a segment, and behind the last block there is one for what is outside.
        const runs = statements.map((of) => of.filter(({ kind }) => kind === 'run').length);
        const windows = own.blocks.map(
          ({ segments }) => 1 + segments.filter(({ kind }) => kind === 'collective').length,
        );
        assert.equal(
          runs,
          windows.map((count, index) => count + (index === windows.length - 1 ? 1 : 0)),
        );
      });
    }
  }
}

attached('its windows take no time, and its blocks and collectives are those of the profile', () => {
  const own = profileWorkload(profileOf(bound('flux.1-dev', '512x512', 7, { sp: 2 }), pair));
  const ofPlan = workloadOfProfiled(planDocument(makePlan('yield', own, pair), own));
  assert.is(
    ofPlan.blocks.reduce((sum, block) => sum + blockComputeS(block, pair.gpu), 0),
    0,
  );
  assert.equal(
    ofPlan.blocks.map(({ weightBytes }) => weightBytes),
    own.blocks.map(({ weightBytes }) => weightBytes),
  );
  assert.equal([ofPlan.model.id, ofPlan.ranks, ofPlan.passes], ['mymodel', 2, 1]);
});

attached('a plan of the catalogue is refused', () => {
  const catalogue = bound('flux.1-dev', '512x512', 7, { sp: 2 });
  const document = planDocument(makePlan('yield', catalogue, pair), catalogue);
  assert.throws(
    () => workloadOfProfiled(document),
    (error: unknown) => error instanceof UserError && /profiled: is missing/.test(error.message),
  );
});

attached.run();

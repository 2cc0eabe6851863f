import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { closedForm } from '../../../model/analytic/closedForm.ts';
import { doubtOf } from '../../../model/analytic/doubt.ts';
import { predictStep } from '../../../model/analytic/stepReport.ts';
import { withBlocks } from '../../../model/dit/depth.ts';
import { loadDit } from '../../../model/dit/load.ts';
import { parseSize } from '../../../model/dit/tokens.ts';
import { UserError } from '../../../model/input/userError.ts';
import { segmentTimeS } from '../../../model/physics/compute.ts';
import { collectiveAloneS } from '../../../model/physics/linkShare.ts';
import type { Plan } from '../../../model/plan/plan.ts';
import { makePlan, presetHelp } from '../../../model/presets/presets.ts';
import { lower } from '../../../model/program/lower.ts';
import type { StepProgram } from '../../../model/program/stepProgram.ts';
import { verify } from '../../../model/program/verify.ts';
import { loadSystem } from '../../../model/system/load.ts';
import { type FlowTransport, transportOf } from '../../../model/system/transport.ts';
import { bindWorkload, type WorkloadOptions } from '../../../model/workload/bind.ts';
import type { BoundWorkload } from '../../../model/workload/workload.ts';
import { streamedBound } from '../../../search/capBound.ts';
import { sensitivities } from '../../../search/explain/sensitivity/sensitivities.ts';
import { expressStep } from '../../../search/explain/sensitivity/stepExpression.ts';
import { usualSpace } from '../../../search/searchSpace.ts';
import { simulate } from '../../../sim/simulate.ts';

const test = suite('steps with ring attention');

const fast = loadSystem('h100-sxm-x4');
const slow = loadSystem('h100-pcie-x4');
const bind = (model: string, size: string, options: Partial<WorkloadOptions>): BoundWorkload =>
  bindWorkload(withBlocks(loadDit(model), 4), { size: parseSize(size), cfg: 'none', ...options });
const near = (value: number, expected: number, share: number, what: string) =>
  assert.ok(Math.abs(value - expected) <= share * expected, `${what}: ${value} for ${expected}`);

test('without offload a part takes the longer of its compute and its send', () => {
  for (const [model, size] of [
    ['wan2.1-t2v-14b', '1280x720x81'],
    ['flux.1-dev', '512x512'],
  ] as const) {
    const workload = bind(model, size, { sp: 1, ring: 4 });
    const plan = makePlan('none', workload, slow, 'shm');
    const transport = transportOf(slow, 'shm', 4) as FlowTransport;
    let stepS = 0;
    for (const { segments } of workload.blocks) {
      for (const segment of segments) {
        if (segment.kind === 'compute') stepS += segmentTimeS(segment, slow.gpu);
        if (segment.kind !== 'overlapped') continue;
        const computeS = segment.compute.reduce((sum, part) => sum + segmentTimeS(part, slow.gpu), 0);
        const { collective, sentBytes } = segment.collective;
        stepS += Math.max(computeS, collectiveAloneS(transport, collective, sentBytes));
      }
    }
    near(closedForm(workload, slow, plan).stepTimeS, stepS, 1e-9, `${model}, closed form`);
    near(simulate(workload, slow, plan).report.stepTimeS, stepS, 1e-9, `${model}, simulator`);
  }
});

test('long sequences hide the sends, short ones are limited by them', () => {
  const steps = (size: string) => {
    const step = (options: Partial<WorkloadOptions>) => {
      const workload = bind('wan2.1-t2v-14b', size, options);
      return predictStep(workload, fast, makePlan('none', workload, fast, 'nvlink'));
    };
    return { ring: step({ sp: 1, ring: 4 }), ulysses: step({ sp: 4 }) };
  };
  const long = steps('1280x720x81');
  assert.is(long.ring.collectiveS, 0);
  assert.ok(long.ulysses.collectiveS > 0);
  const short = steps('256x256x9');
  assert.ok(short.ring.collectiveS > 0);
  assert.ok(short.ring.stepTimeS > short.ulysses.stepTimeS, 'ring sends more than Ulysses');
});

test('where the sends are hidden, copies beside them cost nothing until they hold the sends up', () => {
  const workload = bind('wan2.1-t2v-14b', '1280x720x81', { sp: 1, ring: 2 });
  for (const transport of ['nvlink', 'shm']) {
    const step = (text: string) => {
      const plan = makePlan(text, workload, fast, transport);
      return { closed: predictStep(workload, fast, plan), simulated: simulate(workload, fast, plan).report };
    };
    const none = step('none');
    const layerwise = step('layerwise');
    for (const road of ['closed', 'simulated'] as const) {
      near(layerwise[road].stepTimeS, none[road].stepTimeS, 1e-3, `${transport} ${road}`);
    }
  }
});

test('where the sends are what takes long, copies beside them make them longer', () => {
  const workload = bind('flux.1-dev', '1024x1024', { sp: 1, ring: 4 });
  const step = (text: string) => predictStep(workload, slow, makePlan(text, workload, slow, 'shm'));
  const none = step('none');
  const chunked = step('chunked');
  assert.ok(none.collectiveS > 0);
  assert.ok(none.collectiveInflationS < 1e-12);
  assert.ok(chunked.collectiveInflationS > 0);
  near(
    chunked.stepTimeS,
    chunked.computeS + chunked.collectiveS + chunked.exposedPrefetchS,
    1e-9,
    'parts of the step',
  );
  const { report } = simulate(workload, slow, makePlan('chunked', workload, slow, 'shm'));
  near(report.stepTimeS, report.computeS + report.collectiveS + report.exposedPrefetchS, 1e-6, 'simulated');
  near(report.collectiveInflationS, chunked.collectiveInflationS, 0.1, 'inflation on both roads');
});

const LAYOUTS = [
  { sp: 1, ring: 2 },
  { sp: 2, ring: 2 },
  { sp: 1, ring: 2, tp: 2 },
];
const plansOf = (workload: BoundWorkload): Plan[] =>
  presetHelp.map(({ name }) => makePlan(name, workload, slow, 'shm'));

for (const layout of LAYOUTS) {
  const workload = bind('wan2.1-t2v-14b', '832x480x17', layout);
  test(`${JSON.stringify(layout)}: programs of every preset verify`, () => {
    for (const plan of plansOf(workload))
      for (const detail of ['segments', 'windows'] as const)
        assert.equal(verify(lower(workload, slow, plan, detail)), [], plan.name);
  });

  test(`${JSON.stringify(layout)}: no plan is below the bound of what it streams`, () => {
    for (const size of ['832x480x17', '320x192x5', '1280x720x33']) {
      const sized = bind('wan2.1-t2v-14b', size, layout);
      for (const plan of plansOf(sized)) {
        const streamed = plan.blocks.reduce(
          (sum, { windowBytes }) => sum + windowBytes.reduce((all, bytes) => all + bytes, 0),
          0,
        );
        const bound = streamedBound(sized, slow, [{ transport: 'shm', pieceBytes: 0 }], streamed);
        const { report } = simulate(sized, slow, plan, { breakEven: false });
        assert.ok(
          report.stepTimeS >= bound.stepTimeS * (1 - 2e-3),
          `${size} ${plan.name}: simulated ${report.stepTimeS}, bound ${bound.stepTimeS}`,
        );
        // The bound is near: no offload is at it, and nothing is far below.
        if (streamed === 0) near(report.stepTimeS, bound.stepTimeS, 2e-3, 'no offload');
      }
    }
  });

  test(`${JSON.stringify(layout)}: the step has an expression, worth what the closed form says`, () => {
    for (const text of ['none', 'layerwise', 'yield', 'chunked,chunk=8MiB']) {
      const plan = makePlan(text, workload, slow, 'shm');
      const { obstacle } = expressStep(workload, slow, plan, 1);
      assert.is(obstacle, null, text);
      assert.ok(sensitivities(workload, slow, plan).length > 0);
    }
  });
}

const ring = bind('wan2.1-t2v-14b', '832x480x17', { sp: 1, ring: 4 });
const program = lower(ring, slow, makePlan('yield', ring, slow, 'shm'));

/** The program with some of its operations changed. */
const changed = (change: (op: StepProgram['ops'][number]) => StepProgram['ops'][number]): StepProgram => ({
  ...program,
  ops: program.ops.map(change),
});

test('a part that does not wait for its K and V is refused', () => {
  const sends = new Set(
    program.ops.flatMap((op) => (op.kind === 'collective' && / send /.test(op.label) ? [op.id] : [])),
  );
  const early = changed((op) => ({ ...op, waits: op.waits.filter(({ op: waited }) => !sends.has(waited)) }));
  assert.ok(verify(early).some(({ rule }) => rule === 'critical-path'));
});

test('a send that does not wait for Q, K and V, or for the part before, is refused', () => {
  const early = changed((op) =>
    op.kind === 'collective' && / send /.test(op.label) ? { ...op, waits: [] } : op,
  );
  assert.ok(verify(early).some(({ rule }) => rule === 'critical-path'));
});

test('compute beside a collective that is not the one before it is refused', () => {
  const wrong = changed((op) =>
    op.kind === 'compute' && op.besideGroup !== undefined ? { ...op, besideGroup: op.besideGroup + 1 } : op,
  );
  assert.ok(verify(wrong).some(({ message }) => /which is not the one before it/.test(message)));
});

test('what a send takes from attention is not known, which widens the interval upwards', () => {
  const plain = bind('wan2.1-t2v-14b', '1280x720x81', { sp: 4 });
  const round = bind('wan2.1-t2v-14b', '1280x720x81', { sp: 1, ring: 4 });
  const doubtOn = (workload: BoundWorkload) => {
    const none = makePlan('none', workload, fast, 'nvlink');
    return doubtOf(workload, fast, none, none);
  };
  assert.ok(doubtOn(round).step[1] > doubtOn(plain).step[1]);
  assert.equal(doubtOn(round).versusNone, [1, 1]);
});

test('copy engines carry no sends beside compute: plans are refused, the search leaves them out', () => {
  const system = loadSystem('h200-x2');
  const staged = system.transports.find(({ kind }) => kind === 'staged-copy')!.name;
  const workload = bind('flux.1-dev', '1024x1024', { sp: 1, ring: 2 });
  const says = (error: unknown) =>
    error instanceof UserError &&
    /staged-copy has no sends of ring attention.*leave out --ring/.test(error.message);
  assert.throws(() => makePlan('yield', workload, system, staged), says);
  assert.throws(() => usualSpace(workload, system, staged), says);
  const { backends } = usualSpace(workload, system);
  assert.ok(backends.length > 0);
  assert.not.ok(backends.some(({ transport }) => transport === staged));
});

test.run();

import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { closedForm } from '../../../../model/analytic/closedForm.ts';
import { clockOf } from '../../../../model/analytic/stepReport.ts';
import { loadDit } from '../../../../model/dit/load.ts';
import { parseSize } from '../../../../model/dit/tokens.ts';
import { stepEnergyJ, stepPowerW } from '../../../../model/physics/power.ts';
import { makePlan } from '../../../../model/presets/presets.ts';
import { loadSystem } from '../../../../model/system/load.ts';
import type { System } from '../../../../model/system/system.ts';
import { transportNamed } from '../../../../model/system/transport.ts';
import { bindWorkload } from '../../../../model/workload/bind.ts';
import { type Sensitivity, sensitivities } from '../../../../search/explain/sensitivity/sensitivities.ts';
import { expressStep } from '../../../../search/explain/sensitivity/stepExpression.ts';

/** Machines with one number times a factor, written here as a person would change the machine file. */
const CHANGED: Record<string, (system: System, factor: number, transport: string) => System> = {
  'H2D rate': (system, factor) => ({
    ...system,
    gpu: engine(system, { h2dBytesPerS: system.gpu.copyEngine.h2dBytesPerS * factor }),
    tree: system.tree.map((node) => ({
      ...node,
      downBytesPerS: node.downBytesPerS * factor,
      duplexBytesPerS: Number.isFinite(node.duplexBytesPerS)
        ? node.duplexBytesPerS + (factor - 1) * node.downBytesPerS
        : node.duplexBytesPerS,
    })),
  }),
  'all-to-all rate': (system, factor, name) => ({
    ...system,
    transports: system.transports.map((transport) => {
      if (transport.name !== name || transport.kind !== 'flow') return transport;
      const rate = transport.collectives['all-to-all'];
      return {
        ...transport,
        collectives: {
          ...transport.collectives,
          'all-to-all': { ...rate, bytesPerS: rate.bytesPerS * factor },
        },
      };
    }),
  }),
  'collective latency': (system, factor, name) => ({
    ...system,
    transports: system.transports.map((transport) =>
      transport.name === name ? { ...transport, latencyS: transport.latencyS * factor } : transport,
    ),
  }),
  'gemm efficiency': (system, factor) => efficient(system, 'gemm', factor),
  'attention efficiency': (system, factor) => efficient(system, 'attention', factor),
  'elementwise efficiency': (system, factor) => efficient(system, 'elementwise', factor),
  'peak compute': (system, factor) => ({
    ...system,
    gpu: { ...system.gpu, peakFlops: system.gpu.peakFlops * factor },
  }),
  'device memory rate': (system, factor) => ({
    ...system,
    gpu: { ...system.gpu, hbmBytesPerS: system.gpu.hbmBytesPerS * factor },
  }),
  'copy start-up': (system, factor) => ({
    ...system,
    gpu: engine(system, { startUpS: system.gpu.copyEngine.startUpS * factor }),
  }),
  'gap between chunks': (system, factor) => ({
    ...system,
    gpu: engine(system, { gapS: system.gpu.copyEngine.gapS * factor }),
  }),
};

function engine({ gpu }: System, changed: Partial<System['gpu']['copyEngine']>): System['gpu'] {
  return { ...gpu, copyEngine: { ...gpu.copyEngine, ...changed } };
}

function efficient(system: System, of: 'gemm' | 'attention' | 'elementwise', factor: number): System {
  const efficiency = { ...system.gpu.efficiency, [of]: system.gpu.efficiency[of] * factor };
  return { ...system, gpu: { ...system.gpu, efficiency } };
}

type Regime = 'hidden' | 'beside' | 'exposed';
type Case = [
  model: string,
  size: string,
  sp: number,
  machine: string,
  transport: string,
  plan: string,
  Regime,
];

// Each well inside of one regime, so that no neighbour is in another.
const CASES: Case[] = [
  ['wan2.1-t2v-14b', '832x480x81', 2, 'h200-x1-fitted', 'staged-sm', 'yield', 'hidden'],
  ['wan2.1-t2v-14b', '832x480x81', 2, 'h200-x1-fitted', 'staged-sm', 'chunked', 'beside'],
  ['wan2.1-t2v-14b', '832x480x81', 2, 'h200-x1-fitted', 'staged-sm', 'layerwise', 'beside'],
  ['wan2.1-t2v-14b', '832x480x81', 2, 'h200-x2', 'shm', 'chunkflow-paper', 'beside'],
  ['wan2.1-t2v-14b', '832x480x81', 2, 'h200-x1-fitted', 'staged-copy', 'yield', 'hidden'],
  ['wan2.1-t2v-14b', '832x480x81', 1, 'h200-x1-fitted', 'none', 'chunked', 'hidden'],
  ['flux.1-dev', '1024x1024', 2, 'h200-x1-fitted', 'staged-sm', 'chunked', 'exposed'],
  ['flux.1-dev', '1024x1024', 2, 'h200-x1-fitted', 'staged-sm', 'yield,resident=0.5', 'exposed'],
  ['flux.1-dev', '1024x1024', 2, 'h200-x2', 'shm', 'layerwise,prefetch=3', 'exposed'],
  ['flux.1-dev', '1024x1024', 2, 'h100-pcie-x2', 'shm', 'layerwise-drain', 'exposed'],
  ['flux.1-dev', '512x512', 2, 'h200-x1-fitted', 'staged-copy', 'yield', 'exposed'],
  ['flux.1-dev', '1024x1024', 1, 'h100-pcie-x2', 'none', 'layerwise', 'exposed'],
  ['flux.1-dev', '1024x1024', 1, 'h100-pcie-x2', 'none', 'sequential', 'exposed'],
  ['flux.1-dev', '1024x1024', 2, 'h200-x1-fitted', 'staged-sm', 'paced', 'exposed'],
];

function pointOf([model, size, sp, machine, transport, text]: Case) {
  const workload = bindWorkload(loadDit(model), { size: parseSize(size), sp, cfg: 'none' });
  const system = loadSystem(machine);
  const plan = makePlan(text, workload, system, sp > 1 ? transport : undefined);
  return { workload, system, plan, clock: clockOf(workload, system, plan) };
}

const regimes = suite('sensitivities against finite differences');

for (const point of CASES) {
  const [model, size, sp, machine, transport, text, regime] = point;
  const { workload, system, plan, clock } = pointOf(point);
  const times = closedForm(workload, system, plan, clock);
  const found = sensitivities(workload, system, plan);
  const name = `${model} ${size} on ${machine}, ${sp} over ${transport}: ${text}`;

  regimes(`${name}: is ${regime}`, () => {
    const share = (seconds: number) => seconds / times.stepTimeS;
    if (regime !== 'exposed') assert.ok(share(times.exposedPrefetchS) < 1e-3);
    if (regime === 'hidden') assert.ok(share(times.collectiveInflationS) < 1e-3);
    if (regime === 'beside') assert.ok(share(times.collectiveInflationS) > 0.02);
    if (regime === 'exposed') assert.ok(share(times.exposedPrefetchS) > 0.1);
  });

  regimes(`${name}: the expression is worth the step`, () => {
    const { expression, obstacle, stepTimeS } = expressStep(workload, system, plan, clock);
    assert.is(obstacle, null);
    assert.ok(expression !== null && expression.terms.length <= 80, `${expression?.terms.length} terms`);
    assert.ok(Math.abs(stepTimeS / times.stepTimeS - 1) < 1e-12);
  });

  for (const { parameter, how, why, dStepSI, elasticity, expression } of found) {
    const change = CHANGED[parameter];
    if (change === undefined) continue;
    regimes(`${name}: ${parameter}`, () => {
      assert.is(how, 'symbolic', why ?? '');
      assert.ok(expression!.length > 0);
      const STEP = 3e-5;
      const at = (factor: number) =>
        closedForm(workload, change(system, factor, transport), plan, clock).stepTimeS;
      const perWhole = (at(1 + STEP) - at(1 - STEP)) / (2 * STEP);
      const slack = 1e-3 * Math.abs(perWhole) + 1e-7 * times.stepTimeS;
      assert.ok(
        Math.abs(elasticity * times.stepTimeS - perWhole) <= slack,
        `${elasticity} and ${perWhole / times.stepTimeS}`,
      );
      assert.ok(Number.isFinite(dStepSI));
    });
  }

  regimes(`${name}: better links, collectives and compute never cost time`, () => {
    for (const { parameter, elasticity } of found) {
      const isRate = / rate$|efficiency$|^peak/.test(parameter);
      if (isRate) assert.ok(elasticity <= 1e-9, `${parameter}: ${elasticity}`);
    }
  });
}

regimes.run();

const laws = suite('laws of sensitivities');
const of = (found: readonly Sensitivity[], name: string) =>
  found.find(({ parameter }) => parameter === name)!;

/** Nothing takes time but what a parameter stands for. */
function allInParameters(system: System): System {
  const { gpu } = system;
  return {
    ...system,
    gpu: {
      ...gpu,
      launchFloorS: 0,
      kernelOverheadS: { gemm: 0, attention: 0, elementwise: 0 },
      attentionTiles: gpu.attentionTiles && { ...gpu.attentionTiles, overheadS: 0 },
      power: null,
    },
    transports: system.transports.map((transport) => {
      if (transport.kind === 'staged-copy') return { ...transport, flagS: 0 };
      const rate = transport.collectives['all-to-all'];
      const alike = { ...rate, besideH2d: { ...rate.besideH2d, gapS: null } };
      return {
        ...transport,
        collectives: { 'all-to-all': alike, 'all-gather': alike, 'all-reduce': alike },
      };
    }),
  };
}

for (const [model, size, machine, transport, text] of [
  ['flux.1-dev', '1024x1024', 'h200-x1-fitted', 'staged-sm', 'yield,resident=0.5'],
  ['flux.1-dev', '1024x1024', 'h200-x1-fitted', 'staged-copy', 'yield,resident=0.5'],
  ['flux.1-dev', '1024x1024', 'h200-x2', 'shm', 'layerwise'],
  ['wan2.1-t2v-14b', '832x480x81', 'h200-x2', 'shm', 'chunked'],
  ['wan2.1-t2v-14b', '832x480x81', 'h200-x2', 'staged-copy', 'none'],
] as const) {
  laws(
    `all rates up and all latencies down is time: ${model} on ${machine} over ${transport}: ${text}`,
    () => {
      const workload = bindWorkload(loadDit(model), { size: parseSize(size), sp: 2, cfg: 'none' });
      const system = allInParameters(loadSystem(machine));
      const found = sensitivities(workload, system, makePlan(text, workload, system, transport));
      const sum = (names: readonly string[]) =>
        names.reduce((total, name) => total + (of(found, name)?.elasticity ?? 0), 0);
      const rates = sum(['H2D rate', 'D2H rate', 'all-to-all rate', 'peak compute', 'device memory rate']);
      const latencies = sum(['collective latency', 'copy start-up', 'gap between chunks']);
      assert.ok(Math.abs(latencies - rates - 1) < 1e-6, `${rates}, ${latencies}`);
    },
  );
}

laws('a peak is worth what the efficiencies of its classes are worth together', () => {
  const { workload, system, plan } = pointOf(CASES[0]!);
  const found = sensitivities(workload, system, plan);
  const classes = of(found, 'gemm efficiency').elasticity + of(found, 'attention efficiency').elasticity;
  assert.ok(Math.abs(classes / of(found, 'peak compute').elasticity - 1) < 1e-9);
});

laws('units: ms per GB/s, per microsecond, per per cent', () => {
  const { workload, system, plan } = pointOf(CASES[8]!);
  const found = sensitivities(workload, system, plan);
  const rate = of(found, 'H2D rate');
  assert.is(rate.unit, 'ms per GB/s');
  assert.is(rate.value, '55.5 GB/s');
  assert.ok(Math.abs(rate.dStep / (rate.dStepSI * 1e12) - 1) < 1e-12);
  assert.is(of(found, 'copy start-up').unit, 'ms per us');
  assert.is(of(found, 'gemm efficiency').unit, 'ms per %');
});

laws('a link that is waited for: all of the step, whatever its rate', () => {
  const { workload, system, plan } = pointOf([
    'flux.1-dev',
    '512x512',
    2,
    'h200-x1-fitted',
    'staged-copy',
    'yield',
    'exposed',
  ]);
  const found = sensitivities(workload, system, plan);
  const rate = of(found, 'H2D rate');
  // While a piece is written out, the link goes at its rate for both directions, which D2H has a part in.
  assert.match(
    rate.expression!,
    /^bothWays1 = .*; -\(\d+ \/ h2d \^ 2\) \+ \(-\(\d+ \/ bothWays1 \^ 2\)\) \* \(0\.5\)$/,
  );
  const both = rate.elasticity + of(found, 'D2H rate').elasticity;
  assert.ok(rate.elasticity < -0.98 && both < -0.99 && both > -1);
});

laws.run();

const power = suite('sensitivities under a power cap');

/** The step at the exact fixed point of its clock. */
function settledS(
  workload: Parameters<typeof closedForm>[0],
  system: System,
  plan: Parameters<typeof closedForm>[2],
): number {
  const cap = system.gpu.power!;
  const energy = stepEnergyJ(workload, cap);
  const stepS = (clock: number) => closedForm(workload, system, plan, clock).stepTimeS;
  let [low, high] = [cap.minClock, 1];
  for (let round = 0; round < 50; round += 1) {
    const middle = (low + high) / 2;
    if (stepPowerW(cap, energy, middle, stepS(middle)) <= cap.capW) low = middle;
    else high = middle;
  }
  return stepS(low);
}

const CAPPED: Case[] = [
  ['wan2.1-t2v-14b', '832x480x81', 1, 'h200-x1-fitted', 'none', 'chunked', 'hidden'],
  ['hunyuanvideo-13b', '1280x720x129', 1, 'h200-x1-fitted', 'none', 'layerwise', 'hidden'],
  ['wan2.1-t2v-14b', '1280x720x81', 2, 'h200-x1-fitted', 'staged-sm', 'chunked', 'beside'],
];
for (const point of CAPPED) {
  const { workload, system, plan } = pointOf(point);
  const found = sensitivities(workload, system, plan);
  const here = settledS(workload, system, plan);
  const STEP = 1e-4;
  const elasticityOf = (change: (factor: number) => System) =>
    (settledS(workload, change(1 + STEP), plan) - settledS(workload, change(1 - STEP), plan)) /
    (2 * STEP * here);

  for (const name of ['gemm efficiency', 'attention efficiency', 'device memory rate', 'H2D rate']) {
    power(`${point.slice(0, 4).join(' ')}: ${name} with its clock`, () => {
      const { withClock, elasticity } = of(found, name);
      const expected = elasticityOf((factor) => CHANGED[name]!(system, factor, point[4]));
      assert.ok(
        Math.abs(withClock!.elasticity - expected) <= 2e-3 * Math.abs(expected) + 1e-6,
        `${withClock!.elasticity}, ${expected}`,
      );
      // Time that is saved is partly paid back.
      assert.ok(Math.abs(withClock!.elasticity) <= Math.abs(elasticity));
    });
  }

  power(`${point.slice(0, 4).join(' ')}: the cap itself`, () => {
    const cap = of(found, 'power cap');
    assert.is(cap.elasticity, 0);
    const expected = elasticityOf((factor) => ({
      ...system,
      gpu: { ...system.gpu, power: { ...system.gpu.power!, capW: system.gpu.power!.capW * factor } },
    }));
    assert.ok(
      Math.abs(cap.withClock!.elasticity / expected - 1) < 2e-3,
      `${cap.withClock!.elasticity}, ${expected}`,
    );
    assert.ok(expected < 0);
  });
}

power('where no cap holds the clock, there is none to answer', () => {
  for (const point of [CASES[1]!, CASES[9]!]) {
    const { workload, system, plan } = pointOf(point);
    const found = sensitivities(workload, system, plan);
    assert.ok(found.every(({ withClock }) => withClock === null));
    assert.is(of(found, 'power cap'), undefined);
  }
});

power.run();

const numeric = suite('slopes that are no derivatives');

numeric('turns of the copy engine have no expression, and every answer says so', () => {
  const { workload, system, plan, clock } = pointOf([
    'flux.1-dev',
    '1024x1024',
    2,
    'h200-x1-fitted',
    'staged-copy',
    'layerwise',
    'exposed',
  ]);
  assert.is(transportNamed(system, plan.transport).kind, 'staged-copy');
  const stepS = closedForm(workload, system, plan, clock).stepTimeS;
  for (const { parameter, how, why, expression, elasticity } of sensitivities(workload, system, plan)) {
    assert.is(how, 'numeric', parameter);
    assert.is(expression, null);
    if (parameter === 'tokens' || parameter === 'chunk size') continue;
    assert.match(why!, /take turns/);
    const change = CHANGED[parameter];
    if (change === undefined) continue;
    const at = (factor: number) =>
      closedForm(workload, change(system, factor, plan.transport), plan, clock).stepTimeS;
    const expected = (at(1 + 1e-5) - at(1 - 1e-5)) / (2e-5 * stepS);
    assert.ok(Math.abs(elasticity - expected) <= 1e-3 * Math.abs(expected) + 1e-6, parameter);
  }
});

numeric('at a kink the slopes of both sides are told', () => {
  const wan = loadDit('wan2.1-t2v-14b');
  const workload = bindWorkload(wan, { size: parseSize('832x480x17'), sp: 1, cfg: 'none' });
  const machine = loadSystem('h100-pcie-x2');
  // A copy that just about waits for its engine starts either way alike.
  const system = { ...machine, gpu: engine(machine, { gapS: machine.gpu.copyEngine.startUpS }) };
  const plan = makePlan('chunked,chunk=64MiB', workload, system);
  // The rate at which a block's copy takes just as long as its compute: slower exposes it, faster changes nothing.
  const { computeS } = closedForm(workload, system, plan);
  const { weightBytes } = workload.blocks[0]!;
  const pausesS = Math.ceil(weightBytes / plan.chunkBytes) * machine.gpu.copyEngine.startUpS;
  const rate = weightBytes / (computeS / workload.blocks.length - pausesS);
  const changed = CHANGED['H2D rate']!(system, rate / system.gpu.copyEngine.h2dBytesPerS, 'none');
  const found = of(sensitivities(workload, changed, plan), 'H2D rate');
  assert.is(found.how, 'numeric');
  assert.match(found.why!, /^at a kink: -0\.\d+ % below it and -?0.* % above/);
});

numeric('tokens and chunks come in whole numbers', () => {
  const { workload, system, plan } = pointOf(CASES[6]!);
  const found = sensitivities(workload, system, plan);
  for (const name of ['tokens', 'chunk size']) {
    assert.is(of(found, name).how, 'numeric');
    assert.match(of(found, name).why!, /whole/);
  }
  // Larger chunks have fewer gaps between them.
  assert.ok(of(found, 'chunk size').elasticity < 0);
  assert.ok(of(found, 'tokens').elasticity > 0);
  const whole = pointOf(CASES[8]!);
  assert.is(of(sensitivities(whole.workload, whole.system, whole.plan), 'chunk size'), undefined);
});

numeric.run();

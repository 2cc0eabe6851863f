import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { generate } from '../../../../codegen/generate.ts';
import { closedForm } from '../../../../model/analytic/closedForm.ts';
import { predictStep } from '../../../../model/analytic/stepReport.ts';
import { withBlocks } from '../../../../model/dit/depth.ts';
import { loadDit } from '../../../../model/dit/load.ts';
import { parseSize } from '../../../../model/dit/tokens.ts';
import { parseJson } from '../../../../model/input/jsonFile.ts';
import { UserError } from '../../../../model/input/userError.ts';
import { memoryNeed } from '../../../../model/physics/memory.ts';
import { streamedBytesOf } from '../../../../model/plan/plan.ts';
import { planOf, planText, sourceOf } from '../../../../model/plan/planFile.ts';
import { makePlan } from '../../../../model/presets/presets.ts';
import { TOOLS, type ToolName } from '../../../../model/presets/tools/names.ts';
import { toolPlan } from '../../../../model/presets/tools/toolPlan.ts';
import { readSettings, settingsText, splitToolText } from '../../../../model/presets/tools/toolText.ts';
import { UNSAID } from '../../../../model/presets/tools/unsaid.ts';
import { readProfile } from '../../../../model/profile/profileFile.ts';
import { profileWorkload } from '../../../../model/profile/profileWorkload.ts';
import { lower } from '../../../../model/program/lower.ts';
import { verify } from '../../../../model/program/verify.ts';
import { loadSystem } from '../../../../model/system/load.ts';
import { bindWorkload } from '../../../../model/workload/bind.ts';
import { simulate } from '../../../../sim/simulate.ts';

const test = suite('settings of tools as plans');

const system = loadSystem('rtx5090-x1');
const pair = loadSystem('h200-x2');

const bound = (model: string, size: string, sp = 1, blocks?: number) => {
  const dit = loadDit(model);
  return bindWorkload(blocks === undefined ? dit : withBlocks(dit, blocks), { size: parseSize(size), sp });
};

const MODELS = [
  bound('wan2.1-t2v-14b', '832x480x33', 1, 12),
  bound('flux.1-dev', '1024x1024', 1, 12),
  bound('wan2.2-t2v-a14b', '832x480x17', 1, 8),
  bound('qwen-image-20b', '1024x1024', 1, 10),
];
const [wan, flux] = MODELS as [(typeof MODELS)[0], (typeof MODELS)[0]];

const isOf = (tool: ToolName, id: string) =>
  !['comfyui-wanvideowrapper', 'lightx2v'].includes(tool) || id.startsWith('wan');

// The wrapper's default swaps more blocks than these cut models have, which is every block.
for (const workload of MODELS) {
  for (const tool of Object.keys(TOOLS) as ToolName[]) {
    const where = `${tool} alone, ${workload.model.id}`;
    if (!isOf(tool, workload.model.id)) {
      test(`${where}: is refused, since its blocks are others`, () =>
        assert.throws(() => makePlan(tool, workload, system), /the blocks of .* are others; take /));
      continue;
    }
    const plan = makePlan(tool, workload, system);

    test(`${where}: a program that may run, on which closed form and simulator agree`, () => {
      assert.equal(plan.recipe, { by: 'tool', tool, text: tool });
      assert.equal(verify(lower(workload, system, plan)), []);
      const { report } = simulate(workload, system, plan, { breakEven: false });
      const predicted = predictStep(workload, system, plan);
      assert.ok(Math.abs(report.stepTimeS / predicted.stepTimeS - 1) < 5e-3, `${report.stepTimeS}`);
      assert.is(report.gpuPeakBytes, predicted.gpuPeakBytes);
    });

    test(`${where}: no faster than no offload, in no more memory, and its blocks' bytes are all there`, () => {
      const none = makePlan('none', workload, system);
      const [own, all] = [plan, none].map((one) => predictStep(workload, system, one));
      assert.ok(own!.stepTimeS >= all!.stepTimeS * (1 - 1e-9));
      assert.ok(own!.gpuPeakBytes <= all!.gpuPeakBytes);
      const kept = plan.blocks.reduce((sum, { residentBytes }) => sum + residentBytes, 0);
      assert.is(
        kept + streamedBytesOf(plan),
        workload.blocks.reduce((sum, block) => sum + block.weightBytes, 0),
      );
    });

    test(`${where}: a file of it is the same plan`, () => {
      const read = planOf(sourceOf(parseJson('plan.json', planText(plan, workload), '')), workload, system);
      assert.equal({ ...read, recipe: plan.recipe }, plan);
    });
  }
}

// What a larger value does: bytes that are copied, and memory.
const MOVES: [
  text: string,
  values: [number, number],
  copies: 'fewer' | 'more' | 'as many',
  memory: -1 | 0 | 1,
][] = [
  ['sglang,resident=', [2, 6], 'fewer', 1],
  ['sglang,policy=strided,resident=', [2, 6], 'fewer', 1],
  ['sglang,prefetch=', [1, 3], 'as many', 1],
  ['sglang,dit-layerwise-resident-layers=', [0.25, 0.5], 'fewer', 1],
  ['diffusers,num_blocks_per_group=', [1, 3], 'as many', 1],
  ['vllm-omni,resident_layers=', [2, 6], 'fewer', 1],
  ['accelerate,max_memory=', [3, 5], 'fewer', 1],
  ['comfyui-native,reserve-vram=', [22, 24], 'more', -1],
  ['comfyui,blocks_to_swap=', [3, 9], 'more', -1],
];
for (const [text, [low, high], copies, memory] of MOVES) {
  test(`${text} from ${low} to ${high}: copies ${copies}, memory ${memory}`, () => {
    const plans = [low, high].map((value) => makePlan(`${text}${value}`, wan, system));
    const [before, after] = plans.map(streamedBytesOf) as [number, number];
    assert.is(Math.sign(after - before), { fewer: -1, more: 1, 'as many': 0 }[copies]);
    const [less, more] = plans.map((plan) => memoryNeed(wan, system, plan).gpuPeakBytes) as [number, number];
    assert.is(Math.sign(more - less), memory);
    const [first, second] = plans.map((plan) => predictStep(wan, system, plan).stepTimeS) as [number, number];
    if (copies === 'fewer') assert.ok(second <= first * (1 + 1e-9));
    if (copies === 'more') assert.ok(second >= first * (1 - 1e-9));
  });
}

test('a tool that has a preset is that preset', () => {
  const SAME: [text: string, preset: string][] = [
    ['sglang', 'layerwise'],
    ['sglang,prefetch=2,resident=4', 'layerwise,prefetch=2,resident-layers=4'],
    ['sglang,policy=strided', 'layerwise-strided'],
    ['vllm-omni,mode=module', 'none'],
    ['diffusers,enable_model_cpu_offload', 'none'],
  ];
  for (const [text, preset] of SAME) {
    const { name: _, recipe: __, ...own } = makePlan(text, wan, system);
    const { name: ___, recipe: ____, ...other } = makePlan(preset, wan, system);
    if (own.slots === 0) assert.equal({ ...other, ...own }, { ...other, ...own, blocks: other.blocks });
    else assert.equal(own, other, text);
  }
});

test('diffusers with a stream waits for the first block of a pass, and for nothing of vLLM-Omni otherwise', () => {
  const ring = makePlan('vllm-omni', wan, system);
  const group = makePlan('diffusers,use_stream', wan, system);
  assert.equal(
    group.blocks.map(({ issueAt }) => issueAt),
    [0, 0, ...ring.blocks.slice(2).map(({ issueAt }) => issueAt)],
  );
  // 33 frames hide every copy but that one.
  const { startUpS, h2dBytesPerS } = system.gpu.copyEngine;
  const firstS = wan.passes * (startUpS + wan.blocks[0]!.weightBytes / h2dBytesPerS);
  const extraS = closedForm(wan, system, group).stepTimeS - closedForm(wan, system, ring).stepTimeS;
  assert.ok(Math.abs(extraS / firstS - 1) < 1e-3, `${extraS}, not ${firstS}`);
});

test('copies outside of blocks take their bytes over the rate of their memory, in every pass', () => {
  const swap = makePlan('comfyui,blocks_to_swap=4', wan, system);
  const bytes = 4 * wan.blocks[0]!.weightBytes;
  const { h2dBytesPerS, d2hBytesPerS } = system.gpu.copyEngine;
  const pageable = system.host.pageableBytesPerS;
  const noneS = predictStep(wan, system, makePlan('none', wan, system)).stepTimeS;
  const extraS =
    wan.passes * bytes * (1 / Math.min(pageable, h2dBytesPerS) + 1 / Math.min(pageable, d2hBytesPerS));
  const { stepTimeS, exposedPrefetchS, hostPinnedBytes } = predictStep(wan, system, swap);
  assert.ok(Math.abs((stepTimeS - noneS) / extraS - 1) < 2e-3);
  assert.ok(Math.abs(exposedPrefetchS / extraS - 1) < 2e-3);
  assert.is(hostPinnedBytes, 0);
  const pinned = predictStep(wan, system, makePlan('comfyui,blocks_to_swap=4,use_non_blocking', wan, system));
  assert.is(pinned.hostPinnedBytes, bytes);
  const pinnedS = wan.passes * bytes * (1 / h2dBytesPerS + 1 / d2hBytesPerS);
  assert.ok(
    Math.abs((pinned.stepTimeS - noneS) / pinnedS - 1) < 2e-3,
    `${pinned.stepTimeS - noneS}, not ${pinnedS}`,
  );
});

test('copies out go into new pageable memory, at a rate of its own', () => {
  const plan = makePlan('comfyui,blocks_to_swap=4', wan, system);
  const stepS = (pageableOutBytesPerS: number) =>
    predictStep(wan, { ...system, host: { ...system.host, pageableOutBytesPerS } }, plan).stepTimeS;
  const bytes = 4 * wan.blocks[0]!.weightBytes;
  const extraS = wan.passes * bytes * (1 / 2e9 - 1 / 4e9);
  assert.ok(Math.abs((stepS(2e9) - stepS(4e9)) / extraS - 1) < 2e-3);
  const [only] = plan.serialCopies!.filter(({ direction }) => direction === 'd2h');
  assert.is(only!.memory, 'pageable');
  // This machine's file leaves the rate out, and it can be set all the same.
  assert.is(system.host.pageableOutBytesPerS, system.host.pageableBytesPerS);
  const { host } = loadSystem('rtx5090-x1', ['host.pageableOut=2 GB/s']);
  assert.is(host.pageableOutBytesPerS, 2e9);
  assert.is(host.pageableBytesPerS, system.host.pageableBytesPerS);
});

test('a profiled model takes the settings of tools that do not ask of which family it is', () => {
  const profile = profileWorkload(
    readProfile('experiments/attach/tools/second/profiles/flux-dev-12b-4096-x1.profile.json').profile,
  );
  for (const text of ['sglang', 'sglang,resident=0.3', 'diffusers,stream', 'diffusers', 'accelerate']) {
    const plan = makePlan(text, profile, system);
    assert.equal(verify(lower(profile, system, plan)), [], text);
    assert.ok(predictStep(profile, system, plan).stepTimeS > 0);
  }
  for (const text of ['comfyui-wanvideowrapper', 'lightx2v'])
    assert.throws(() => makePlan(text, profile, system), /a profile does not say of which family/);
});

test('spellings of one setting make one plan', () => {
  const SPELLINGS = [
    [
      'prefetch=2',
      '--dit-offload-prefetch-size=2',
      'dit_offload_prefetch_size=2',
      'DIT-offload-prefetch-size=2',
    ],
    ['policy=strided', '--dit-layerwise-residency-policy=strided'],
  ];
  for (const spellings of SPELLINGS) {
    const plans = spellings.map((setting) => {
      const { name: _, recipe: __, ...plan } = makePlan(`sglang,${setting}`, wan, system);
      return plan;
    });
    for (const plan of plans) assert.equal(plan, plans[0]);
  }
  const streamed = ['stream', 'use_stream', 'use_stream=true', 'use-stream=True'];
  for (const setting of streamed)
    assert.is(makePlan(`diffusers,${setting}`, wan, system).sequential, false, setting);
});

test('settings are written as they are read, without those that are the defaults anyway', () => {
  const { knobs } = TOOLS.sglang;
  const text = settingsText('sglang', knobs, {
    offload: true,
    prefetch: '2',
    resident: '0',
    policy: 'strided',
  });
  assert.is(text, 'sglang,prefetch=2,policy=strided');
  const { settings, given } = readSettings('', knobs, splitToolText(text).settings);
  assert.equal(settings, { offload: true, prefetch: '2', resident: '0', policy: 'strided', pinned: true });
  assert.equal([...given].sort(), ['policy', 'prefetch']);
  assert.is(settingsText('diffusers', TOOLS.diffusers.knobs, { stream: true }), 'diffusers,stream');
});

test('comfyui is the wrapper for Wan blocks under any name, and the loader for others; a setting of one decides', () => {
  const toolOf = (text: string, workload: typeof wan) => toolPlan(text, workload, system).tool;
  const renamed = { ...wan, model: { ...wan.model, id: 'flux-like', name: 'some file' } };
  const disguised = { ...flux, model: { ...flux.model, id: 'wan-like-flux' } };
  assert.equal(
    [wan, renamed, flux, disguised].map((workload) => toolOf('comfyui', workload)),
    ['comfyui-wanvideowrapper', 'comfyui-wanvideowrapper', 'comfyui-native', 'comfyui-native'],
  );
  assert.is(toolOf('comfyui,reserve-vram=2', wan), 'comfyui-native');
  assert.is(toolOf('comfyui-native', wan), 'comfyui-native');
});

test('on two ranks, too, they may run, and closed form and simulator agree', () => {
  const two = bound('wan2.1-t2v-14b', '832x480x17', 2, 8);
  for (const text of ['sglang,prefetch=2', 'diffusers', 'diffusers,stream', 'vllm-omni,resident=3']) {
    const plan = makePlan(text, two, pair);
    assert.equal(verify(lower(two, pair, plan)), [], text);
    const { report } = simulate(two, pair, plan, { breakEven: false });
    const { stepTimeS } = predictStep(two, pair, plan);
    assert.ok(
      Math.abs(report.stepTimeS / stepTimeS - 1) < 2e-2,
      `${text}: ${report.stepTimeS}, ${stepTimeS}`,
    );
  }
  for (const text of ['accelerate', 'comfyui', 'diffusers,enable_sequential_cpu_offload'])
    assert.throws(() => makePlan(text, two, pair), /give --sp 1 --tp 1/);
});

test('a generated program makes no copies beside its blocks', () => {
  const tiny = bound('wan2.1-t2v-1.3b', '480x320x17', 1, 2);
  const programs = (text: string) => generate(tiny, system, [makePlan(text, tiny, system)]).files.length;
  assert.ok(programs('sglang') > 0);
  for (const text of ['diffusers', 'diffusers,stream', 'comfyui', 'accelerate'])
    assert.throws(
      () => programs(text),
      /a generated program does not; take (vllm-omni|sequential), or measure the tool itself/,
    );
});

test('ranks meet over NCCL, whatever the machine would take', () => {
  const two = bound('wan2.1-t2v-14b', '832x480x17', 2, 8);
  assert.is(makePlan('sglang', two, pair).transport, pair.defaultTransport);
  assert.is(makePlan('sglang,transport=nvlink', two, pair).transport, 'nvlink');
  assert.is(makePlan('sglang', two, pair, 'nvlink').transport, 'nvlink');
  assert.throws(
    () => makePlan('sglang', two, pair, 'staged-copy'),
    /sglang: has no staged-copy, it runs on NCCL; give one of/,
  );
});

const REFUSED: [text: string, message: RegExp][] = [
  ['sglang,prefech=2', /prefech: is no setting of it; nearest: prefetch/],
  ['diffusers,blocks_per_group=2', /nearest: num_blocks_per_group/],
  ['sglang,prefetch=x', /prefetch: expected a count of blocks, or a fraction below 1, got "x"/],
  ['sglang,prefetch=1.5', /prefetch: expected/],
  ['sglang,policy=spread', /policy: expected one of leading, strided, got "spread"/],
  ['sglang,resident=13', /resident: its longest list has 12 blocks; give at most 12/],
  ['sglang,prefetch=5', /prefetch: bursts .* which no plan says; give policy=strided, or prefetch=1/],
  ['sglang,prefetch=1,--dit-offload-prefetch-size=2', /is given twice/],
  ['sglang,dit-layerwise-offload=false,prefetch=2', /prefetch: has no effect/],
  ['sglang,pin-cpu-memory=false', /no plan says/],
  ['diffusers,num_blocks_per_group=2,stream', /num_blocks_per_group: has no effect: .* sets it to 1/],
  ['diffusers,offload_type=leaf_level', /no plan says; give block_level, or accelerate/],
  ['diffusers,offload_type=leaf_level,stream', /give block_level,stream/],
  ['diffusers,record_stream', /diffusers refuses it without use_stream/],
  ['diffusers,stream,record_stream', /without a bound on GPU memory/],
  ['diffusers,stream,low_cpu_mem_usage', /no machine file has/],
  ['diffusers,non_blocking', /has no effect/],
  ['diffusers,enable_model_cpu_offload,stream', /has no effect/],
  ['diffusers,num_blocks_per_group=0', /expected a whole number of at least 1/],
  ['vllm-omni,weight_transfer=allgather', /no plan has; give rank-local/],
  ['vllm-omni,mode=module,resident=2', /leave one of them out/],
  ['comfyui,blocks_to_swap=49', /from 0 to 48, got "49"/],
  ['comfyui,blocks_to_swap=13', /has 12 blocks; give at most 12/],
  ['comfyui,blocks_to_swap=2,reserve-vram=3', /leave one of them out/],
  ['comfyui,blocks_to_swap=2,prefetch_blocks=1', /hides nothing/],
  ['comfyui,lowvram', /has no effect on the DiT/],
  ['comfyui,enable-dynamic-vram', /no plan says/],
  ['accelerate,max_memory=0.1', /give at least/],
  ['lightx2v,offload_granularity=phase', /give block/],
  ['sglang,transport=shm', /one rank has no collectives/],
  ['sglang,=2', /expected setting=value/],
  ['sglang,prefetch=', /expected setting=value/],
  ...Object.keys(UNSAID).map((name): [string, RegExp] => [`${name},any=3`, /; take /]),
];
for (const [text, message] of REFUSED) {
  test(`${text} is refused in one line`, () =>
    assert.throws(
      () => makePlan(text, wan, system),
      (error: Error) => {
        assert.instance(error, UserError);
        assert.match(error.message, message);
        return !error.message.includes('\n');
      },
    ));
}

test('what stands instead of a refused tool is a plan', () => {
  for (const { instead } of Object.values(UNSAID)) {
    const [, text] = /^take ([a-z0-9-]+(?:,[a-z_-]+(?:=[A-Z]+)?)?)/.exec(instead)!;
    assert.ok(makePlan(text!.replace(/=[A-Z]+$/, '=2'), wan, system), instead);
  }
});

test('notes say every setting, and where it was read', () => {
  for (const tool of Object.keys(TOOLS) as ToolName[]) {
    const [first] = toolPlan(tool, wan, system).notes;
    for (const { name } of Object.values(TOOLS[tool].knobs))
      assert.ok(first!.includes(`${name}=`), `${tool} ${name}`);
    assert.match(first!, /as of /);
  }
});

test('notes say how much pageable host memory the weights take, where they are not pinned', () => {
  for (const [text, blocks] of [
    ['comfyui,blocks_to_swap=10', 10],
    ['comfyui,blocks_to_swap=12', 12],
    ['accelerate', 12],
    ['diffusers', 12],
  ] as const) {
    const bytes = wan.blocks.slice(0, blocks).reduce((sum, { weightBytes }) => sum + weightBytes, 0);
    const said = toolPlan(text, wan, system).notes.join('\n');
    assert.ok(
      said.includes(`${(bytes / 2 ** 30).toFixed(1)} GiB of weights wait in pageable`),
      `${text}: ${said}`,
    );
  }
  for (const text of ['sglang', 'diffusers,use_stream', 'comfyui,blocks_to_swap=10,use_non_blocking'])
    assert.not.match(toolPlan(text, wan, system).notes.join('\n'), /wait in pageable/);
});

test.run();

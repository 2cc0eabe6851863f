import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { predictStep } from '../../../model/analytic/stepReport.ts';
import { loadDit } from '../../../model/dit/load.ts';
import { UserError } from '../../../model/input/userError.ts';
import { segmentTimeS } from '../../../model/physics/compute.ts';
import { copyRates } from '../../../model/physics/rates.ts';
import { presetPlan } from '../../../model/presets/presets.ts';
import { type CardFile, HOSTS } from '../../../model/system/cards/cardFormat.ts';
import { architectureOf, cardIds, cardNamed, readCard, readHost } from '../../../model/system/cards/cards.ts';
import { transportsOf } from '../../../model/system/cards/collectives.ts';
import { machineText } from '../../../model/system/cards/machineText.ts';
import { TOPOLOGIES } from '../../../model/system/cards/topologies.ts';
import { pcieHostLink } from '../../../model/system/cards/tree.ts';
import { bf16Of } from '../../../model/system/computeRates.ts';
import { loadSystem, systemFileOf, systemIds } from '../../../model/system/load.ts';
import { pcieBytesPerS } from '../../../model/system/pcie.ts';
import { numbersOf } from '../../../model/system/provenance.ts';
import type { System } from '../../../model/system/system.ts';
import { unknownsOf } from '../../../model/system/unknowns.ts';
import { bindWorkload } from '../../../model/workload/bind.ts';
import { USUAL_COMPUTE } from '../../../model/workload/computeMode.ts';
import { simulate } from '../../../sim/simulate.ts';
import { runCli } from '../../support/runCli.ts';

const CARDS = cardIds().map(readCard);
const onPcie = ({ link }: CardFile) => link !== 'unified' && 'pcie' in link;
const PCIE_CARDS = CARDS.filter(onPcie);
const refuses = (run: () => unknown, message: RegExp) =>
  assert.throws(run, (error: Error) => error instanceof UserError && message.test(error.message));
const near = (value: number, expected: number, share = 1e-4) =>
  assert.ok(Math.abs(value / expected - 1) < share, `expected ${expected}, got ${value}`);
const peaksOf = ({ peak }: CardFile) => ('bf16' in peak ? peak : { bf16: peak });
const names = ({ transports }: System) => transports.map(({ name }) => name);

const files = suite('files of cards, architectures and hosts');

for (const card of CARDS) {
  files(`${card.id} says where each number is from`, () => {
    const numbers = numbersOf(card);
    assert.is(cardNamed(card.id.toUpperCase().replaceAll('-', ' ')).id, card.id);
    for (const key of ['memory', 'deviceMemory', 'multiprocessors', 'powerCap', 'copyEngines', 'peerToPeer'])
      assert.ok(
        numbers.some((number) => number.key === key),
        key,
      );
    for (const { key, from, source } of numbers)
      if (from !== 'default') assert.ok(source.length > 5, `${key} is ${from}: by what?`);
  });

  files(`${card.id}: narrower dtypes are no slower`, () => {
    const peak = peaksOf(card);
    const known = [peak.bf16, peak.fp8, peak.fp4].flatMap((entry) => (entry ? [entry.value] : []));
    for (const [index, value] of known.slice(1).entries()) assert.ok(value >= 1.9 * known[index]!, card.id);
    if (peak.int8) assert.ok(peak.int8.value >= 1.9 * peak.bf16.value);
    const { efficiency } = architectureOf(card);
    assert.ok({ ...efficiency, ...card.efficiency }.gemm !== undefined);
  });
}

files('every host has a file', () => {
  for (const host of HOSTS) assert.is(readHost(host).id, host);
});

files.run();

const machines = suite('machines of cards');

for (const card of CARDS) {
  machines(`${card.id} in every number and topology is a machine, or refused by name`, () => {
    for (const gpus of [1, 2, 8])
      for (const topology of gpus === 1 ? [undefined] : TOPOLOGIES) {
        const make = () => loadSystem(card.id, [], { gpus, ...(topology && { topology }) });
        if (card.link === 'unified') refuses(make, new RegExp(`${card.id}: .* one memory for CPU and GPU`));
        else if (!onPcie(card) && gpus > 1) refuses(make, /how several (GH200 96GB|GB200) are joined/);
        else {
          const system = make();
          assert.is(system.gpus.length, gpus);
          assert.is(system.peer, 'real');
          assert.is(system.gpu.memoryBytes, card.memory.value);
          assert.ok(system.provenance.length > 30);
          assert.ok(unknownsOf(system).some(({ direction }) => direction === 'h2d'));
        }
      }
  });
}

for (const card of PCIE_CARDS) {
  machines(`${card.id}: half the lanes are half the link, and all that follows from it`, () => {
    const whole = loadSystem(`2x${card.id},nvlink=off`);
    const { gen, lanes } = (card.link as { pcie: { is: { gen: 4; lanes: 16 } } }).pcie.is;
    const half = loadSystem(`2x${card.id},nvlink=off,pcie=${gen}x${lanes / 2}`);
    const shm = ({ transports }: System) => {
      const flow = transports.find(({ name }) => name === 'shm')!;
      return flow.kind === 'flow' ? flow.collectives['all-to-all'].bytesPerS : 0;
    };
    near(half.gpu.copyEngine.h2dBytesPerS, whole.gpu.copyEngine.h2dBytesPerS / 2);
    near(half.gpu.copyEngine.d2hBytesPerS, whole.gpu.copyEngine.d2hBytesPerS / 2);
    near(half.tree.at(-1)!.downBytesPerS, whole.tree.at(-1)!.downBytesPerS / 2);
    near(shm(half), shm(whole) / 2);
    assert.is(half.gpu.peakFlops, whole.gpu.peakFlops);
    refuses(
      () => loadSystem(card.id, [], { pcie: { gen: 6, lanes: 16 } }),
      new RegExp(`pcie 6x16: .* has PCIe ${gen}x${lanes}; give at most that`),
    );
  });
}

/** GB/s of nvbandwidth's host_to_device_memcpy_ce: NVIDIA/nvbandwidth issue 15, tinygrad/open-gpu-kernel-modules issue 29. */
const READINGS: [card: string, h2d: number, d2h: number][] = [
  ['rtx-4090', 26.3, 26.8],
  ['rtx-5090', 56.3, 57.3],
];
for (const [card, h2d, d2h] of READINGS) {
  machines(`the law of PCIe is within a tenth of what a ${card} was measured to copy`, () => {
    const { copyEngine } = loadSystem(card).gpu;
    near(copyEngine.h2dBytesPerS, h2d * 1e9, 0.1);
    near(copyEngine.d2hBytesPerS, d2h * 1e9, 0.1);
  });
}

machines('topologies share links as they say', () => {
  const h2d = (topology: string) => copyRates(loadSystem(`2xl40s,topology=${topology}`), 2).h2d;
  near(h2d('separate'), pcieBytesPerS(4, 16, 'down'));
  near(h2d('two-sockets'), h2d('separate'));
  near(h2d('shared-root'), h2d('separate') / 2);
  near(h2d('switch'), h2d('separate') / 2);
  // Narrow cards do not make the slot narrow that a switch hangs on.
  near(copyRates(loadSystem('2xl40s,topology=switch,pcie=4x8'), 2).h2d, h2d('switch'));
  const { tree, gpus } = loadSystem('8xb200,topology=two-sockets');
  const at = (gpu: string) => tree.find(({ id }) => id === gpu)!.parent;
  assert.equal(gpus.map(at), [...Array(4).fill('socket0'), ...Array(4).fill('socket1')]);
});

machines('transports are those that cards have', () => {
  for (const card of PCIE_CARDS) {
    const isGeForce = card.name.startsWith('GeForce');
    const behindSwitch = loadSystem(`2x${card.id},topology=switch,nvlink=off`);
    assert.is(names(behindSwitch).includes('p2p'), !isGeForce, card.id);
    assert.is(behindSwitch.defaultTransport, isGeForce ? 'shm' : 'p2p');
    assert.is(names(loadSystem(`2x${card.id}`)).includes('p2p'), false);
    const isBoard = card.nvlink?.by === 'switch';
    assert.is(names(loadSystem(`2x${card.id}`)).includes('nvlink'), isBoard, card.id);
    if (card.nvlink === undefined) refuses(() => loadSystem(`2x${card.id},nvlink=on`), /has no NVLink/);
    else assert.is(loadSystem(`2x${card.id},nvlink=on`).defaultTransport, 'nvlink');
    assert.ok(names(behindSwitch).includes('staged-copy'));
  }
  refuses(() => loadSystem('4xrtx-3090,nvlink=on'), /joins up to 2 GeForce RTX 3090, not 4/);
});

machines('one copy engine cannot copy both directions at once', () => {
  const card = readCard('l4');
  const one: CardFile = { ...card, copyEngines: { is: 1, from: 'default', source: '' } };
  const made = (of: CardFile) =>
    Object.keys(transportsOf(of, 'separate', pcieHostLink({ gen: 4, lanes: 16 }), false).transports);
  assert.equal(made(card), ['shm', 'staged-copy']);
  assert.equal(made(one), ['shm']);
});

machines('what a card says of itself counts more than its architecture', () => {
  for (const card of PCIE_CARDS) {
    const { efficiency } = loadSystem(card.id).gpu;
    const gemm = card.efficiency?.gemm;
    if (gemm !== undefined) assert.is(efficiency.gemm, bf16Of(gemm).value, card.id);
    const { attention } = { ...architectureOf(card).efficiency, ...card.efficiency };
    assert.is(efficiency.attention, attention!.value, card.id);
  }
  const kernels = (id: string) => loadSystem(id).gpu.compute.attention['flash-attention-2']!.rate;
  near(kernels('rtx-4090'), 0.97 / 0.9);
  near(kernels('l40s'), 0.65 / 0.6);
});

machines('many GeForce cards are in a server, few in a desktop, unless it is said', () => {
  const gib = (text: string) => Math.round(loadSystem(text).host.memoryBytes / 1e9);
  assert.equal(['4090', '2x4090', '4x4090', '4090,host=server', '4xl4,host=desktop'].map(gib), [
    ...[64, 64, 512, 512, 64],
  ]);
});

const dit = loadDit('wan2.1-t2v-14b');
const SIZE = { width: 832, height: 480, frames: 81 };
const workload = bindWorkload(dit, { size: SIZE });
/** Enough memory for all weights: only compute tells cards apart. */
const noneS = (id: string) => {
  const system = loadSystem(id);
  return predictStep(workload, system, presetPlan('none', workload, system)).stepTimeS;
};

machines('steps of compute are ordered as dense rates, where these are far enough apart', () => {
  const cards = CARDS.filter(({ link }) => link !== 'unified').map((card) => ({
    ...{ id: card.id, peak: peaksOf(card).bf16.value, seconds: noneS(card.id) },
  }));
  let compared = 0;
  for (const slow of cards)
    for (const fast of cards)
      if (fast.peak > 1.5 * slow.peak) {
        compared += 1;
        assert.ok(fast.seconds < slow.seconds, `${fast.id} ${fast.seconds}, ${slow.id} ${slow.seconds}`);
      }
  assert.ok(compared > 150, `${compared} pairs`);
});

machines('fp8 makes matrix products faster on every card that has it, and nothing else', () => {
  const fp8 = bindWorkload(dit, { size: SIZE, compute: { ...USUAL_COMPUTE, dtype: 'fp8' } });
  for (const card of CARDS.filter(({ link }) => link !== 'unified')) {
    const { gpu } = loadSystem(card.id);
    const seconds = (of: typeof workload, at: number) => {
      const segment = of.blocks[0]!.segments[at]!;
      return segment.kind === 'compute' ? segmentTimeS(segment, gpu) : 0;
    };
    if (peaksOf(card).fp8 === undefined) {
      refuses(() => fp8.blocks[0]!.segments.map((_, at) => seconds(fp8, at)), /^--compute-dtype fp8: /);
      continue;
    }
    for (const [at, segment] of workload.blocks[0]!.segments.entries())
      assert.is(
        seconds(fp8, at) < seconds(workload, at),
        segment.kind === 'compute' && segment.class === 'gemm',
        `${card.id} ${segment.name}`,
      );
  }
});

machines('closed form and simulator agree on cards', () => {
  const small = bindWorkload(loadDit('flux.1-dev'), {
    size: { width: 1024, height: 1024, frames: 1 },
    ...{ sp: 2, cfg: 'none' },
  });
  for (const text of ['2x4090,topology=shared-root', '2xh100-sxm', '2xl40s,topology=switch'])
    for (const preset of ['none', 'layerwise']) {
      const system = loadSystem(text);
      const plan = presetPlan(preset, small, system);
      const simulated = simulate(small, system, plan, { breakEven: false }).report.stepTimeS;
      near(simulated, predictStep(small, system, plan).stepTimeS, 0.05);
    }
});

machines.run();

const texts = suite('cards as text');

const SAME: [text: string, id: string][] = [
  ['rtx-4090', 'rtx-4090'],
  ['RTX 4090', 'rtx-4090'],
  ['4090', 'rtx-4090'],
  ['rtx4090', 'rtx-4090'],
  ['NVIDIA GeForce RTX 4090', 'rtx-4090'],
  ['a6000', 'rtx-a6000'],
  ['H100-SXM', 'h100-sxm'],
  ['A100 PCIe 80GB', 'a100-pcie-80gb'],
  ['5060 Ti 16GB', 'rtx-5060-ti-16gb'],
];
for (const [text, id] of SAME)
  texts(`${text} is ${id}`, () => {
    assert.is(cardNamed(text).id, id);
    assert.is(loadSystem(`2x${text}`).gpus.length, 2);
  });

texts('settings are read in any order', () => {
  const expected = { card: 'l4', wiring: { gpus: 4, pcie: { gen: 3, lanes: 8 }, topology: 'switch' } };
  for (const text of ['4xl4,pcie=3x8,topology=switch', 'l4, topology=switch, gpus=4, pcie=3x8'])
    assert.equal(machineText(text), expected);
});

texts('names of machines are machines', () => {
  for (const id of systemIds()) assert.is(loadSystem(id).id, id);
});

const WRONG: [text: string, message: RegExp][] = [
  ['a100', /card "a100" may be a100-pcie-40gb or .*; give the whole name/],
  ['rtx-pro', /card "rtx-pro" may be rtx-pro-6000; give the whole name/],
  ['5060ti', /may be rtx-5060-ti-16gb/],
  ['rtx-6090', /^machine "rtx-6090" is not known; .*rtx-5090/],
  ['0x4090', /gpus=0: expected 1 to 512 GPUs, got "0"/],
  ['9x4090', /gpus 9: expected 1 to 8 GPUs; give hosts=3/],
  ['2x4090,gpus=2', /gpus=2: gpus is given twice/],
  ['4090,pcie=4x12', /pcie=4x12: expected a PCIe generation/],
  ['4090,pcie=7x16', /pcie=7x16: expected a PCIe generation/],
  ['4090,pcie=16', /pcie=16: expected a PCIe generation/],
  ['4090,lanes=8', /lanes=8: expected one of gpus, hosts, nic, pcie, topology, nvlink, host/],
  ['4090,topology=switch', /topology switch: has no effect on one GPU/],
  ['2x4090,topology=ring', /topology=ring: expected one of separate, shared-root, switch, two-sockets/],
  ['2x4090,nvlink=yes', /nvlink=yes: expected one of on, off/],
  ['gh200,pcie=5x16', /GH200 96GB reaches its host over NVLink-C2C/],
  ['constructor', /is not known/],
  ['4090,__proto__=1', /__proto__=1: expected one of/],
];
for (const [text, message] of WRONG)
  texts(`${text} is refused`, () => refuses(() => loadSystem(text), message));

texts('flags say what the text does not', async () => {
  const scenario = ['predict', '--model', 'flux.1-dev', '--size', '512x512', '--plan', 'layerwise', '--json'];
  const predicted = async (...flags: string[]) => runCli([...scenario, ...flags]);
  const [text, flags] = [
    await predicted('--machine', '2xl40s,pcie=4x8,topology=switch'),
    await predicted('--machine', 'l40s', '--gpus', '2', '--pcie', '4x8', '--topology', 'switch'),
  ];
  assert.is(text.code, 0, text.stderr);
  assert.is(flags.stdout, text.stdout);
  for (const [given, message] of [
    [['--machine', '2xl40s', '--gpus', '2'], /--gpus: "2xl40s" says it, too/],
    [['--machine', 'h200-x2', '--pcie', '4x8'], /--pcie: .*h200-x2\.yaml says itself how/],
    [['--machine', 'l40s', '--pcie', '4x9'], /^error: --pcie 4x9: expected a PCIe generation/],
  ] as const) {
    const { code, stdout, stderr } = await predicted(...given);
    assert.is(code, 2);
    assert.is(stdout, '');
    assert.match(stderr, message);
    assert.is(stderr.trimEnd().split('\n').length, 1);
  }
});

texts.run();

const written = suite('machine files of a card');
let folder: string;
written.before.each(() => {
  folder = mkdtempSync(join(tmpdir(), 'chunkflow-card-'));
});
written.after.each(() => rmSync(folder, { recursive: true }));
const fileOf = (text: string) => {
  const file = join(folder, 'mine.yaml');
  writeFileSync(file, text);
  return file;
};

written('have the numbers of the card, and their own in place of single ones', () => {
  const file = fileOf(`id: mine
name: my box
card: 2xrtx-4090,pcie=4x8
gpu:
  copyEngine:
    h2d: {is: 12.5 GB/s, from: measured, source: nvbandwidth}
tree:
  gpu1: {down: {is: 6 GB/s, from: measured}}
host:
  memory: {is: 96 GB, from: measured}
`);
  const mine = loadSystem(file, ['gpu.copyEngine.gap=3 us']);
  const usual = loadSystem('2xrtx-4090,pcie=4x8');
  assert.is(mine.id, 'mine');
  assert.equal(mine.gpu, {
    ...usual.gpu,
    copyEngine: { ...usual.gpu.copyEngine, h2dBytesPerS: 12.5e9, gapS: 3e-6 },
  });
  assert.is(mine.tree.find(({ id }) => id === 'gpu1')!.downBytesPerS, 6e9);
  assert.is(mine.tree.find(({ id }) => id === 'gpu0')!.downBytesPerS, usual.tree[1]!.downBytesPerS);
  assert.is(mine.host.memoryBytes, 96e9);
  const from = mine.provenance.find(({ key }) => key === 'gpu.copyEngine.h2d')!;
  assert.is(from.source, 'nvbandwidth');
  assert.is(loadSystem(fileOf('card: rtx-4090\n'), [], { gpus: 4 }).gpus.length, 4);
});

written('are written by machines --yaml, the same machine', async () => {
  for (const text of ['2xrtx-4090,pcie=4x8', '8xh100-sxm,topology=two-sockets', 'gh200', 'h200-x2']) {
    const { stdout } = await runCli(['machines', text, '--yaml']);
    const { file: _, ...again } = loadSystem(fileOf(stdout));
    const { file: __, ...before } = loadSystem(text);
    assert.equal(again, before);
  }
});

const FAULTS: [what: string, text: string, message: RegExp][] = [
  ['no card', 'name: x\ncard: rtx-9090\n', /mine\.yaml:2:\d+: card "rtx-9090" is not known/],
  [
    'a card that is no text',
    'card: 4090\n',
    /mine\.yaml:1:\d+: card: expected a card with settings .*, got 4090/,
  ],
  [
    'a wrong number',
    'card: l4\nhost:\n  memory: {is: 96 V, from: default}\n',
    /mine\.yaml:3:\d+: host\.memory/,
  ],
  [
    'a wrong key',
    'card: l4\ngpu: {memroy: {is: 9 GB, from: default}}\n',
    /mine\.yaml:2:\d+: gpu\.memroy: unknown key/,
  ],
  ['a wrong setting', 'card: l4,pcie=5x16\n', /mine\.yaml:1:\d+: pcie 5x16: L4 has PCIe 4x16/],
  ['one memory', 'card: gb10\n', /mine\.yaml:1:\d+: gb10: .* one memory/],
];
for (const [what, text, message] of FAULTS)
  written(`${what}: in its place`, () => refuses(() => loadSystem(fileOf(text)), message));

written('what is fitted has a file', () => {
  refuses(
    () => systemFileOf('2xrtx-4090'),
    /is a card and has no file; write one with .*machines 2xrtx-4090 --yaml/,
  );
  assert.is(systemFileOf(fileOf('card: l4\n')), join(folder, 'mine.yaml'));
});

written.run();

const listed = suite('chunkflow machines');

listed('lists machines and cards in the width of a terminal', async () => {
  const { stdout } = await runCli(['machines']);
  for (const id of [...systemIds(), ...cardIds()]) assert.match(stdout, new RegExp(`^${id} `, 'm'));
  for (const line of stdout.split('\n')) assert.ok(line.length <= 80, line);
});

listed('shows every number of a card with its source', async () => {
  for (const { id } of CARDS) {
    const { cards, machines: made } = JSON.parse((await runCli(['machines', id, '--json'])).stdout);
    assert.is(cards[0].id, id);
    assert.is(cards[0].numbers.length, numbersOf(readCard(id)).length);
    assert.is(made.length, id === 'gb10' ? 0 : 1);
    const { stdout } = await runCli(['machines', id]);
    for (const key of ['powerCap', 'copyEngines', 'peerToPeer'])
      assert.match(stdout, new RegExp(`^${key} `, 'm'));
  }
});

listed.run();

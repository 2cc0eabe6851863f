import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { withBlocks } from '../../model/dit/depth.ts';
import { loadDit } from '../../model/dit/load.ts';
import { parseSize } from '../../model/dit/tokens.ts';
import { DEVICE_PAGE_BYTES } from '../../model/plan/devicePage.ts';
import { loadSystem } from '../../model/system/load.ts';
import { bindWorkload } from '../../model/workload/bind.ts';
import { type Caps, machineCaps } from '../../search/caps.ts';
import { type Backend, hidingRooms } from '../../search/hidingRoom.ts';
import { TIE } from '../../search/search.ts';
import { loadSolver } from '../../search/solver.ts';
import { hiddenOptimum } from '../../search/streamOptimum.ts';
import {
  type Aim,
  type StreamQuestion,
  type StreamShape,
  secondsPerByte,
  solvedOptimum,
  weightRoom,
} from '../../search/streamProgram.ts';

const highs = await loadSolver();
const test = suite('the stream program in closed form');

const GAP = 1e-3;
const CHUNK_BYTES = 16 * 2 ** 20;

interface Case {
  model: string;
  size: string;
  blocks: number;
  machine: string;
  sp: number;
  transport: string;
  caps: Partial<Caps>;
}

const LONG: Case = {
  ...{ model: 'wan2.1-t2v-14b', size: '1280x720x81', blocks: 6 },
  ...{ machine: 'h100-sxm-x2', sp: 2, transport: 'nvlink', caps: {} },
};

function programOf({ model, size, blocks, machine, sp, transport, caps }: Case) {
  const system = loadSystem(machine);
  const workload = bindWorkload(withBlocks(loadDit(model), blocks), { size: parseSize(size), sp });
  const backends: Backend[] = [{ transport, pieceBytes: 0 }];
  const all = machineCaps(workload, system);
  const room = weightRoom(workload, system, { ...all, ...caps }, backends[0]!);
  const rooms = hidingRooms(workload, system, backends, 1);
  const sizes = workload.blocks.map(({ weightBytes }) => weightBytes);
  return {
    perByteS: secondsPerByte(workload, system, CHUNK_BYTES),
    rooms,
    aloneS: rooms.reduce((sum, { aloneS }) => sum + aloneS, 0),
    ...{ blockBytes: Math.max(...sizes), leastBytes: Math.min(...sizes) },
    othersBytes: all.gpuBytes - weightRoom(workload, system, all, backends[0]!).gpuBytes,
    both: (shape: StreamShape, question: StreamQuestion) => ({
      hidden: hiddenOptimum(workload, system, backends, room, shape, question),
      solved: () => solvedOptimum(highs, workload, system, backends, room, shape, question),
    }),
  };
}

const bound = { clock: 1, integer: false, gap: 0 } as const;
const lean = (aloneS: number): StreamQuestion => ({
  ...{ clock: 1, integer: true, gap: GAP },
  aim: { least: 'memory', passS: aloneS * (1 + TIE / 4) } satisfies Aim,
});

/** Each kind is fetched once while the other one runs, so that two of its classes are of one block. */
const TWO_KINDS: Case = {
  ...LONG,
  model: 'flux.1-dev',
  size: '2048x2048',
  blocks: 12,
  machine: 'h200-x1',
  sp: 1,
  transport: 'none',
};

/** Long and short steps, blocks of one kind and of two, one expert and two, a GPU and two, with all memory and with less than all weights. */
const CASES: readonly Case[] = [
  LONG,
  { ...LONG, machine: 'h200-x1', sp: 1, transport: 'none' },
  { ...LONG, caps: { gpuBytes: 9e9 } },
  { ...LONG, caps: { pinnedBytes: 1e9 } },
  { ...LONG, size: '480x320x17' },
  { ...LONG, model: 'wan2.2-t2v-a14b' },
  TWO_KINDS,
  { ...LONG, model: 'flux.1-dev', size: '512x512', blocks: 12 },
  {
    ...LONG,
    model: 'hunyuanvideo-13b',
    size: '1280x720x129',
    blocks: 12,
    machine: 'h100-pcie-x2',
    transport: 'shm',
  },
  { ...LONG, model: 'wan2.1-t2v-1.3b', size: '832x480x81', machine: 'rtx5090-x2', transport: 'shm' },
];

test('where it speaks, a solver says the same: the bound and its price of memory, the residents of the least memory', () => {
  const spoken = { bound: 0, lean: 0 };
  const silent = { bound: 0, lean: 0 };
  for (const one of CASES) {
    const { both, perByteS, aloneS } = programOf(one);
    const name = JSON.stringify(one);
    for (const slots of [1, 2, 3, null]) {
      const { hidden, solved } = both({ secondsPerByte: perByteS, slots, leastSlots: 4 }, bound);
      if (hidden === null) silent.bound += 1;
      else {
        const { passS, secondsPerGpuByte } = solved()!;
        assert.is(hidden.passS, passS, `${name} ${slots}`);
        assert.ok(hidden.secondsPerGpuByte === secondsPerGpuByte, `${name} ${slots}: ${secondsPerGpuByte}`);
        spoken.bound += 1;
      }
    }
    for (const slots of [2, 3]) {
      for (const margin of [0, 0.12]) {
        const { hidden, solved } = both({ secondsPerByte: perByteS, slots, margin }, lean(aloneS));
        if (hidden === null) silent.lean += 1;
        else {
          assert.equal(hidden, { ...solved()!, secondsPerGpuByte: 0 }, `${name} ${slots} ${margin}`);
          spoken.lean += 1;
        }
      }
    }
  }
  const counts = JSON.stringify({ spoken, silent });
  assert.ok(Math.min(spoken.bound, spoken.lean, silent.lean) >= 10 && silent.bound > 0, counts);
});

test('a block that does not land beside the one before it: something stays', () => {
  const one = programOf(LONG);
  const [room, weightBytes] = [one.rooms[0]!, one.blockBytes];
  const two = programOf(TWO_KINDS);
  const [double, single] = [two.rooms[0]!, two.rooms.at(-1)!];
  const [doubleBytes, singleBytes] = [two.blockBytes, two.leastBytes];
  // Between what a large block has beside a small one and what both have beside their own kind.
  const oneByteS = (1.005 * single.freeS) / doubleBytes;
  assert.ok(oneByteS < Math.min(double.freeS / doubleBytes, single.freeS / singleBytes));
  for (const { of, secondsPerByte, margin } of [
    { of: one, secondsPerByte: (1.01 * room.freeS) / weightBytes, margin: 0 },
    { of: one, secondsPerByte: (0.95 * room.freeS) / weightBytes, margin: 0.06 },
    { of: two, secondsPerByte: oneByteS, margin: 0 },
  ]) {
    const { hidden, solved } = of.both({ secondsPerByte, slots: 2, margin }, lean(of.aloneS));
    assert.is(hidden, null);
    assert.ok(solved()!.residentBytes.some((bytes) => bytes > 0));
  }
});

test('as many buffers as blocks: a page that stays of each saves as much of the buffers, and more buffers save more', () => {
  for (const { slots, isSaved } of [
    { slots: 2, isSaved: false },
    { slots: 3, isSaved: true },
  ]) {
    const { both, perByteS, aloneS, blockBytes } = programOf({ ...LONG, blocks: 2 });
    const { hidden, solved } = both({ secondsPerByte: perByteS, slots }, lean(aloneS));
    assert.is(hidden, null, `${slots}`);
    const { residentBytes } = solved()!;
    const stays = residentBytes.reduce((sum, bytes) => sum + bytes, 0);
    const largest = Math.max(...residentBytes.map((bytes) => blockBytes - bytes));
    if (isSaved) assert.ok(stays + slots * largest < slots * blockBytes, `${slots}`);
  }
});

test('memory for two buffers less a page: nothing is said of no residents', () => {
  const { perByteS, aloneS, blockBytes, othersBytes } = programOf(LONG);
  const shape = { secondsPerByte: perByteS, slots: 2 };
  for (const { pages, isSaid } of [
    { pages: 1, isSaid: true },
    { pages: -1, isSaid: false },
  ]) {
    const gpuBytes = othersBytes + 2 * blockBytes + pages * DEVICE_PAGE_BYTES;
    const { both } = programOf({ ...LONG, caps: { gpuBytes } });
    for (const question of [bound, lean(aloneS)])
      assert.is(both(shape, question).hidden !== null, isSaid, `${pages} ${question.integer}`);
  }
});

test('a gap of more than what a page of each block adds: nothing is said, since a solver may stop there', () => {
  const { both, perByteS, aloneS, blockBytes } = programOf(LONG);
  const shape = { secondsPerByte: perByteS, slots: 2 };
  const pages = (2 * blockBytes) / DEVICE_PAGE_BYTES;
  const addedPages = LONG.blocks - 2;
  for (const { share, isSaid } of [
    { share: 0.9, isSaid: true },
    { share: 1.1, isSaid: false },
  ]) {
    const gap = (share * addedPages) / pages;
    assert.is(both(shape, { ...lean(aloneS), gap }).hidden !== null, isSaid, `${share}`);
  }
});

test.run();

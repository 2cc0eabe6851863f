import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { withBlocks } from '../../model/dit/depth.ts';
import type { CollectiveKind } from '../../model/dit/kinds.ts';
import { loadDit } from '../../model/dit/load.ts';
import { parseSize } from '../../model/dit/tokens.ts';
import { copyRates, copyRatesOfShare } from '../../model/physics/rates.ts';
import { stagedCopyAloneS, stagedPieces } from '../../model/physics/stagedCopy.ts';
import { fastestStagedLink, stagedLink } from '../../model/physics/stagedLink.ts';
import { presetPlan } from '../../model/presets/presets.ts';
import { loadSystem } from '../../model/system/load.ts';
import type { HostMemory, System } from '../../model/system/system.ts';
import type { StagedCopyTransport, Transport } from '../../model/system/transport.ts';
import { bindWorkload } from '../../model/workload/bind.ts';
import { simulate } from '../../sim/simulate.ts';
import { simulateCase } from '../../sim/simulateCase.ts';

const MiB = 1024 * 1024;
const PIECE_BYTES = 4 * MiB;
/** Four GPUs of one host, whose memory holds back all four and not two, and takes writes first. */
const BASE = loadSystem('h100-sxm-x4');
const MACHINE = withMemory(BASE, (memory) => ({ ...memory, writeWeight: 1.5 }));

function withCache(cacheBytes: number, machine: System = MACHINE): System {
  const transports = machine.transports.map(
    (one): Transport => (one.kind === 'flow' ? one : { ...one, cacheBytes }),
  );
  return { ...machine, transports };
}

function withMemory(machine: System, change: (memory: HostMemory) => HostMemory): System {
  const tree = machine.tree.map((node) => ({ ...node, memory: node.memory && change(node.memory) }));
  return { ...machine, tree };
}

function callS(
  system: System,
  sentMiB: number,
  collective: CollectiveKind = 'all-to-all',
  ranks = 4,
): number {
  const call = { collective, sentBytes: sentMiB * MiB, pieceBytes: PIECE_BYTES, calls: 3 };
  return simulateCase(system, ranks, { kind: 'collective', transport: 'staged-copy', ...call }).callS[2]!;
}

function assertNear(found: number, expected: number, within: number): void {
  assert.ok(Math.abs(found / expected - 1) <= within, `${found} for ${expected}`);
}

const laws = suite('reads of what copy engines have staged');

for (const kind of ['all-to-all', 'all-gather', 'all-reduce'] as const) {
  laws(`a cache that holds next to nothing is none: ${kind}`, () =>
    assertNear(callS(withCache(1024), 96, kind), callS(withCache(0), 96, kind), 1e-6),
  );

  laws(`a cache that holds everything leaves memory the writes: ${kind}`, () => {
    // The same host, whose memory limits writes as it did reads and writes together, and reads not at all.
    const writesOnly = withMemory(MACHINE, (memory) => ({
      ...memory,
      ...{ bytesPerS: Number.POSITIVE_INFINITY, readBytesPerS: Number.POSITIVE_INFINITY },
      writeBytesPerS: Math.min(memory.bytesPerS, memory.writeBytesPerS),
    }));
    assertNear(callS(withCache(1e18), 96, kind), callS(writesOnly, 96, kind), 1e-6);
  });

  laws(`more cache never takes longer: ${kind}`, () => {
    const seconds = [0, 8, 24, 48, 96, 200, 1000].map((size) => callS(withCache(size * MiB), 96, kind));
    for (const [index, after] of seconds.slice(1).entries())
      assert.ok(after <= seconds[index]! * (1 + 1e-9), `${seconds}`);
    assert.ok(seconds.at(-1)! < 0.9 * seconds[0]!, `${seconds}`);
  });
}

laws('a longer message is read further behind its writes, and more slowly', () => {
  const rates = [48, 288].map((sent) => sent / callS(withCache(48 * MiB), sent));
  assert.ok(rates[1]! < 0.95 * rates[0]!, `${rates}`);
});

laws('two ranks go as without a cache', () => {
  for (const kind of ['all-to-all', 'all-gather'] as const)
    assert.is(callS(withCache(48 * MiB), 96, kind, 2), callS(withCache(0), 96, kind, 2));
});

for (const plan of ['none', 'layerwise', 'yield,resident=0.5'])
  laws(`one rank with its share of the cache takes as long as four: ${plan}`, () => {
    const system = withCache(48 * MiB);
    const workload = bindWorkload(withBlocks(loadDit('flux.1-dev'), 3), {
      size: parseSize('1536x1536'),
      sp: 4,
    });
    const made = presetPlan(plan, workload, system, 'staged-copy');
    const [one, four] = [false, true].map(
      (timeline) => simulate(workload, system, made, { timeline, breakEven: false }).report.stepTimeS,
    );
    assertNear(one!, four!, 1e-6);
  });

const forms = suite('the same in closed form');

const staged = (system: System) =>
  system.transports.find((one): one is StagedCopyTransport => one.kind === 'staged-copy')!;

forms('without a cache rates are those of copies', () => {
  const [pieces] = stagedPieces('all-to-all', 96 * MiB, 4, PIECE_BYTES);
  const system = withCache(0);
  assert.is(stagedLink(system, staged(system), 4, pieces!), copyRates(system, 4));
  assert.is(fastestStagedLink(system, staged(system), 4), copyRates(system, 4));
});

for (const cacheMiB of [8, 48, 200, 1e6])
  forms(`rates lie between all read from memory and nothing: ${cacheMiB} MiB of cache`, () => {
    const system = withCache(cacheMiB * MiB);
    const [pieces] = stagedPieces('all-to-all', 96 * MiB, 4, PIECE_BYTES);
    const links = [0, 0.01, 1].map((delayS) => stagedLink(system, staged(system), 4, pieces!, delayS));
    const [slowest, fastest] = [copyRates(system, 4), copyRatesOfShare(system, 4, 0)];
    let before = fastest.both;
    for (const { both } of links) {
      assert.ok(both <= before * (1 + 1e-9) && both >= slowest.both * (1 - 1e-9), `${both} after ${before}`);
      before = both;
    }
  });

for (const cacheMiB of [0, 24, 48, 400])
  for (const sentMiB of [96, 288])
    forms(
      `a call takes what the simulation says within 8 %: ${sentMiB} MiB, ${cacheMiB} MiB of cache`,
      () => {
        const system = withCache(cacheMiB * MiB);
        const pieces = stagedPieces('all-to-all', sentMiB * MiB, 4, PIECE_BYTES);
        const seconds = stagedCopyAloneS(staged(system), system.gpu.copyEngine, pieces, (exchange) =>
          stagedLink(system, staged(system), 4, exchange),
        );
        assertNear(seconds, callS(system, sentMiB), 0.08);
      },
    );

laws.run();
forms.run();

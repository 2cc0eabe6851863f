import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { CollectiveKind } from '../../../model/dit/kinds.ts';
import { ProgramBuilder } from '../../../model/program/programBuilder.ts';
import type { System, TreeNode } from '../../../model/system/system.ts';
import type { CollectiveRate, FlowTransport } from '../../../model/system/transport.ts';
import { Links } from '../../../sim/devices/links.ts';
import { Engine } from '../../../sim/engine.ts';
import { flow, roundMachine } from '../../model/program/roundMachine.ts';
import { hostMemory } from '../../support/hostMemory.ts';

const INF = Number.POSITIVE_INFINITY;

/** Two GPUs behind one root; bytes/s of a GPU's link in each direction and of the root's. Copy engines have 8. */
function twoGpus({
  link = 100,
  up = 100,
  root = 1000,
  transport = flow,
}: {
  link?: number;
  up?: number;
  root?: number;
  transport?: FlowTransport;
} = {}): System {
  const base = roundMachine(2);
  const node = (id: string, parent: string | null, down: number, towards: number): TreeNode => ({
    ...{ id, parent, downBytesPerS: down, upBytesPerS: towards },
    ...{ duplexBytesPerS: INF, memory: null },
  });
  return {
    ...base,
    tree: [
      { ...node('memory', null, 1, 1), memory: hostMemory(1e6) },
      node('root', 'memory', root, root),
      node('gpu0', 'root', link, up),
      node('gpu1', 'root', link, up),
    ],
    transports: [transport],
  };
}

const named = (system: System, kinds: CollectiveKind[] = []) =>
  new Links(
    system,
    2,
    kinds.map((kind) => ({ transport: flowOf(system), kind })),
  ).resources
    .map(({ name }) => name)
    .sort();
const flowOf = (system: System) => system.transports[0] as FlowTransport;

const kept = suite('links that may hold somebody back, and no others, are simulated');

kept('none where the engines cannot fill any', () => assert.equal(named(twoGpus()), []));

kept('a root that two copies together fill, though neither does alone', () => {
  assert.equal(named(twoGpus({ root: 15 })), ['root down', 'root up']);
  assert.equal(named(twoGpus({ root: 16 })), []);
});

kept('the way up by copies to the host', () => {
  assert.equal(named(twoGpus({ up: 6 })), ['gpu0 up', 'gpu1 up']);
  assert.equal(named(twoGpus({ link: 6, up: 100 })), ['gpu0 down', 'gpu1 down']);
});

/** A collective of 4 bytes/s that takes 2 bytes of the down link for each of its own. */
kept('by what a collective takes of a link, not by its bytes', () => {
  // Copies at 8 and the collective at 4 x 2 make 16 on a GPU's way down.
  const narrow = (link: number) => named(twoGpus({ link, up: 1000 }), ['all-to-all']);
  assert.equal(narrow(15), ['gpu0 down', 'gpu1 down']);
  assert.equal(narrow(16), []);
});

kept('by the most demanding of several collectives, since one runs at a time', () => {
  const rate = (bytesPerS: number): CollectiveRate => ({
    ...{ bytesPerS, besideH2d: { collective: 1, h2d: 0.5, gapS: null } },
  });
  // Either takes (1 - 0.5) x 8 of the way down; on the way up 4 or 12 bytes/s beside 8 of copies.
  const transport: FlowTransport = {
    ...flow,
    collectives: { 'all-to-all': rate(4), 'all-gather': rate(12), 'all-reduce': rate(4) },
  };
  for (const kinds of [
    ['all-to-all', 'all-gather'],
    ['all-gather', 'all-to-all'],
  ] as CollectiveKind[][]) {
    assert.equal(named(twoGpus({ up: 19, transport }), kinds), ['gpu0 up', 'gpu1 up']);
    assert.equal(named(twoGpus({ up: 20, transport }), kinds), []);
  }
});

kept.run();

const meets = suite('collectives on the links');

/** A step of both ranks; each arrives at the collective when its compute is done. */
function collectiveEnds(system: System, workS: [number, number], sentBytes: number): number[] {
  const builder = new ProgramBuilder();
  const ends = workS.map((seconds, rank) => {
    const work = builder.add({
      ...{ kind: 'compute', rank, stream: 'compute', position: 0, label: 'work', class: 'gemm' },
      ...{ flops: seconds, bytes: 0, durationS: seconds, noRoomS: 0 },
      secondsOf: { gemm: seconds, attention: 0, elementwise: 0 },
    });
    const exchange = builder.add(
      {
        ...{ kind: 'collective', rank, stream: 'collective', position: 0, label: 'exchange' },
        ...{ collective: 'all-to-all', group: 0, transport: 'flow', sentBytes },
      },
      [work],
    );
    builder.wait(work, exchange, 1);
    return exchange;
  });
  const program = builder.finish({
    ...{ ranks: 2, groupSize: 2, blocks: [], blocksPerPass: 0 },
    ...{ slots: 0, slotBytes: 0, streamedPerStep: 0 },
  });
  const step = new Engine(program, system).run({ exactSteps: 1, fromStart: true });
  return ends.map((op) => step.endOf(op));
}

meets('start when the last rank has arrived, behind the start-up: 3 + 1/2 + 8 / 4', () => {
  const system = twoGpus({ transport: { ...flow, latencyS: 0.5 } });
  assert.equal(collectiveEnds(system, [1, 3], 8), [5.5, 5.5]);
  assert.equal(collectiveEnds(system, [3, 1], 8), [5.5, 5.5]);
});

meets('end for all when the slowest part has arrived', () => {
  // Rank 0 sends at 2 bytes/s what rank 1 receives; the other way at 4.
  const system = twoGpus();
  const tree = system.tree.map((node) => (node.id === 'gpu0' ? { ...node, upBytesPerS: 2 } : node));
  assert.equal(collectiveEnds({ ...system, tree }, [1, 1], 8), [5, 5]);
});

meets.run();

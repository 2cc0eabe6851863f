import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { type CaseParameters, calibrationCases } from '../../model/calibration/cases.ts';
import { loadSystem } from '../../model/system/load.ts';
import type { HostMemory, System } from '../../model/system/system.ts';
import { transportOf } from '../../model/system/transport.ts';
import { lockstepCase } from '../../sim/lockstepCase.ts';
import { type CaseTimes, simulateCaseByEvents } from '../../sim/simulateCase.ts';

const MiB = 2 ** 20;
// The Engine adds up thousands of chunks one by one.
const ROUNDING = 1e-11;

const inLockstep = (system: System, groupSize: number, parameters: CaseParameters): CaseTimes | null => {
  const transport =
    parameters.kind === 'copies' ? null : transportOf(system, parameters.transport, groupSize);
  return transport?.kind === 'staged-copy' ? null : lockstepCase(system, groupSize, parameters, transport);
};

function assertSame(id: string, found: CaseTimes, expected: CaseTimes): void {
  const numbers = ({ callS, downS, upS, windowS, windowBytes }: CaseTimes) => [
    ...callS,
    ...[downS, upS, windowS, windowBytes],
  ];
  const [some, others] = [numbers(found), numbers(expected)];
  assert.is(some.length, others.length, id);
  for (const [index, value] of some.entries())
    assert.ok(Math.abs(value - others[index]!) <= ROUNDING * others[index]!, `${id}: ${some} for ${others}`);
}

const cases = suite('a calibration case in lockstep');

for (const [name, groupSize, overrides, host = {}] of [
  ['h200-x1-fitted', 2, []],
  ['h200-x2', 2, []],
  // Loading GPUs share what the host's memory gives, by a hard limit and by a soft one.
  ['h200-x2', 2, ['tree.memory.memory=70 GB/s']],
  ['h100-sxm-x4', 4, ['tree.memory.memory=100 GB/s']],
  ['h100-sxm-x4', 4, [], { sharpness: 3, bytesPerS: 165e9 }],
  // Collectives between hosts, which a share of their bytes does not leave.
  ['h200-2x2-loopback', 4, ['tree.memory.memory=120 GB/s']],
] as [string, number, string[], Partial<HostMemory>?][]) {
  const what = [name, ...overrides, JSON.stringify(host)].join(', ');
  cases(`takes what the Engine finds, to rounding: ${what}`, () => {
    const loaded = loadSystem(name, overrides);
    const tree = loaded.tree.map((node) =>
      node.memory === null ? node : { ...node, memory: { ...node.memory, ...host } },
    );
    const system = { ...loaded, tree };
    let compared = 0;
    for (const { id, parameters } of calibrationCases(system, groupSize)) {
      const found = inLockstep(system, groupSize, parameters);
      if (found === null) continue;
      assertSame(id, found, simulateCaseByEvents(system, groupSize, parameters));
      compared += 1;
    }
    assert.ok(compared > 100, `${compared}`);
  });
}

cases('that ends before its collectives do takes what the Engine finds', () => {
  const system = loadSystem('h200-x2');
  const parameters: CaseParameters = {
    ...{ kind: 'together', collective: 'all-to-all', transport: 'shm', sentBytes: 96 * MiB },
    ...{ pieceBytes: null, calls: 6, chunkBytes: MiB, chunks: 5, paceS: 0, gpus: 1 },
  };
  assertSame('few', inLockstep(system, 2, parameters)!, simulateCaseByEvents(system, 2, parameters));
});

cases('with a loading GPU that has its link alone, beside two that share one, is left to the Engine', () => {
  const system = loadSystem('h100-pcie-x4');
  const node = { downBytesPerS: 60e9, upBytesPerS: 60e9, duplexBytesPerS: Number.POSITIVE_INFINITY };
  const top = system.tree.find(({ parent }) => parent === null)!;
  const tree = [
    { ...top },
    ...['left', 'right'].map((id) => ({ ...node, id, parent: top.id, memory: null })),
    ...system.gpus.map((id, index) => ({
      ...{ ...node, id, parent: index < 2 ? 'left' : 'right', memory: null },
    })),
  ];
  const copies = (gpus: number): CaseParameters => ({
    ...{ kind: 'copies', direction: 'h2d', chunkBytes: 16 * MiB, chunks: 8, paceS: 0, gpus },
  });
  const switched = { ...system, tree };
  assert.is(inLockstep(switched, 4, copies(3)), null);
  for (const gpus of [1, 2, 4])
    assertSame(
      `${gpus}`,
      inLockstep(switched, 4, copies(gpus))!,
      simulateCaseByEvents(switched, 4, copies(gpus)),
    );
});

cases('with one phase in each host and one between them is left to the Engine', () => {
  const parameters: CaseParameters = {
    ...{ kind: 'collective', collective: 'all-to-all', transport: 'net-hierarchical', sentBytes: 96 * MiB },
    ...{ pieceBytes: null, calls: 6 },
  };
  assert.is(inLockstep(loadSystem('h100-sxm-2x8'), 16, parameters), null);
});

cases('of ranks that share a GPU is left to the Engine', () => {
  const system = loadSystem('h200-x1-colocated');
  const [first] = calibrationCases(system, 2);
  assert.is(inLockstep(system, 2, first!.parameters), null);
});

cases.run();

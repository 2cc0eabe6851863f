import { loadSystem, systemIds } from '../../../model/system/load.ts';
import type { System } from '../../../model/system/system.ts';
import { type MachineList, machinesFormat } from '../../documents/machines.ts';
import { jsonText, type Output } from '../../output.ts';
import { type Column, formatTable } from '../../text/table.ts';

type Machine = MachineList['machines'][number];

const COLUMNS: readonly Column<Machine>[] = [
  { header: 'machine', value: (machine) => machine.id },
  { header: 'GPUs', value: (machine) => machine.gpus },
  { header: 'GPU', value: (machine) => machine.gpu },
  { header: 'GPU GiB', value: (machine) => machine.gpuMemoryBytes / 2 ** 30, digits: 1 },
  { header: 'TFLOP/s', value: (machine) => machine.peakFlops / 1e12 },
  { header: 'H2D GB/s', value: (machine) => machine.h2dBytesPerS / 1e9, digits: 1 },
  { header: 'host GiB', value: (machine) => machine.hostMemoryBytes / 2 ** 30 },
  { header: 'peer', value: (machine) => machine.peer },
  {
    header: 'transports (default first)',
    value: ({ transports, defaultTransport }) =>
      [defaultTransport, ...transports.filter((name) => name !== defaultTransport)].join(', '),
  },
];

const NUMBER_COLUMNS: readonly Column<Machine['numbers'][number]>[] = [
  { header: 'key (for --set)', value: (number) => number.key },
  { header: 'value', value: (number) => number.value },
  { header: 'from', value: (number) => number.from },
  { header: 'source', value: (number) => number.source },
];

/** Lists the machines, or the numbers of one with their provenance. */
export function run(nameOrFile: string | undefined, flags: { json?: boolean }, output: Output): void {
  const ids = nameOrFile === undefined ? systemIds() : [nameOrFile];
  const document = machinesFormat.parse({
    schema: 'chunkflow/machines@1',
    machines: ids.map((id) => describe(loadSystem(id))),
  } satisfies MachineList);
  if (flags.json) {
    output.result(jsonText(document));
    return;
  }
  output.result(formatTable(COLUMNS, document.machines));
  if (nameOrFile === undefined) return;
  output.result(`\n${formatTable(NUMBER_COLUMNS, document.machines[0]!.numbers)}`);
}

function describe(system: System): Machine {
  return {
    id: system.id,
    name: system.name,
    peer: system.peer,
    gpu: system.gpu.name,
    gpus: system.gpus.length,
    gpuMemoryBytes: system.gpu.memoryBytes,
    hostMemoryBytes: system.host.memoryBytes,
    peakFlops: system.gpu.peakFlops,
    h2dBytesPerS: system.gpu.copyEngine.h2dBytesPerS,
    transports: system.transports.map((transport) => transport.name),
    defaultTransport: system.defaultTransport,
    numbers: system.provenance.map(({ key, shown, from, source }) => ({ key, value: shown, from, source })),
  };
}

import type { z } from 'zod';
import { type MachineList, machinesFormat } from '../../../documents/machines.ts';
import { UserError } from '../../../model/input/userError.ts';
import type { CardFile } from '../../../model/system/cards/cardFormat.ts';
import { cardIds, cardNamed, isLikeCard, readCard } from '../../../model/system/cards/cards.ts';
import { machineText } from '../../../model/system/cards/machineText.ts';
import { loadSystem } from '../../../model/system/load.ts';
import { isMachineFile, openMachine, systemIds } from '../../../model/system/machineFile.ts';
import { numbersOf } from '../../../model/system/provenance.ts';
import type { ProvenanceEntry, System } from '../../../model/system/system.ts';
import { jsonText, type Output } from '../../output.ts';
import type { Layout } from '../../text/layout.ts';
import { type Column, formatTable } from '../../text/table.ts';
import { machineYaml } from './machineYaml.ts';

type Machine = MachineList['machines'][number];

type Card = NonNullable<MachineList['cards']>[number];

/** In the width of a terminal; a machine by itself has more to say. */
const COLUMNS: readonly Column<Machine>[] = [
  { header: 'machine', value: (machine) => machine.id },
  { header: 'GPUs', value: (machine) => machine.gpus },
  { header: 'GPU', value: (machine) => machine.gpu },
  { header: 'GiB', value: (machine) => machine.gpuMemoryBytes / 2 ** 30, digits: 1 },
  { header: 'TFLOP/s', value: (machine) => machine.peakFlops / 1e12 },
  { header: 'H2D GB/s', value: (machine) => machine.h2dBytesPerS / 1e9, digits: 1 },
  { header: 'peer', value: (machine) => machine.peer },
];

const OWN_COLUMNS: readonly Column<Machine>[] = [
  ...COLUMNS,
  { header: 'host GiB', value: (machine) => machine.hostMemoryBytes / 2 ** 30 },
  {
    header: 'transports (default first)',
    value: ({ transports, defaultTransport }) =>
      [defaultTransport, ...transports.filter((name) => name !== defaultTransport)].join(', '),
  },
];

/** Dense TFLOP/s in the dtypes that weights of these models are run in. */
const CARD_COLUMNS: readonly Column<Card>[] = [
  { header: 'card', value: (card) => card.id },
  { header: 'GiB', value: (card) => card.gpuMemoryBytes / 2 ** 30, digits: 1 },
  { header: 'GB/s', value: (card) => card.deviceMemoryBytesPerS / 1e9 },
  ...(['bf16', 'fp8', 'fp4'] as const).map(
    (dtype): Column<Card> => ({
      header: dtype,
      value: ({ peakFlops }) => (peakFlops[dtype] === undefined ? null : peakFlops[dtype] / 1e12),
    }),
  ),
  { header: 'W', value: (card) => card.powerCapW },
  { header: 'link', value: (card) => card.link },
  {
    header: 'NVLink',
    value: ({ nvlinkBytesPerS }) => (nvlinkBytesPerS === null ? null : nvlinkBytesPerS / 1e9),
  },
];

const NUMBER_COLUMNS: readonly Column<Machine['numbers'][number]>[] = [
  { header: 'key (for --set)', value: (number) => number.key },
  { header: 'value', value: (number) => number.value },
  { header: 'from', value: (number) => number.from },
  { header: 'source', value: (number) => number.source },
];

interface Flags {
  json?: boolean;
  yaml?: boolean;
}

/** Lists the machines and cards, or the numbers of one with their provenance. */
export function run(nameOrFile: string | undefined, flags: Flags, output: Output): void {
  if (flags.yaml) {
    if (nameOrFile === undefined)
      throw new UserError('--yaml: of which machine? give a name, or a card such as 2xrtx-4090');
    output.result(machineYaml(openMachine(nameOrFile).value));
    return;
  }
  const { machines, cards } = nameOrFile === undefined ? everything() : one(nameOrFile);
  const document = machinesFormat.parse({
    schema: 'chunkflow/machines@1',
    machines: machines.map((machine) => describe(loadSystem(machine))),
    ...(cards.length > 0 && { cards: cards.map(describeCard) }),
  } satisfies MachineList);
  output.result(
    flags.json ? jsonText(document) : readable(document, nameOrFile !== undefined, output.layout),
  );
}

interface Asked {
  machines: readonly string[];
  cards: readonly CardFile[];
}

function everything(): Asked {
  return { machines: systemIds(), cards: cardIds().map(readCard) };
}

/** A machine, and the card where it is made of one; of a card without a link of its own there is no machine. */
function one(nameOrFile: string): Asked {
  if (isMachineFile(nameOrFile)) return { machines: [nameOrFile], cards: [] };
  const { card: name } = machineText(nameOrFile);
  if (!isLikeCard(name)) return { machines: [nameOrFile], cards: [] };
  const card = cardNamed(name);
  return { machines: card.link === 'unified' ? [] : [nameOrFile], cards: [card] };
}

function readable(
  { machines, cards = [] }: z.output<typeof machinesFormat>,
  isOne: boolean,
  layout: Layout,
): string {
  const tables = [
    ...(machines.length > 0 ? [formatTable(isOne ? OWN_COLUMNS : COLUMNS, machines, layout)] : []),
    ...(cards.length > 0 ? [formatTable(CARD_COLUMNS, cards, layout)] : []),
  ];
  if (!isOne) return tables.join('\n');
  const [machine] = machines;
  const [card] = cards;
  // What the machine has of the card is among the machine's numbers.
  const own = card?.numbers.filter(({ key }) => machine === undefined || CARD_ONLY.test(key));
  return [
    ...tables,
    ...(own === undefined ? [] : [formatTable([CARD_KEY, ...NUMBER_COLUMNS.slice(1)], own, layout)]),
    ...(machine === undefined ? [] : [formatTable(NUMBER_COLUMNS, machine.numbers, layout)]),
  ].join('\n');
}

const CARD_ONLY = /^(powerCap|link|copyEngines|peerToPeer|nvlink)/;
const CARD_KEY: (typeof NUMBER_COLUMNS)[number] = { header: 'of the card', value: (number) => number.key };

function describeCard(card: CardFile): Card {
  const { peak, link } = card;
  const peaks = 'bf16' in peak ? Object.entries(peak) : [['bf16', peak] as const];
  const linkText =
    link === 'unified' ? 'unified' : 'c2c' in link ? 'C2C' : `PCIe ${link.pcie.is.gen}x${link.pcie.is.lanes}`;
  return {
    id: card.id,
    name: card.name,
    gpuMemoryBytes: card.memory.value,
    deviceMemoryBytesPerS: card.deviceMemory.value,
    peakFlops: Object.fromEntries(
      peaks.flatMap(([dtype, entry]) => (entry === undefined ? [] : [[dtype, entry.value]])),
    ),
    powerCapW: card.powerCap.value,
    link: linkText,
    nvlinkBytesPerS: card.nvlink?.rate.value ?? null,
    numbers: shownNumbers(numbersOf(card)),
  };
}

function shownNumbers(numbers: readonly ProvenanceEntry[]): Machine['numbers'] {
  return numbers.map(({ key, shown, from, source }) => ({ key, value: shown, from, source }));
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
    numbers: shownNumbers(system.provenance),
  };
}

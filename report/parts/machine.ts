import { PROVENANCES, type ProvenanceEntry, type System } from '../../model/system/system.ts';
import { fixedText } from '../../studies/numberText.ts';
import type { Part, Section } from '../report.ts';
import { commandText } from './commandText.ts';
import { type Column, tablePart } from './table.ts';

/** What a machine's numbers are and where each came from. */
export interface MachineOfReport {
  system: System;
  /** As `--machine` takes it; null for one that no file holds yet. */
  named: string | null;
}

/** The machines that predict, every number of each with its provenance. */
export function machineSection(machines: readonly MachineOfReport[]): Section {
  return {
    id: 'machine',
    title: machines.length === 1 ? 'Machine and provenance' : 'Machines and provenance',
    parts: machines.flatMap(({ system, named }, index) => machineParts(system, named, index)),
  };
}

function machineParts(system: System, named: string | null, index: number): Part[] {
  const command = named === null ? null : commandText(['machines', named]);
  const { gpu, gpus, peer, transports, defaultTransport } = system;
  return [
    {
      kind: 'facts',
      facts: [
        ['machine', `${system.id}: ${system.name}`],
        ['GPUs', `${gpus.length} x ${gpu.name}, ${fixedText(gpu.memoryBytes / 2 ** 30, 1)} GiB each`],
        ['peer', peer],
        [
          'transports',
          transports.map(({ name }) => (name === defaultTransport ? `${name} (default)` : name)).join(', '),
        ],
        ['numbers', provenanceCounts(system.provenance)],
      ],
    },
    tablePart(
      index === 0 ? 'machine-numbers' : `machine-numbers-${index + 1}`,
      `Every number of ${system.id}, and where it came from`,
      NUMBER_COLUMNS,
      system.provenance,
      { isFolded: true, command },
    ),
  ];
}

/** @example '12 fitted, 9 datasheet, 6 default' */
function provenanceCounts(numbers: readonly ProvenanceEntry[]): string {
  return PROVENANCES.map((from) => ({ from, count: numbers.filter((number) => number.from === from).length }))
    .filter(({ count }) => count > 0)
    .sort((one, other) => other.count - one.count)
    .map(({ from, count }) => `${count} ${from}`)
    .join(', ');
}

const NUMBER_COLUMNS: readonly Column<ProvenanceEntry>[] = [
  { header: 'number', value: ({ key }) => key },
  { header: 'value', value: ({ shown }) => shown },
  { header: 'from', value: ({ from }) => from },
  { header: '95 % interval, of the value', value: ({ interval }) => intervalText(interval) },
  { header: 'source', value: ({ source }) => source },
];

function intervalText(interval: ProvenanceEntry['interval']): string | null {
  if (interval === undefined) return null;
  const [low, high] = interval.map((factor) => fixedText((factor - 1) * 100, 1)) as [string, string];
  return `${low.replace('-', '\u2212')} to +${high} %`;
}

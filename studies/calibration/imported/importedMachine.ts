import { readFileSync } from 'node:fs';
import { basename } from 'node:path';
import { sum } from 'simple-statistics';
import { UserError } from '../../../model/input/userError.ts';
import { parseYaml } from '../../../model/input/yamlFile.ts';
import { isCpuCores } from '../../../model/system/cpuCores.ts';
import { buildSystem, systemFileOf } from '../../../model/system/load.ts';
import { oneHost } from '../../../model/system/oneHost.ts';
import type { System } from '../../../model/system/system.ts';
import type { CollectiveReading, CopyReading } from '../../imports/importedReading.ts';
import type { ImportedTree } from '../../imports/importedTree.ts';
import type { Imported } from '../../imports/readAny.ts';
import { type FittedMachine, fitReadings } from '../fitMachine.ts';
import { withEntriesIn } from '../machineFile.ts';
import type { FittedEntry } from '../machineValues.ts';
import { collectiveReadings } from './collectiveReadings.ts';
import { measuredCopies } from './measuredCopies.ts';
import { withTopology } from './topologyOfMachine.ts';
import { chosenTransport, withTransport } from './transportOfReadings.ts';

/** A machine fitted to other tools' files, and the text of its file that the fitted numbers are written into. */
export interface ImportedMachine extends FittedMachine {
  text: string;
}

/** What other tools' files say of a machine, by kind. */
interface Said {
  tree: ImportedTree | null;
  copies: CopyReading[];
  collectives: CollectiveReading[];
  devices: string[];
}

/**
 * A machine from other tools' files: the nearest machine's file with the tree of a topology, the rates that nvbandwidth measured, and
 * start-up and rates of collectives fitted to nccl-tests. What the files say nothing of keeps its number and its provenance.
 *
 * @param transport that nccl-tests ran over, which their output does not say.
 * @param files that were read, for messages.
 * @throws UserError where the files contradict each other or the machine, and where they say nothing of it.
 */
export function fitImported(
  imported: readonly Imported[],
  { machine, transport, files }: { machine: string; transport?: string; files: readonly string[] },
): ImportedMachine {
  const said = saidBy(imported, files);
  const file = systemFileOf(machine);
  const base = readFileSync(file, 'utf8');
  const systemOf = (text: string): System => buildSystem(parseYaml(file, text));
  const nearest = systemOf(base);
  if (isCpuCores(nearest))
    throw new UserError(`machine ${nearest.id} is CPU cores; name the machine with GPUs that is nearest`);
  const notes = imported.flatMap((one) => one.notes);
  notes.push(...otherDevices(said.devices, nearest));

  const withTree = withTopology(base, nearest, said);
  const copies = measuredCopies(said.copies, oneHost(systemOf(withTree.text)));
  const withCopies = withEntriesIn(withTree.text, copies.entries);
  const collectives = collectiveReadings(said.collectives, systemOf(withCopies));
  const chosen = chosenTransport(collectives.readings, systemOf(withCopies), {
    ...(transport !== undefined && { asked: transport }),
    isNvlinked: (said.tree?.nvlinks.length ?? 0) > 0,
  });
  const started = withTransport(withCopies, chosen, collectives.readings);
  const fitted = fitReadings(
    parseYaml(file, started.text),
    { cases: collectives.casesOver(chosen?.name ?? ''), segments: [], notes: [], hostOnly: true },
    sourcesOf(said.collectives),
  );
  const entries = new Map<string, FittedEntry>([
    ...withTree.entries,
    ...copies.entries,
    ...started.entries,
    ...withoutAssumedShares(fitted),
  ]);
  return {
    ...fitted,
    text: started.text,
    entries,
    notes: [
      ...notes,
      ...withTree.notes,
      ...copies.notes,
      ...collectives.notes,
      ...started.notes,
      ...fitted.notes,
    ],
  };
}

function saidBy(imported: readonly Imported[], files: readonly string[]): Said {
  const said: Said = { tree: null, copies: [], collectives: [], devices: [] };
  for (const one of imported) {
    if (one.from === 'nvbandwidth') said.copies = [...said.copies, ...one.readings];
    else if (one.from === 'nccl-tests') said.collectives = [...said.collectives, ...one.readings];
    else if (said.tree === null) said.tree = one;
    else
      throw new UserError(
        `is a second topology beside that of ${said.tree.file}; give the one of NCCL, which has the links' rates`,
        { file: one.file },
      );
    if ('devices' in one) said.devices = [...said.devices, ...one.devices];
  }
  if (said.tree === null && said.copies.length + said.collectives.length === 0)
    throw new UserError(
      'holds no reading of copies with the host or of collectives, and no topology; give the output of nvbandwidth or nccl-tests',
      { file: files.join(', '), line: 1 },
    );
  return said;
}

/**
 * What a fit assumes of staged bytes that miss host memory, until copies beside collectives say otherwise, is dropped: no such output
 * tells, so all of them count, unless host memory could not serve the measured rates then.
 */
function withoutAssumedShares({ entries, system }: FittedMachine): [string, FittedEntry][] {
  const memoryBytesPerS = sum(system.tree.map(({ memory }) => memory?.bytesPerS ?? 0));
  const isServed = (name: string) => {
    const transport = system.transports.find((one) => one.name === name);
    const rates = transport?.kind === 'flow' ? Object.values(transport.collectives) : [];
    // Each byte is written and read.
    return rates.every(({ bytesPerS }) => 2 * system.gpus.length * bytesPerS <= memoryBytesPerS);
  };
  return [...entries].flatMap(([key, entry]): [string, FittedEntry][] => {
    const [, name] = /^transports\.([^.]+)\.hostShare$/.exec(key) ?? [];
    if (name === undefined || entry.from !== 'default') return [[key, entry]];
    const source = 'assumed: host memory has no room for all staged bytes at the measured rate';
    return isServed(name) ? [] : [[key, { ...entry, source }]];
  });
}

/** The GPUs that the files name and the machine has not: what they compute stays the machine's. */
function otherDevices(devices: readonly string[], { id, gpu }: System): string[] {
  const plain = (text: string) => text.toLowerCase().replaceAll(/nvidia|geforce|tesla|\(.*\)|[^a-z0-9]/g, '');
  const model = plain(gpu.name.split(' ').slice(0, 2).join(' '));
  const short = plain(gpu.name.split(' ')[0]!);
  const isIt = (name: string) => {
    const words = name.toLowerCase().split(/[^a-z0-9]+/);
    return plain(name).includes(model) || (/\d/.test(short) && words.includes(short));
  };
  return [...new Set(devices)]
    .filter((name) => !isIt(name))
    .map(
      (name) =>
        `the files are of ${name}, and ${id} has ${gpu.name}: compute, memory and pauses of copies stay those of ${id}`,
    );
}

function sourcesOf(readings: readonly CollectiveReading[]): string {
  const files = new Set(readings.map(({ source }) => basename(source.replace(/:\d+$/, ''))));
  return `nccl-tests, ${[...files].join(', ')}`;
}

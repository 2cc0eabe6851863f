import { existsSync, readdirSync } from 'node:fs';
import { basename, join } from 'node:path';
import type { CollectiveKind } from '../dit/kinds.ts';
import { packageRoot } from '../input/packageFiles.ts';
import { shown, UserError } from '../input/userError.ts';
import { checked, readYamlFile, type YamlFile } from '../input/yamlFile.ts';
import { bf16Of, computeRatesOf } from './computeRates.ts';
import { type SystemFile, systemFile } from './format.ts';
import { withOverrides } from './overrides.ts';
import type { Power, ProvenanceEntry, System } from './system.ts';
import {
  type CollectiveRate,
  FLOW_CARRIERS,
  type FlowKey,
  type FlowNumbers,
  type FlowTransport,
  STAGED_COPY,
  STAGED_SM,
  type StagedCopyTransport,
  stagedSmName,
  type Transport,
} from './transport.ts';
import { buildTree, pathToMemory, TreeError } from './tree.ts';

const folder = join(packageRoot, 'model', 'systems');

/** Names of the machines that ship with the package. */
export function systemIds(): string[] {
  return readdirSync(folder)
    .filter((file) => file.endsWith('.yaml'))
    .map((file) => basename(file, '.yaml'))
    .sort();
}

/**
 * A machine by name or from a YAML file, with `key=value` overrides of any of its numbers, such as
 * `transports.shm.all-to-all.rate=20.4 GB/s`.
 *
 * @throws UserError with file, line and column of what does not fit.
 */
export function loadSystem(nameOrFile: string, overrides: readonly string[] = []): System {
  const source = readYamlFile(systemFileOf(nameOrFile));
  return buildSystem(withOverrides(source, overrides));
}

/** The file of a machine that is named, or given as a file. */
export function systemFileOf(nameOrFile: string): string {
  if (systemIds().includes(nameOrFile)) return join(folder, `${nameOrFile}.yaml`);
  if (/\.ya?ml$/i.test(nameOrFile) || existsSync(nameOrFile)) return nameOrFile;
  throw new UserError(
    `machine ${shown(nameOrFile)} is not known; give a YAML file or one of ${systemIds().join(', ')}`,
  );
}

/** Checks a machine file and turns it into a System. */
export function buildSystem(source: YamlFile): System {
  return systemOf(checked(source, systemFile), source);
}

/** A checked machine file as a System; `source` is what its faults are placed in. */
export function systemOf(file: SystemFile, source: Pick<YamlFile, 'file' | 'place'>): System {
  const fail = (path: readonly PropertyKey[], message: string): never => {
    throw new UserError(`${path.map(String).join('.')}: ${message}`, source.place(path));
  };
  let tree: System['tree'];
  try {
    tree = buildTree(file);
  } catch (error) {
    if (error instanceof TreeError) return fail(error.path, error.message);
    throw error;
  }
  file.gpus.forEach((gpu, index) => {
    if (file.gpus.indexOf(gpu) !== index)
      fail(['gpus', index], `"${gpu}" is listed twice; for ranks on one GPU use peer: colocated`);
    if (!Object.hasOwn(file.tree, gpu)) fail(['gpus', index], `"${gpu}" is no node of the tree`);
    if (pathToMemory(tree, gpu).memory === undefined) {
      fail(['gpus', index], `"${gpu}" reaches no host memory; give a node above it \`memory\``);
    }
  });
  if (file.peer === 'mirrored' && file.gpus.length !== 1)
    fail(['peer'], 'a mirrored peer needs exactly one GPU');
  const transports = transportsOf(file, fail);
  if (!transports.some((transport) => transport.name === file.defaultTransport)) {
    fail(
      ['defaultTransport'],
      `expected one of ${transports.map((t) => t.name).join(', ')}, got ${shown(file.defaultTransport)}`,
    );
  }
  const { gpu, host } = file;
  const compute = computeRatesOf(gpu, fail);
  return {
    id: file.id,
    name: file.name,
    file: source.file,
    peer: file.peer,
    gpu: {
      name: gpu.name,
      memoryBytes: gpu.memory.value,
      peakFlops: bf16Of(gpu.peak).value,
      hbmBytesPerS: gpu.deviceMemory.value,
      efficiency: {
        gemm: bf16Of(gpu.efficiency.gemm).value,
        attention: gpu.efficiency.attention.value,
        elementwise: gpu.efficiency.elementwise.value,
      },
      compute,
      launchFloorS: gpu.launchFloor.value,
      kernelOverheadS: {
        gemm: gpu.kernelOverhead?.gemm?.value ?? 0,
        attention: gpu.kernelOverhead?.attention?.value ?? 0,
        elementwise: gpu.kernelOverhead?.elementwise?.value ?? 0,
      },
      traffic: {
        norm: gpu.traffic?.norm?.value ?? 1,
        qkNorm: gpu.traffic?.qkNorm?.value ?? 1,
        residual: gpu.traffic?.residual?.value ?? 1,
        activation: gpu.traffic?.activation?.value ?? 1,
        relayout: gpu.traffic?.relayout?.value ?? 1,
      },
      attentionTiles:
        gpu.attentionTiles === undefined
          ? null
          : {
              multiprocessors: gpu.attentionTiles.multiprocessors.value,
              rows: gpu.attentionTiles.rows.value,
              ragged: gpu.attentionTiles.ragged.value,
              overheadS: gpu.attentionTiles.overhead.value,
            },
      copyEngine: {
        h2dBytesPerS: gpu.copyEngine.h2d.value,
        d2hBytesPerS: gpu.copyEngine.d2h.value,
        startUpS: gpu.copyEngine.startUp.value,
        gapS: gpu.copyEngine.gap.value,
        turnS: gpu.copyEngine.turn.value,
        paceOverheadS: gpu.copyEngine.paceOverhead.value,
      },
      power: gpu.power === undefined ? null : powerOf(gpu.power, { name: gpu.name, compute }),
      computeSpeed: 1,
    },
    gpus: file.gpus,
    tree,
    transports,
    defaultTransport: file.defaultTransport,
    host: {
      memoryBytes: host.memory.value,
      pageableBytesPerS: host.pageable.value,
      launchLeadS: host.launchLead.value,
      launchWindowS: host.launchWindow.value,
      deviceReserveBytes: host.deviceReserve.value,
      eagerLaunchS: host.eagerLaunch?.value ?? null,
    },
    provenance: provenanceOf(file),
  };
}

function powerOf(power: NonNullable<SystemFile['gpu']['power']>, of: Power['of']): Power {
  return {
    capW: power.cap.value,
    idleW: power.idle.value,
    joulesPerFlop: { gemm: power.gemm.value, attention: power.attention.value },
    joulesPerByte: power.elementwise.value,
    energyExponent: power.energyExponent.value,
    usefulClock: {
      gemm: power.usefulClock.gemm.value,
      attention: power.usefulClock.attention.value,
      elementwise: power.usefulClock.elementwise.value,
    },
    minClock: power.minClock.value,
    topClockHz: power.topClock?.value ?? null,
    of,
  };
}

type FlowEntry = NonNullable<SystemFile['transports']['shm']>;
type Rates = Pick<FlowEntry, CollectiveKind>;
type OfRanks = NonNullable<FlowEntry['ranks']>[string];

function transportsOf(
  file: SystemFile,
  fail: (path: readonly PropertyKey[], message: string) => never,
): Transport[] {
  const { [STAGED_SM]: stagedSm, [STAGED_COPY]: stagedCopy, ...flows } = file.transports;
  const collectivesOf = (key: readonly string[], rates: Rates): FlowTransport['collectives'] => {
    const rate = (kind: keyof Rates): CollectiveRate => {
      const entry = rates[kind] ?? rates['all-to-all'];
      const collective = entry.besideH2d.collective.value;
      const h2d = entry.besideH2d.h2d.value;
      if (collective + h2d < 1) {
        fail(
          ['transports', ...key, kind, 'besideH2d'],
          `collective ${collective} and h2d ${h2d} add up to less than 1; a shared link is never left idle`,
        );
      }
      if (h2d === 1 && collective < 1) {
        fail(
          ['transports', ...key, kind, 'besideH2d', 'collective'],
          `${collective} beside h2d 1: copies that lose nothing share nothing; expected 1, or less than 1 for h2d`,
        );
      }
      const gapS = entry.besideH2d.gap?.value ?? null;
      return { bytesPerS: entry.rate.value, besideH2d: { collective, h2d, gapS } };
    };
    return {
      'all-to-all': rate('all-to-all'),
      'all-gather': rate('all-gather'),
      'all-reduce': rate('all-reduce'),
    };
  };
  /** Numbers that hold for every number of ranks, and those of the numbers of ranks that have their own. */
  const numbersOf = (
    key: readonly string[],
    entry: Rates & { ranks?: Record<string, OfRanks> | undefined },
    usual: Pick<FlowNumbers, 'latencyS' | 'deviceBufferBytes'>,
  ): FlowNumbers & Pick<FlowTransport, 'byRanks'> => {
    const byRanks = Object.entries(entry.ranks ?? {}).map(([ranks, own]): [number, FlowNumbers] => [
      Number(ranks),
      {
        latencyS: own.latency?.value ?? usual.latencyS,
        deviceBufferBytes: own.deviceBuffers?.value ?? usual.deviceBufferBytes,
        collectives: collectivesOf([...key, 'ranks', ranks], {
          'all-to-all': own['all-to-all'] ?? entry['all-to-all'],
          'all-gather': own['all-gather'] ?? own['all-to-all'] ?? entry['all-gather'],
          'all-reduce': own['all-reduce'] ?? own['all-to-all'] ?? entry['all-reduce'],
        }),
      },
    ]);
    return { ...usual, collectives: collectivesOf(key, entry), byRanks: new Map(byRanks) };
  };
  const transports: Transport[] = Object.entries(flows).flatMap(([name, entry]): FlowTransport[] => {
    if (entry === undefined) return [];
    const latencyS = entry.latency.value;
    const deviceBufferBytes = entry.deviceBuffers?.value ?? 0;
    const numbers = numbersOf([name], entry, { latencyS, deviceBufferBytes });
    const hostShare = entry.hostShare?.value ?? 1;
    const carrier = FLOW_CARRIERS[name as FlowKey];
    return [{ kind: 'flow', name, carrier, path: entry.path, hostShare, fill: null, ...numbers }];
  });
  if (stagedSm !== undefined) {
    const byCtas = Object.entries(stagedSm.ctas).map(([text, entry]): FlowTransport => {
      const ctas = Number(text);
      const usual = { latencyS: stagedSm.latency.value, deviceBufferBytes: 0 };
      return {
        ...{
          kind: 'flow',
          name: stagedSmName(ctas),
          carrier: { by: 'kernel', ctas, ring: stagedSm.ring ?? 0 },
          path: 'host',
          hostShare: entry.hostShare?.value ?? 1,
        },
        fill:
          stagedSm.fill === undefined || entry.fillCost === undefined
            ? null
            : { bytes: stagedSm.fill.value * ctas, cost: entry.fillCost.value },
        ...numbersOf([STAGED_SM, 'ctas', text], entry, usual),
      };
    });
    transports.push(...byCtas);
    const usual = byCtas.find((transport) => transport.name === stagedSmName(stagedSm.defaultCtas));
    if (usual === undefined) {
      return fail(
        ['transports', STAGED_SM, 'defaultCtas'],
        `expected one of ${Object.keys(stagedSm.ctas).join(', ')}, got ${stagedSm.defaultCtas}`,
      );
    }
    transports.push({ ...usual, name: STAGED_SM });
  }
  if (stagedCopy !== undefined) {
    const copies: StagedCopyTransport = {
      kind: 'staged-copy',
      name: STAGED_COPY,
      carrier: { by: 'copy-engines' },
      latencyS: stagedCopy.latency.value,
      flagS: stagedCopy.flag.value,
      pieceBytes: stagedCopy.piece.value,
      cacheBytes: stagedCopy.cache?.value ?? 0,
    };
    transports.push(copies);
  }
  return transports;
}

/** A checked number of a machine file. */
interface NumberEntry {
  is: string | number;
  from: ProvenanceEntry['from'];
  source: string;
  value: number;
  /** In the unit of `value`. */
  interval?: readonly number[] | undefined;
}

/** Every number of the file that says where it came from, in the file's order. */
function provenanceOf(file: SystemFile): ProvenanceEntry[] {
  const entries: ProvenanceEntry[] = [];
  const walk = (value: unknown, key: string): void => {
    if (typeof value !== 'object' || value === null) return;
    if ('is' in value && 'from' in value) {
      const entry = value as NumberEntry;
      const { is, from, source } = entry;
      entries.push({ key, shown: String(is), from, source, ...intervalOf(entry) });
      return;
    }
    for (const [name, inner] of Object.entries(value)) walk(inner, key === '' ? name : `${key}.${name}`);
  };
  walk(file, '');
  return entries;
}

/** A number's interval as factors on the number; nothing where the file gives none, or the number is 0. */
function intervalOf({ value, interval }: NumberEntry): Pick<ProvenanceEntry, 'interval'> {
  const [low, high] = interval ?? [];
  if (low === undefined || high === undefined || value === 0) return {};
  return { interval: [Math.min(1, low / value), Math.max(1, high / value)] };
}

import { shown, UserError } from '../input/userError.ts';
import { checked, type YamlFile } from '../input/yamlFile.ts';
import type { Wiring } from './cards/machineText.ts';
import { bf16Of, computeRatesOf } from './computeRates.ts';
import { transportsOf } from './fileTransports.ts';
import { type SystemFile, systemFile } from './format.ts';
import { composedSource, openMachine } from './machineFile.ts';
import { hostsOf } from './network.ts';
import { withOverrides } from './overrides.ts';
import { numbersOf } from './provenance.ts';
import type { Power, System } from './system.ts';
import { buildTree, pathToMemory, TreeError } from './tree.ts';

export { systemFileOf, systemIds } from './machineFile.ts';

/**
 * A machine by name, from a YAML file or of a card (`2xrtx-4090,pcie=4x8`), with `key=value` overrides of any of its numbers, such as
 * `transports.shm.all-to-all.rate=20.4 GB/s`.
 *
 * @param wiring of a card, what its text does not say.
 * @throws UserError with file, line and column of what does not fit.
 */
export function loadSystem(
  nameOrFile: string,
  overrides: readonly string[] = [],
  wiring: Wiring = {},
): System {
  return buildSystem(withOverrides(openMachine(nameOrFile, wiring), overrides));
}

/** Checks a machine file and turns it into a System. */
export function buildSystem(source: YamlFile): System {
  const whole = composedSource(source);
  return systemOf(checked(whole, systemFile), whole);
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
  const hosts = hostsOf(file, tree, fail);
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
    ...hosts,
    transports,
    defaultTransport: file.defaultTransport,
    host: {
      memoryBytes: host.memory.value,
      pageableBytesPerS: host.pageable.value,
      pageableOutBytesPerS: (host.pageableOut ?? host.pageable).value,
      launchLeadS: host.launchLead.value,
      launchWindowS: host.launchWindow.value,
      deviceReserveBytes: host.deviceReserve.value,
      eagerLaunchS: host.eagerLaunch?.value ?? null,
    },
    provenance: numbersOf(file),
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

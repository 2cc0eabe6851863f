import type { Environment } from './command.ts';
import { type Places, usualPlaces } from './cudaParts.ts';
import {
  findGpuLinks,
  findGpus,
  findHostMemory,
  type Gpu,
  type GpuLink,
  type HostMemory,
} from './hardware.ts';
import { type Backend, findToolchain, missingFor, type Part } from './toolchain.ts';

/** A backend or transport, and why it cannot be had where it cannot. */
export interface Possibility {
  name: string;
  possible: boolean;
  why: string;
}

/** What this machine has for building and measuring generated programs. */
export interface Diagnosis {
  schema: 'chunkflow/doctor@1';
  parts: Part[];
  gpus: Gpu[];
  links: GpuLink[];
  /** Why nvidia-smi's matrix of them could not be read; null where it could, or there is none. */
  linksUnread: string | null;
  memory: HostMemory;
  backends: Possibility[];
  transports: Possibility[];
}

/** Looks; changes nothing and builds nothing. */
export function diagnose(env: Environment = process.env, places: Places = usualPlaces): Diagnosis {
  const parts = findToolchain(env, places);
  const gpus = findGpus(env);
  const { links, unread } = gpus.length > 1 ? findGpuLinks(env) : { links: [], unread: null };
  return {
    schema: 'chunkflow/doctor@1',
    parts,
    gpus,
    links,
    linksUnread: unread,
    memory: findHostMemory(),
    backends: [backend(parts, 'host'), backend(parts, 'cuda')],
    transports: transports(parts, gpus),
  };
}

/** Whether generated programs can be built here at all. */
export function canBuildAnything({ backends }: Diagnosis): boolean {
  return backends.some(({ possible }) => possible);
}

function backend(parts: readonly Part[], name: Backend): Possibility {
  const missing = missingFor(parts, name).map((part) => part.name);
  return {
    name,
    possible: missing.length === 0,
    why: missing.length === 0 ? 'everything is here' : `without ${missing.join(', ')}`,
  };
}

function transports(parts: readonly Part[], gpus: readonly Gpu[]): Possibility[] {
  const { possible, why } = backend(parts, 'cuda');
  const onGpu = (name: string, devices: number, otherwise: string): Possibility => {
    if (!possible) return { name, possible, why: `the cuda backend cannot be built ${why}` };
    if (gpus.length === 0)
      return { name, possible: false, why: 'builds, but there is no GPU here to run on' };
    if (gpus.length < devices) return { name, possible: true, why: otherwise };
    return { name, possible: true, why: gpus.length === 1 ? 'one GPU' : `${gpus.length} GPUs` };
  };
  const host = backend(parts, 'host');
  const mirrored = 'one GPU: peers mirrored (times) or colocated (code only)';
  return [
    onGpu('nccl', 2, 'one GPU: colocated ranks only, which proves code and no times (NCCL 2.30 or newer)'),
    onGpu('staged-sm', 2, mirrored),
    onGpu('staged-copy', 2, mirrored),
    { ...host, name: 'host', why: host.possible ? 'threads and memcpy on CPU cores, no GPU' : host.why },
  ];
}

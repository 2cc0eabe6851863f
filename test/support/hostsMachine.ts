import { readFileSync } from 'node:fs';
import { parse, stringify } from 'yaml';
import { parseYaml } from '../../model/input/yamlFile.ts';
import { buildSystem, systemFileOf } from '../../model/system/load.ts';
import type { System } from '../../model/system/system.ts';

export interface HostsMachine {
  /** 1 for a machine without network. */
  hosts: number;
  gpusPerHost: number;
  /** Of each host, in order and evenly for its GPUs. */
  nics?: number;
  nicGBPerS?: number;
  direct?: boolean;
  rails?: 'optimized' | 'flat';
  oversubscription?: number;
  within?: 'nvlink' | 'shm';
  memoryGBPerS?: number;
  linkGBPerS?: number;
}

const number = (is: string | number) => ({ is, from: 'default' });

/** Hosts of RTX 5090s whose GPUs and NICs hang from one host memory: round numbers, all of a port's rate for payload. NVLink takes nothing of H2D. */
export function hostsMachine(of: HostsMachine): System {
  return buildSystem(parseYaml('hosts.yaml', hostsYaml(of)));
}

export function hostsYaml({
  hosts,
  gpusPerHost,
  nics = 1,
  nicGBPerS = 10,
  direct = true,
  rails = 'flat',
  oversubscription = 1,
  within = 'shm',
  memoryGBPerS = 1000,
  linkGBPerS = 50,
}: HostsMachine): string {
  const machine = parse(readFileSync(systemFileOf('rtx5090-x2'), 'utf8'));
  const link = { parent: 'memory', down: number(`${linkGBPerS} GB/s`), up: number(`${linkGBPerS} GB/s`) };
  const gpus = Array.from({ length: gpusPerHost }, (_, index) => `gpu${index}`);
  const flow = (rate: string, collective: number, h2d: number) => ({
    rate: number(rate),
    besideH2d: { collective: number(collective), h2d: number(h2d) },
  });
  const net = {
    path: 'network',
    ...(gpusPerHost > 1 && { within }),
    ...{ latency: number('25 us'), peer: number('2 us') },
    ...{ deviceBuffers: number('1 GiB'), peerBuffers: number('16 MiB') },
  };
  const nic = (index: number) => [`nic${index}`, { ...link, rate: number(`${nicGBPerS} GB/s`), direct }];
  return stringify({
    ...machine,
    gpus,
    tree: {
      memory: { memory: number(`${memoryGBPerS} GB/s`) },
      ...Object.fromEntries(gpus.map((id) => [id, link])),
    },
    ...(hosts > 1 && {
      network: {
        ...{ hosts, payload: number(1), rails, oversubscription: number(oversubscription) },
        nics: Object.fromEntries(Array.from({ length: nics }, (_, index) => nic(index))),
      },
    }),
    transports: {
      shm: { path: 'host', latency: number('20 us'), 'all-to-all': flow('20 GB/s', 0.5, 0.7) },
      nvlink: { path: 'nvlink', latency: number('10 us'), 'all-to-all': flow('200 GB/s', 1, 1) },
      'staged-copy': machine.transports['staged-copy'],
      ...(hosts > 1 && { net, 'net-hierarchical': net }),
    },
    defaultTransport: hosts > 1 ? 'net' : within,
  });
}

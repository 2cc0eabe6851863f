import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { parse, stringify } from 'yaml';
import { UserError } from '../../../model/input/userError.ts';
import { parseYaml } from '../../../model/input/yamlFile.ts';
import { buildSystem, loadSystem } from '../../../model/system/load.ts';
import { oneHost } from '../../../model/system/oneHost.ts';
import { type FlowTransport, transportOf } from '../../../model/system/transport.ts';
import { type HostsMachine, hostsMachine, hostsYaml } from '../../support/hostsMachine.ts';

const refuses = (run: () => unknown, message: RegExp) =>
  assert.throws(run, (error: unknown) => {
    assert.instance(error, UserError);
    assert.match((error as Error).message, message);
    return true;
  });

const files = suite('machine files of several hosts');
const PAIR: HostsMachine = { hosts: 2, gpusPerHost: 4, nics: 2 };

/** A machine file with one thing changed. */
function changed(change: (file: ReturnType<typeof parse>) => void): string {
  const file = parse(hostsYaml(PAIR));
  change(file);
  return stringify(file);
}
const build = (text: string) => buildSystem(parseYaml('hosts.yaml', text));

files('a host is written once and stands for all, each with its own GPUs, links, memory and NICs', () => {
  const { gpus, tree, network } = hostsMachine(PAIR);
  assert.equal(gpus.slice(3, 5), ['host0/gpu3', 'host1/gpu0']);
  assert.equal(
    tree.filter(({ id }) => id.startsWith('host1/')).map(({ id, parent }) => `${id} < ${parent}`),
    [
      'host1/memory < null',
      ...[0, 1, 2, 3].map((index) => `host1/gpu${index} < host1/memory`),
      'host1/nic0 < host1/memory',
      'host1/nic1 < host1/memory',
    ],
  );
  assert.equal(
    [...network!.nics].map(([gpu, nics]) => `${gpu} ${nics.map(({ node }) => node).join(' ')}`).slice(0, 5),
    [
      'host0/gpu0 host0/nic0',
      'host0/gpu1 host0/nic0',
      'host0/gpu2 host0/nic1',
      'host0/gpu3 host0/nic1',
      'host1/gpu0 host1/nic0',
    ],
  );
});

files('one host of it is as its file calls it', () => {
  const host = oneHost(hostsMachine(PAIR));
  const alone = hostsMachine({ hosts: 1, gpusPerHost: 4 });
  assert.equal([host.gpus, host.tree, host.network], [alone.gpus, alone.tree, null]);
  assert.is(oneHost(alone), alone);
});

for (const [what, text, message] of [
  [
    'a NIC at a node that is not there',
    changed((file) => (file.network.nics.nic0.parent = 'root9')),
    /"root9" is no node; nodes are memory, gpu0/,
  ],
  [
    'a NIC with the name of a GPU',
    changed((file) => (file.network.nics.gpu0 = file.network.nics.nic0)),
    /gpu0/,
  ],
  [
    'a NIC whose link has no rate',
    changed((file) => {
      delete file.network.nics.nic0.down;
    }),
    /the link to memory has no rate; give pcie/,
  ],
  [
    'GPUs for some NICs only',
    changed((file) => (file.network.nics.nic0.gpus = ['gpu0'])),
    /give them for all NICs/,
  ],
  [
    'too many GPUs',
    changed((file) => (file.network.hosts = 64)) &&
      changed((file) => {
        file.network.hosts = 64;
        file.gpus = Array.from({ length: 9 }, (_, index) => `gpu${index}`);
        for (const gpu of file.gpus) file.tree[gpu] = file.tree.gpu0;
      }),
    /64 x 9 GPUs; expected at most 512/,
  ],
  ['peers that are not real', changed((file) => (file.peer = 'mirrored')), /peer/],
  ['net on one host', changed((file) => delete file.network), /network/],
  [
    'within a transport that is not there',
    changed((file) => (file.transports.net.within = 'nvswitch')),
    /nvswitch/,
  ],
] as [string, string, RegExp][])
  files(`refused: ${what}`, () => refuses(() => build(text), message));

files('transports of a host are refused between hosts, with what works', () => {
  const system = hostsMachine(PAIR);
  for (const name of ['shm', 'nvlink', 'staged-copy'])
    refuses(() => transportOf(system, name, 8), new RegExp(`${name}.*net`));
  for (const name of ['shm', 'nvlink', 'staged-copy']) assert.is(transportOf(system, name, 4).name, name);
});

files('machines of two hosts that ship with the package load and have a network', () => {
  for (const [id, hosts, gpus] of [
    ['h100-sxm-2x8', 2, 16],
    ['rtx5090-2x4', 2, 8],
    ['h200-2x2-loopback', 2, 4],
  ] as const) {
    const { network, gpus: all, defaultTransport } = loadSystem(id);
    assert.equal([network?.hosts, all.length, defaultTransport], [hosts, gpus, 'net']);
  }
});

files.run();

const cards = suite('cards on several hosts');

cards('the settings hosts and nic make a machine of several hosts', () => {
  const system = loadSystem('16xh100-sxm,hosts=2,nic=8x400G');
  assert.is(system.gpus.length, 16);
  assert.is(system.network!.nics.get('host1/gpu7')![0]!.direct, true);
  const port = system.network!.nodes.find(({ id }) => id === 'host0/nic3.port')!;
  assert.is(port.upBytesPerS, 0.96 * 50e9);
  const net = transportOf(system, 'net', 16) as FlowTransport;
  assert.is(net.network!.within, 'nvlink');
});

cards('GPUs that NICs cannot reach send through host memory', () => {
  const system = loadSystem('8xrtx-4090,hosts=2,nic=100G');
  assert.is(system.network!.nics.get('host0/gpu0')![0]!.direct, false);
});

for (const [text, message] of [
  ['15xh100-sxm,hosts=2,nic=8x400G', /hosts/],
  ['8xh100-sxm,nic=8x400G', /hosts/],
  ['16xh100-sxm,hosts=2,nic=fast', /nic/],
] as [string, RegExp][])
  cards(`refused: ${text}`, () => refuses(() => loadSystem(text), message));

cards.run();

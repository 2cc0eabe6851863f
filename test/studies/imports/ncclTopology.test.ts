import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { ncclTopology } from '../../../studies/imports/ncclTopology.ts';
import { fixtureText, refuses } from './fixtureText.ts';

const given = suite('NCCL topology XML');

const tree = ncclTopology(fixtureText('topology.xml'));

given('the tree: sockets with GPUs, a switch of two levels as one, links by generation and lanes', () => {
  assert.equal(tree.gpus, ['gpu0', 'gpu1', 'gpu2']);
  assert.equal(
    tree.nodes.map(({ id, parent, pcie }) => [id, parent, pcie && `${pcie.gen}x${pcie.lanes}`]),
    [
      ['fabric', null, null],
      ['socket0', 'fabric', null],
      ['switch0', 'socket0', '5x16'],
      ['gpu0', 'switch0', '5x16'],
      ['gpu1', 'switch0', '4x8'],
      ['socket1', 'fabric', null],
      ['gpu2', 'socket1', null],
    ],
  );
});

given('NVLinks name GPUs of the tree, and other ends by bus id', () => {
  assert.equal(tree.nvlinks, [
    { gpu: 'gpu0', peer: 'gpu2', links: 4 },
    { gpu: 'gpu2', peer: 'gpu0', links: 4 },
    { gpu: 'gpu2', peer: '0000:07:00.0', links: 18 },
  ]);
});

given('what is left out is noted by line', () => {
  const lines = tree.notes.map((note) =>
    /^topology\.xml:(\d+): (cpu|pci|nic)/.exec(note)?.slice(1).join(' '),
  );
  assert.equal(lines, ['5 pci', '11 pci', '21 nic', '26 pci', '33 cpu']);
});

given('a switch of another make keeps its levels', () => {
  const text = fixtureText('topology.xml', /0x1000" device="0xc030/g, '0x10b5" device="0x8796');
  assert.equal(
    ncclTopology(text)
      .nodes.filter(({ kind }) => kind === 'switch')
      .map(({ id, parent }) => [id, parent]),
    [
      ['switch0', 'socket0'],
      ['switch1', 'switch0'],
    ],
  );
});

given('one socket is the top itself', () => {
  const text = fixtureText('topology.xml', / {2}<cpu[^>]*numaid="1"[\s\S]*(?=<\/system>)/);
  assert.equal(ncclTopology(text).nodes[0], {
    ...{ id: 'socket0', kind: 'socket', parent: null, pcie: null, comment: 'NUMA node 0' },
  });
});

const SPEEDS: [speed: string, gen: number | null][] = [
  ['2.5 GT/s PCIe', 1],
  ['5 GT/s', 2],
  ['5.0 GT/s PCIe', 2],
  ['8 GT/s', 3],
  ['16 GT/s', 4],
  ['64.0 GT/s PCIe', 6],
  ['Unknown', null],
  ['20 GT/s', null],
];

for (const [speed, gen] of SPEEDS) {
  given(`a link of ${speed} is of generation ${gen}`, () => {
    const { nodes } = ncclTopology(fixtureText('topology.xml', '16.0 GT/s PCIe', speed));
    assert.is(nodes.find(({ id }) => id === 'gpu1')!.pcie?.gen ?? null, gen);
  });
}

/** A file of a provider: devices by bus id and class below one bridge, and no `gpu`. */
const provided = (...devices: [busId: string, attributes: string][]) => {
  const lines = [
    '<system version="1">',
    '<cpu numaid="0"><pci busid="ffff:ff:01.0" class="0x060400" link_speed="32.0 GT/s PCIe" link_width="16">',
    ...devices.map(([busId, rest]) => `<pci busid="${busId}" ${rest} link_speed="16 GT/s" link_width="8"/>`),
    '</pci></cpu>',
    '</system>',
  ];
  return { file: 'vm.xml', text: lines.join('\n'), lines };
};

const PROVIDED: [what: string, devices: [string, string][], gpus: Record<string, string>][] = [
  ['one', [['0001:00:00.0', 'class="0x030200"']], { gpu0: '0001:00:00.0' }],
  [
    'numbered by bus id, NICs aside',
    [
      ['0003:00:00.0', 'class="0x030200"'],
      ['0101:00:00.0', 'class="0x020700"'],
      ['0002:00:00.0', 'class="0x030200"'],
    ],
    { gpu0: '0002:00:00.0', gpu1: '0003:00:00.0' },
  ],
  [
    'any subclass of 3D controllers, and cards of NVIDIA with a screen',
    [
      ['0001:00:00.0', 'class="0x0302ff"'],
      ['0002:00:00.0', 'class="0x030000" vendor="0x10DE"'],
      ['0003:00:00.0', 'class="0x030000" vendor="0x1a03"'],
    ],
    { gpu0: '0001:00:00.0', gpu1: '0002:00:00.0' },
  ],
  ['upper case', [['000A:00:00.0', 'class="0X030200"']], { gpu0: '000A:00:00.0' }],
];

for (const [what, devices, gpus] of PROVIDED) {
  given(`a provider's file has no <gpu>: ${what}`, () => {
    const { nodes, notes } = ncclTopology(provided(...devices));
    const found = nodes.filter(({ kind }) => kind === 'gpu').map(({ id, comment }) => [id, comment]);
    assert.equal(Object.fromEntries(found), gpus);
    assert.match(notes.join('\n'), /vm\.xml:1: has no <gpu>, as the files that providers give to NCCL/);
    assert.ok(nodes.every(({ kind, pcie }) => kind !== 'gpu' || (pcie!.gen === 4 && pcie!.lanes === 8)));
  });
}

given('a GPU over NVLink-C2C', () => {
  const { nodes, notes } = ncclTopology(
    fixtureText(
      'topology.xml',
      /<gpu dev="1"([^>]*)\/>/,
      '<gpu dev="1"$1><c2c bw="112500" count="4"/></gpu>',
    ),
  );
  assert.equal(
    nodes.filter(({ c2c }) => c2c).map(({ id }) => id),
    ['gpu1'],
  );
  assert.match(notes.join('\n'), /gpu1 reaches its host over NVLink-C2C/);
});

given.run();

const broken = suite('broken NCCL topology XML');

const BROKEN: [what: string, piece: string | RegExp, by: string, message: RegExp][] = [
  [
    'cut short between elements',
    /( {2}<cpu[^>]*numaid="1")[\s\S]*/,
    '',
    /^topology\.xml:24: is no whole XML: .*<system> of line 2/,
  ],
  ['cut short in a tag', /(numaid="1")[\s\S]*/, '$1', /^topology\.xml:25: is no whole XML/],
  ['a tag closed by another', '</gpu>', '</pci>', /^topology\.xml:9: is no whole XML/],
  ['text between elements', '<nic>', '<nic> 12', /^topology\.xml:12: text "12" between elements/],
  [
    'an unknown element',
    /<gpu dev="1"/,
    '<tpu dev="1"',
    /^topology\.xml:18: element <tpu> in <pci>: expected <pci>, <gpu>/,
  ],
  [
    'an element out of place',
    /<nvlink target="0000:2a/,
    '<pci busid="0000:2a',
    /^topology\.xml:8: element <pci> in <gpu>/,
  ],
  [
    'bridges 100,000 deep',
    /<pci [\s\S]*/,
    '<pci busid="a">'.repeat(1e5),
    /^topology\.xml:\d+: <pci> is nested more than 64 levels deep/,
  ],
  ['another root', /system/g, 'graphs', /^topology\.xml:2: element <graphs>: expected <system>/],
  ['another version', 'version="1"', 'version="2"', /^topology\.xml:2: version "2": expected "1"/],
  ['no bus id', 'busid="0000:1A:00.0" ', '', /^topology\.xml:17: <pci> has no busid/],
  ['no device number', 'dev="1" sm', 'sm', /^topology\.xml:18: <gpu> has no dev/],
  [
    'a device number N/A',
    'dev="1" sm',
    'dev="N/A" sm',
    /^topology\.xml:18: gpu dev: expected a device number, got "N\/A"/,
  ],
  ['a GPU twice', 'dev="2" sm', 'dev="1" sm', /^topology\.xml:27: gpu dev 1 is listed twice/],
  ['a socket twice', 'numaid="1"', 'numaid="0"', /^topology\.xml:25: numaid "0" is listed twice/],
  [
    'a socket without number',
    'numaid="1"',
    'numaid="N/A"',
    /^topology\.xml:25: numaid: expected a number, got "N\/A"/,
  ],
  [
    'two hosts',
    /0x1234" numaid="1"/,
    '0x99" numaid="1"',
    /^topology\.xml:25: host_hash "0x99" is another host/,
  ],
  ['NVLinks without a count', 'count="18"', 'count="-"', /^topology\.xml:29: nvlink count: .*got "-"/],
  [
    'no GPU',
    /<gpu [^>]*\/>|<gpu [\s\S]*?<\/gpu>|0x030200/g,
    '',
    /^topology\.xml:2: has no <gpu>, and no <pci> of class 0x0302xx/,
  ],
];

for (const [what, piece, by, message] of BROKEN) {
  broken(what, () => refuses(() => ncclTopology(fixtureText('topology.xml', piece, by)), message));
}

broken.run();

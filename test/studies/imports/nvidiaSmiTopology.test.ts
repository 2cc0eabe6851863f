import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { nvidiaSmiTopology } from '../../../studies/imports/nvidiaSmiTopology.ts';
import { fixtureText, refuses } from './fixtureText.ts';

const given = suite('nvidia-smi topo -m');

const TREES: [file: string, tree: [id: string, parent: string | null][]][] = [
  [
    'smi-pcie.txt',
    [
      ['fabric', null],
      ['socket0', 'fabric'],
      ['switch0', 'socket0'],
      ['switch1', 'switch0'],
      ['gpu0', 'switch1'],
      ['gpu1', 'switch1'],
      ['gpu2', 'switch0'],
      ['bridge0', 'socket0'],
      ['gpu3', 'bridge0'],
      ['gpu4', 'bridge0'],
      ['socket1', 'fabric'],
      ['gpu5', 'socket1'],
    ],
  ],
  [
    'smi-nvlink.txt',
    [
      ['fabric', null],
      ['socket0', 'fabric'],
      ['switch0', 'socket0'],
      ['gpu0', 'switch0'],
      ['gpu1', 'switch0'],
      ['gpu2', 'socket0'],
      ['socket1', 'fabric'],
      ['gpu3', 'socket1'],
    ],
  ],
];

for (const [file, tree] of TREES) {
  given(`${file}: a tree without rates`, () => {
    const { nodes } = nvidiaSmiTopology(fixtureText(file));
    assert.equal(
      nodes.map(({ id, parent }) => [id, parent]),
      tree,
    );
    assert.ok(nodes.every(({ pcie }) => pcie === null));
  });
}

given('pairs: what they share and their NVLinks', () => {
  const shared = (file: string) =>
    nvidiaSmiTopology(fixtureText(file)).pairs.map(
      ({ gpus, share, nvlinks }) => `${gpus.join('-')} ${share} ${nvlinks}`,
    );
  const pcie = shared('smi-pcie.txt');
  assert.is(pcie.length, 15);
  for (const pair of [
    'gpu0-gpu2 switch 0',
    'gpu2-gpu3 socket 0',
    'gpu3-gpu4 host bridge 0',
    'gpu4-gpu5 fabric 0',
  ]) {
    assert.ok(pcie.includes(pair), pair);
  }
  assert.equal(shared('smi-nvlink.txt'), [
    'gpu0-gpu1 switch 18',
    'gpu0-gpu2 socket 18',
    'gpu0-gpu3 fabric 18',
    'gpu1-gpu2 socket 18',
    'gpu1-gpu3 fabric 18',
    'gpu2-gpu3 fabric 18',
  ]);
});

given('what NVLink hides and what is no matrix is noted', () => {
  const { notes } = nvidiaSmiTopology(fixtureText('smi-nvlink.txt'));
  assert.is(notes.length, 2);
  assert.match(notes[0]!, /^smi-nvlink\.txt:1: "\$ nvidia-smi topo -m" is no part of the matrix/);
  assert.match(
    notes[1]!,
    /^smi-nvlink\.txt:3: NVLink hides the PCIe path of gpu0-gpu1: PXB to the same device/,
  );
});

given('without NICs the NUMA nodes stand in for the path', () => {
  const lines = [
    '        GPU0    GPU1    GPU2    CPU Affinity    NUMA Affinity   GPU NUMA ID',
    'GPU0     X      NV4     NV4     0-31            0               N/A',
    'GPU1    NV4      X      NV4     0-31            0               N/A',
    'GPU2    NV4     NV4      X      32-63           1               N/A',
  ];
  const { pairs, notes } = nvidiaSmiTopology({ file: 'm', text: '', lines });
  assert.equal(
    pairs.map(({ share }) => share),
    ['socket', 'fabric', 'fabric'],
  );
  assert.match(notes[0]!, /gpu0-gpu1: by NUMA affinity, taken as NODE/);
});

given('a GPU without affinities is noted', () => {
  const { notes } = nvidiaSmiTopology(fixtureText('smi-pcie.txt', 'X \t32-63\t1\t\tN/A', 'X \t\t\t\t'));
  assert.ok(notes.includes('smi-pcie.txt:7: GPU5 has no NUMA affinity'), notes.join('\n'));
});

/** A matrix of cells set apart by blanks, with NUMA nodes where they are given. */
function matrixOf(cells: readonly string[], numa: readonly string[] = [], memory: readonly string[] = []) {
  const affinity = numa.length === 0 ? '' : '  CPU Affinity  NUMA Affinity  GPU NUMA ID';
  const header = `        ${cells.map((_, gpu) => `GPU${gpu}`).join('  ')}${affinity}`;
  const rows = cells.map((row, gpu) =>
    [`GPU${gpu}`, row, ...(numa.length === 0 ? [] : ['0-15', numa[gpu]!, memory[gpu] ?? 'N/A'])].join('  '),
  );
  return { file: 'm', text: '', lines: [header, ...rows] };
}

const edges = (text: ReturnType<typeof matrixOf>) =>
  nvidiaSmiTopology(text).nodes.map(({ id, parent }) => `${id}<${parent}`);

const SHARED_BRIDGES: [what: string, cells: string[], tree: string[]][] = [
  ['a pair', ['X PHB', 'PHB X'], ['socket0<null', 'bridge0<socket0', 'gpu0<bridge0', 'gpu1<bridge0']],
  [
    'all four of a desktop',
    ['X PHB PHB PHB', 'PHB X PHB PHB', 'PHB PHB X PHB', 'PHB PHB PHB X'],
    ['socket0<null', 'bridge0<socket0', ...['gpu0<bridge0', 'gpu1<bridge0', 'gpu2<bridge0', 'gpu3<bridge0']],
  ],
  [
    'two switches below one bridge',
    ['X PIX PHB PHB', 'PIX X PHB PHB', 'PHB PHB X PIX', 'PHB PHB PIX X'],
    [
      'socket0<null',
      'bridge0<socket0',
      ...['switch0<bridge0', 'gpu0<switch0', 'gpu1<switch0'],
      ...['switch1<bridge0', 'gpu2<switch1', 'gpu3<switch1'],
    ],
  ],
  [
    'a pair on each of two sockets',
    ['X PHB SYS SYS', 'PHB X SYS SYS', 'SYS SYS X PHB', 'SYS SYS PHB X'],
    [
      'fabric<null',
      ...['socket0<fabric', 'bridge0<socket0', 'gpu0<bridge0', 'gpu1<bridge0'],
      ...['socket1<fabric', 'bridge1<socket1', 'gpu2<bridge1', 'gpu3<bridge1'],
    ],
  ],
];

for (const [what, cells, tree] of SHARED_BRIDGES) {
  given(`PHB is taken as one shared link, and both trees are said: ${what}`, () => {
    const text = matrixOf(cells);
    assert.equal(edges(text), tree);
    const said = nvidiaSmiTopology(text).notes.filter((note) =>
      /^m:2: PHB: .* may share one link of their host bridge or have one each.*taken as shared/.test(note),
    );
    assert.is(said.length, tree.filter((edge) => edge.startsWith('bridge')).length);
  });
}

const OF_EIGHT = (gpu: number) =>
  ['SYS', 'SYS', 'SYS', 'SYS'].map((cell, at) => (at === gpu ? 'X' : cell)).join(' ');
const ALL_SYS = [0, 1, 2, 3].map(OF_EIGHT);

const NUMA: [what: string, cells: string[], numa: string[], sockets: number, said: RegExp | null][] = [
  [
    'SYS everywhere and two nodes',
    ALL_SYS,
    ['0', '0', '1', '1'],
    2,
    /SYS between gpu0-gpu1, gpu2-gpu3, but.*2 NUMA nodes/,
  ],
  [
    'SYS everywhere and one node',
    ALL_SYS,
    ['0', '0', '0', '0'],
    1,
    /gpu1-gpu2 and 2 more pairs, but.*1 NUMA node$/,
  ],
  ['SYS everywhere and a node each', ALL_SYS, ['0', '1', '2', '3'], 4, null],
  ['SYS everywhere and no nodes', ALL_SYS, ['N/A', 'N/A', 'N/A', 'N/A'], 4, null],
  [
    'a switch over two nodes',
    ['X PIX', 'PIX X'],
    ['0', '1'],
    1,
    /gpu0-gpu1 share a NUMA node by their path, but/,
  ],
  ['what agrees', ['X NODE SYS', 'NODE X SYS', 'SYS SYS X'], ['0', '0', '1'], 2, null],
];

for (const [what, cells, numa, sockets, said] of NUMA) {
  given(`NUMA nodes against paths: ${what}`, () => {
    const { nodes, notes } = nvidiaSmiTopology(matrixOf(cells, numa));
    assert.is(nodes.filter(({ kind }) => kind === 'socket').length, sockets);
    const contradictions = notes.filter((note) => /NUMA Affinity (has|differs)/.test(note));
    assert.is(contradictions.length, said === null ? 0 : 1, notes.join('\n'));
    if (said !== null) assert.match(contradictions[0]!, said);
  });
}

const OVER_C2C: [what: string, cells: string[], numa: string[], memory: string[], c2c: string[]][] = [
  ['a GH200', ['X'], ['0'], ['1'], ['gpu0']],
  ['two GH200', ['X SYS', 'SYS X'], ['0', '1'], ['4', '12'], ['gpu0', 'gpu1']],
  ['four over NVLink', ['X NV6', 'NV6 X'], ['0', '1'], ['4', '12'], ['gpu0', 'gpu1']],
  ['one of two, as if', ['X SYS', 'SYS X'], ['0', '1'], ['4', 'N/A'], ['gpu0']],
  ['none', ['X SYS', 'SYS X'], ['0', '1'], ['N/A', 'N/A'], []],
];

for (const [what, cells, numa, memory, c2c] of OVER_C2C) {
  given(`memory that is a NUMA node is reached over C2C: ${what}`, () => {
    const text = matrixOf(cells, numa, memory);
    const { nodes, notes } = nvidiaSmiTopology(text);
    assert.equal(
      nodes.filter((node) => node.c2c).map(({ id }) => id),
      c2c,
    );
    assert.is(
      notes.filter((note) => /over NVLink-C2C; its rates are those published/.test(note)).length,
      c2c.length,
    );
  });
}

given('the matrix of peers has the same header and no paths, before it or behind it', () => {
  const peers = ['      GPU0    GPU1', 'GPU0  X       NS', 'GPU1  NS      X', '', 'Legend:', '  X = Self'];
  const matrix = matrixOf(['X NODE', 'NODE X'], ['0', '0']).lines;
  for (const lines of [
    [...matrix, ...peers],
    [...peers, '', ...matrix],
    [...matrix, 'Legend:', ...peers],
  ]) {
    const { pairs } = nvidiaSmiTopology({ file: 'm', text: '', lines });
    assert.equal(pairs, [{ gpus: ['gpu0', 'gpu1'], share: 'socket', nvlinks: 0 }]);
  }
});

given('a second matrix is named and left out', () => {
  const { lines } = matrixOf(['X NODE', 'NODE X']);
  const { notes } = nvidiaSmiTopology({ file: 'm', text: '', lines: [...lines, '', ...lines] });
  assert.ok(notes.includes('m:5: another matrix begins; left out'), notes.join('\n'));
});

// Older drivers, names of partitions, NICs that are cut short.
const WORDS: [what: string, lines: string[], share: string][] = [
  ['SOC of old drivers', ['  GPU0 GPU1 CPU Affinity', 'GPU0 X SOC 0-7', 'GPU1 SOC X 8-15'], 'fabric'],
  ['NICs by device', ['  GPU0 GPU1 mlx5_0', 'GPU0 X PIX PHB', 'GPU1 PIX X PHB', 'mlx5_0 PHB PHB'], 'switch'],
  [
    'cells without blanks',
    ['  GPU0 GPU1 NIC0', 'GPU0 X NODENODE', 'GPU1 NODE XNODE', 'NIC0 NODENODEX'],
    'socket',
  ],
  [
    'NVLinks without blanks',
    ['  GPU0 GPU1 NIC0', 'GPU0 X NV18NODE', 'GPU1 NV18X  PIX', 'NIC0 NODEPIXX'],
    'socket',
  ],
  ['a remark on partitions', ['  GPU0 (MIG) GPU1', 'GPU0 (MIG) X PIX', 'GPU1 PIX X'], 'switch'],
  [
    'columns of partitions',
    ['  GPU0 GPU1 MIG0', 'GPU0 X PIX PIX', 'GPU1 PIX X PIX', 'MIG0 PIX PIX X'],
    'switch',
  ],
];

for (const [what, lines, share] of WORDS) {
  given(`${what}`, () => {
    const { pairs } = nvidiaSmiTopology({ file: 'm', text: '', lines });
    assert.equal(
      pairs.map((pair) => pair.share),
      [share],
    );
  });
}

given('a blank CPU affinity is told from the NUMA affinity by tabs', () => {
  const lines = [
    '\tGPU0\tGPU1\tCPU Affinity\tNUMA Affinity\tGPU NUMA ID',
    'GPU0\t X \tSYS\t0-35\t0\t\tN/A',
    'GPU1\tSYS\t X \t\t1\t\tN/A',
  ];
  const { nodes, notes } = nvidiaSmiTopology({ file: 'm', text: '', lines });
  assert.equal(
    nodes.filter(({ kind }) => kind === 'socket').map(({ comment }) => comment),
    ['NUMA node 0', 'NUMA node 1'],
  );
  assert.equal(notes, []);
});

given(
  'NVLink hides whether GPUs of one host bridge share its link: they are not taken to, and it is said',
  () => {
    const lines = ['  GPU0 GPU1 NIC0', 'GPU0 X NV18 PHB', 'GPU1 NV18 X PHB', 'NIC0 PHB PHB X'];
    const { nodes, notes } = nvidiaSmiTopology({ file: 'm', text: '', lines });
    assert.not(nodes.some(({ kind }) => kind === 'bridge'));
    assert.match(
      notes.join('\n'),
      /NVLink hides the PCIe path of gpu0-gpu1: PHB to the same device, and a link that they share/,
    );
  },
);

given.run();

const broken = suite('broken nvidia-smi topo -m');

const BROKEN: [what: string, piece: string | RegExp, by: string, message: RegExp][] = [
  [
    'a thousand GPUs',
    /[\s\S]+/,
    `\t${Array.from({ length: 1000 }, (_, gpu) => `GPU${gpu}`).join('\t')}\nGPU0\tX\n`,
    /^smi-pcie\.txt:1: 1000 columns of GPUs, expected at most 128 of one host/,
  ],
  [
    'a row cut short',
    /(GPU5\tSYS\tSYS)[\s\S]*/,
    '$1',
    /^smi-pcie\.txt:7: row GPU5: expected 6 cells and up to 3 affinities, got 2/,
  ],
  [
    'a column too many',
    'X \t32-63',
    'X \tSYS\t32-63',
    /^smi-pcie\.txt:7: row GPU5: expected 6 cells .*got 10/,
  ],
  [
    'a cell N/A',
    'GPU1\tPIX',
    'GPU1\tN/A',
    /^smi-pcie\.txt:3: row GPU1, column GPU0: expected NV.*got "N\/A"/,
  ],
  [
    'NVLinks without a number',
    'GPU1\tPIX',
    'GPU1\tNV#',
    /^smi-pcie\.txt:3: row GPU1, column GPU0: .*got "NV#"/,
  ],
  ['X beside the diagonal', 'GPU1\tPIX', 'GPU1\tX', /^smi-pcie\.txt:3: row GPU1, column GPU0: .*got "X"/],
  [
    'no X on it',
    'GPU5\tSYS\tSYS\tSYS\tSYS\tSYS\t X ',
    'GPU5\tSYS\tSYS\tSYS\tSYS\tSYS\tPIX',
    /^smi-pcie\.txt:7: row GPU5, column GPU5: expected X, got "PIX"/,
  ],
  [
    'halves that differ',
    'GPU1\tPIX',
    'GPU1\tPXB',
    /^smi-pcie\.txt:3: GPU1 to GPU0: "PXB", but line 2 has "PIX"/,
  ],
  ['a GPU without a row', /GPU3\tNODE.*\n/, '', /^smi-pcie\.txt:1: GPU3 has a column and no row/],
  ['a GPU with two rows', /(GPU3\tNODE.*\n)/, '$1$1', /^smi-pcie\.txt:6: GPU3 has two rows/],
  ['a column of another kind', 'GPU NUMA ID', 'Power (W)', /^smi-pcie\.txt:1: column "Power"/],
  [
    'partitions only',
    /[\s\S]+/,
    '\tGPU0:0\tGPU0:1\nGPU0:0\tX\tPIX\nGPU0:1\tPIX\tX\n',
    /^smi-pcie\.txt:1: has columns of partitions \(MIG\) only/,
  ],
  ['no matrix', /^[\s\S]*Legend/, 'Legend', /^smi-pcie\.txt: has no line with the columns/],
];

for (const [what, piece, by, message] of BROKEN) {
  broken(what, () => refuses(() => nvidiaSmiTopology(fixtureText('smi-pcie.txt', piece, by)), message));
}

broken.run();

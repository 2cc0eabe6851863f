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
  assert.equal(notes, ['smi-pcie.txt:7: GPU5 has no NUMA affinity']);
});

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
  ['no matrix', /^[\s\S]*Legend/, 'Legend', /^smi-pcie\.txt: has no line with the columns/],
];

for (const [what, piece, by, message] of BROKEN) {
  broken(what, () => refuses(() => nvidiaSmiTopology(fixtureText('smi-pcie.txt', piece, by)), message));
}

broken.run();

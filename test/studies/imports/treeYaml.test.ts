import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { packageRoot } from '../../../model/input/packageFiles.ts';
import { parseYaml } from '../../../model/input/yamlFile.ts';
import { buildSystem } from '../../../model/system/load.ts';
import { pcieBytesPerS } from '../../../model/system/pcie.ts';
import { ncclTopology } from '../../../studies/imports/ncclTopology.ts';
import { nvbandwidthReadings } from '../../../studies/imports/nvbandwidth.ts';
import { nvidiaSmiTopology } from '../../../studies/imports/nvidiaSmiTopology.ts';
import { treeYaml } from '../../../studies/imports/treeYaml.ts';
import { fixtureText, refuses } from './fixtureText.ts';

const machine = readFileSync(join(packageRoot, 'model', 'systems', 'h200-x2.yaml'), 'utf8');

/** A machine that ships, with its GPUs and tree replaced. */
function withTree(yaml: string) {
  return buildSystem(parseYaml('machine.yaml', machine.replace(/^gpus: [\s\S]*?(?=^transports:)/m, yaml)));
}

const yaml = suite('imported trees as YAML');

const topology = fixtureText(
  'topology.xml',
  'link_speed="" link_width=""',
  'link_speed="8 GT/s" link_width="4"',
);
const { readings } = nvbandwidthReadings(fixtureText('nvbandwidth.json'));

yaml('a machine file takes the lines; links have the rates of their generation and lanes', () => {
  const { gpus, tree } = withTree(treeYaml(ncclTopology(topology)));
  assert.equal(gpus, ['gpu0', 'gpu1', 'gpu2']);
  const rates = new Map(tree.map((node) => [node.id, node.downBytesPerS]));
  assert.is(rates.get('switch0'), pcieBytesPerS(5, 16, 'down'));
  assert.is(rates.get('gpu1'), pcieBytesPerS(4, 8, 'down'));
  assert.is(rates.get('gpu2'), pcieBytesPerS(3, 4, 'down'));
  assert.equal(
    tree.filter(({ memory }) => memory !== null).map(({ id }) => id),
    ['socket0', 'socket1'],
  );
});

yaml('copies of one GPU alone replace its rates and say where they were measured', () => {
  const { tree, provenance } = withTree(treeYaml(ncclTopology(topology), readings));
  const gpu1 = tree.find(({ id }) => id === 'gpu1')!;
  assert.equal([gpu1.downBytesPerS, gpu1.upBytesPerS], [55.3876e9, 55.1e9]);
  assert.equal(
    provenance.find(({ key }) => key === 'tree.gpu1.down'),
    {
      key: 'tree.gpu1.down',
      shown: '55.3876 GB/s',
      from: 'measured',
      source: 'nvbandwidth, nvbandwidth.json:20',
    },
  );
});

yaml('a link without a rate is left to the user: the comment and the loader ask for it', () => {
  const text = treeYaml(ncclTopology(fixtureText('topology.xml')));
  assert.match(
    text,
    /^ {2}gpu2: \{parent: socket1\} # 0000:2a:00\.0; give pcie: \{gen, lanes\}, or down and up$/m,
  );
  refuses(() => withTree(text), /^machine\.yaml:\d+:\d+: tree\.gpu2: the link to socket1 has no rate/);
});

yaml('a skeleton of nvidia-smi asks for the rates of every link below a socket', () => {
  const lines = treeYaml(nvidiaSmiTopology(fixtureText('smi-pcie.txt'))).split('\n');
  assert.is(lines.filter((line) => line.includes('give pcie')).length, 9);
});

yaml('a link over C2C has the published rates and their source', () => {
  const lines = ['  GPU0 NIC0 CPU Affinity NUMA Affinity GPU NUMA ID', 'GPU0 X SYS 0-71 0 1', 'NIC0 SYS X'];
  const { tree, provenance } = withTree(treeYaml(nvidiaSmiTopology({ file: 'm', text: '', lines })));
  const gpu = tree.find(({ id }) => id === 'gpu0')!;
  assert.equal([gpu.downBytesPerS, gpu.upBytesPerS], [346e9, 301e9]);
  for (const key of ['tree.gpu0.down', 'tree.gpu0.up']) {
    const entry = provenance.find((one) => one.key === key)!;
    assert.is(entry.from, 'published');
    assert.match(entry.source, /^GH200, .*https:/);
  }
});

yaml.run();

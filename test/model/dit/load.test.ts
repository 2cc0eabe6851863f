import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { loadDit } from '../../../model/dit/load.ts';
import { nearNames } from '../../../model/input/nearNames.ts';

const test = suite('models by name');

const FOUND: [name: string, id: string][] = [
  ['wan2.1-t2v-14b', 'wan2.1-t2v-14b'],
  ['Wan2.1-T2V-14B', 'wan2.1-t2v-14b'],
  ['FLUX.1-dev (12B)', 'flux.1-dev'],
  ['flux.1-d', 'flux.1-dev'],
  ['chroma', 'chroma1-hd'],
  ['HunyuanVideo-1.5', 'hunyuanvideo-1.5'],
  ['model/catalogue/dit-xl-2.yaml', 'dit-xl-2'],
];
for (const [name, id] of FOUND) test(`${name} is ${id}`, () => assert.is(loadDit(name).id, id));

const REFUSED: [name: string, message: RegExp][] = [
  ['flux', /begins the names of several models; give one of flux\.1-dev, flux\.1-fill-dev,/],
  ['flux1-dev', /"flux1-dev": not in the catalogue; near are flux\.1-dev/],
  ['', /"": not in the catalogue/],
  ['../package', /not in the catalogue/],
  ['no-such.yaml', /no-such\.yaml: cannot be read \(ENOENT\)/],
  ['no-such.safetensors', /no-such\.safetensors: cannot be read \(ENOENT\)/],
  ['no-such.index.json', /no-such\.index\.json: cannot be read \(ENOENT\)/],
];
for (const [name, message] of REFUSED) {
  test(`refuses ${JSON.stringify(name)}`, () => assert.throws(() => loadDit(name), message));
}

test('near names are those that few edits apart', () => {
  const names = ['flux.1-dev', 'flux.2-dev', 'dit-xl-2'];
  assert.equal(nearNames('flux1-dev', names, 2), ['flux.1-dev', 'flux.2-dev']);
  assert.equal(nearNames('xl', names, 1), ['dit-xl-2']);
});

test.run();

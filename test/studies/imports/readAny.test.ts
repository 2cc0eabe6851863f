import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { readAll } from '../../../studies/imports/readAny.ts';
import { fixtures, fixtureText, refuses } from './fixtureText.ts';

const folder = mkdtempSync(join(tmpdir(), 'imports-'));

function written(text: string): string {
  const file = join(folder, 'file');
  writeFileSync(file, text);
  return file;
}

const any = suite('files of any tool');
any.after(() => rmSync(folder, { recursive: true }));

const KINDS: [file: string, from: string][] = [
  ['nvbandwidth.json', 'nvbandwidth'],
  ['alltoall.txt', 'nccl-tests'],
  ['two-programs.txt', 'nccl-tests'],
  ['topology.xml', 'nccl-topology'],
  ['smi-pcie.txt', 'nvidia-smi'],
  ['smi-nvlink.txt', 'nvidia-smi'],
];

for (const [file, from] of KINDS) {
  any(`${file} is of ${from}`, () => assert.is(readAll(join(fixtures, file))[0]!.from, from));
  any(`${file} is known with the ends of lines and the byte-order mark of Windows too`, () => {
    const text = `\uFEFF${fixtureText(file).text.replaceAll('\n', '\r\n')}`;
    assert.is(readAll(written(text))[0]!.from, from);
  });
}

any('a file that is cut short is still known, and its own reader names the line', () => {
  const { text } = fixtureText('nvbandwidth.json', /"55\.3876"[\s\S]*/);
  refuses(() => readAll(written(text)), /file:19:\d+: the JSON is cut short/);
});

any('anything else is told what was expected', () => {
  for (const text of ['{"start": 1}', '<html></html>', 'hello\n']) {
    refuses(
      () => readAll(written(text)),
      /file:1: is none of the files that are known: expected .*nvbandwidth.*nccl-tests/,
    );
  }
});

any('an empty file, a folder and a missing one are named', () => {
  refuses(() => readAll(written(' \n')), /file: is empty/);
  refuses(() => readAll(folder), /cannot be read \(EISDIR\)/);
  refuses(() => readAll(join(folder, 'none')), /none: cannot be read \(ENOENT\)/);
});

any.run();

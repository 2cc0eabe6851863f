import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { stripVTControlCharacters } from 'node:util';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { shellWord } from '../../cli/newcomer.ts';
import { widthOf } from '../../cli/text/wrap.ts';
import { runCli } from '../support/runCli.ts';
import { hasTerminals, inTerminal, withChunkflow } from '../support/terminal.ts';

const folder = mkdtempSync(join(tmpdir(), 'chunkflow-terminal-'));
const env = { PATH: [withChunkflow(join(folder, 'bin')), process.env.PATH].join(delimiter) };

const test = suite('in a terminal');

/** What a terminal shows in the end, colours and movements left out. */
const shown = (output: string) => stripVTControlCharacters(output).replaceAll('\r', '');

test('without arguments and without a terminal: help', async () => {
  const { code, stderr } = await runCli([]);
  assert.is(code, 2);
  assert.match(stderr, /^Usage: chunkflow /);
});

test('words for a shell', () => {
  assert.is(shellWord('8GiB'), '8GiB');
  assert.is(shellWord("my model's.yaml"), "'my model'\\''s.yaml'");
});

if (!hasTerminals()) console.log('newcomer.test.ts: terminals are not tested: no python3 that opens them');
else {
  test('without arguments: three questions, the command, its answer', () => {
    const { output, code, missing } = inTerminal(['chunkflow'], {
      env,
      keys: [
        ['Which model\\?.*type to search', 'pixart\r'],
        ['Which card\\?.*type to search', '4060-ti\r'],
        ['nothing here is called so', `${'\u007f'.repeat(7)}5060-ti-16\r`],
        ['How much of its memory', '100GiB\r'],
        ['has 15\\.\\d GiB; give no more', `${'\u007f'.repeat(6)}2GiB\r`],
      ],
    });
    const text = shown(output);
    assert.is(missing, null, text);
    assert.is(code, 0, text);
    assert.match(text, /chunkflow plan --model pixart-xl-2 --machine rtx-5060-ti-16gb --gpu-memory 2GiB/);
    assert.match(text, /^(keep|stream) [\s\S]* ms a step[\s\S]*^caps, each rank: 2\.0 GiB/m);
  });

  test('whoever leaves runs nothing', () => {
    const { output, code } = inTerminal(['chunkflow'], { env, keys: [['Which model\\?', '\u0003']] });
    assert.is(code, 130);
    assert.match(shown(output), /Nothing was run/);
  });

  const ARGS = [
    'predict',
    '--model',
    'pixart-xl-2',
    '--machine',
    'rtx-4090',
    '--plan',
    'none',
    '--plan',
    'layerwise',
  ];

  test('results have the width and the colours of their terminal', () => {
    for (const columns of [60, 100, 160]) {
      const { output, code } = inTerminal(['chunkflow', ...ARGS], { env, columns });
      assert.is(code, 0, output);
      // biome-ignore lint/suspicious/noControlCharactersInRegex: colours are what is looked for
      assert.match(output, /\u001b\[1m\u001b\[32m/);
      const lines = shown(output).split('\n');
      for (const line of lines) assert.ok(widthOf(line) <= columns, `${columns}: ${line}`);
      assert.is(
        lines.filter((line) => /^plan +step ms/.test(line) && /inflation/.test(line)).length,
        columns === 160 ? 1 : 0,
      );
    }
  });

  test('NO_COLOR takes colours away', () => {
    const { output } = inTerminal(['chunkflow', ...ARGS], { env: { ...env, NO_COLOR: '1' } });
    // biome-ignore lint/suspicious/noControlCharactersInRegex: colours are what is looked for
    assert.not.match(output, /\u001b\[\d*m/);
    assert.match(shown(output), /^layerwise +[\d.,]+ +█/m);
  });
}

test.after(() => rmSync(folder, { recursive: true, force: true }));

test.run();

import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { stripVTControlCharacters } from 'node:util';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { hasTerminals, inTerminal, withChunkflow } from '../support/terminal.ts';

const folder = mkdtempSync(join(tmpdir(), 'chunkflow-completion-'));
withChunkflow(join(folder, 'real'));
// Whatever is run but the completion itself is written down.
mkdirSync(join(folder, 'bin'));
writeFileSync(
  join(folder, 'bin', 'chunkflow'),
  `#!/bin/sh\n[ "$1" = completion ] && exec "${join(folder, 'real', 'chunkflow')}" "$@"\nprintf '%s\\n' "$@" '' >> "$RECORD"\necho writ"t"en\n`,
  { mode: 0o755 },
);
const PATH = [join(folder, 'bin'), process.env.PATH].join(delimiter);
writeFileSync(join(folder, 'my machine.yaml'), '');
writeFileSync(join(folder, 'card.yaml'), '');

const test = suite('completion in shells');

/** A begun line as it is typed, tab key and all, and the arguments that it becomes. */
const TYPED: [typed: string, becomes: string[]][] = [
  ['pred\t', ['predict']],
  ['predict --mach\trtx-5060-ti-1\t', ['predict', '--machine', 'rtx-5060-ti-16gb']],
  ['predict --machine=rtx-5060-ti-1\t', ['predict', '--machine=rtx-5060-ti-16gb']],
  ['predict --plan yield,piec\t4MiB', ['predict', '--plan', 'yield,piece=4MiB']],
  ['predict --machine ./car\t', ['predict', '--machine', './card.yaml']],
  ['fit my\t', ['fit', 'my machine.yaml']],
];

const SHELLS: [shell: string, command: string[], setUp: string][] = [
  ['bash', ['bash', '--norc', '--noprofile', '-i'], 'eval "$(chunkflow completion bash)"'],
  ['zsh', ['zsh', '-f', '-i'], 'autoload -Uz compinit && compinit -u -D; eval "$(chunkflow completion zsh)"'],
  ['fish', ['fish', '--no-config', '-i'], 'chunkflow completion fish | source'],
];

for (const [shell, command, setUp] of SHELLS) {
  const isThere = spawnSync(shell, ['-c', 'exit 0']).status === 0;
  if (!isThere || !hasTerminals()) {
    const missing = isThere ? 'no python3 that opens terminals' : `no ${shell} here`;
    console.log(`completion.test.ts: completion in ${shell} is not tested: ${missing}`);
    continue;
  }
  /** Lines typed one after the other; each is run once it is completed, by a program that only writes down its arguments. */
  const typed = (lines: readonly string[]) => {
    const record = join(folder, `${shell}.txt`);
    rmSync(record, { force: true });
    const keys = [
      ['[$%#>] ', `${setUp}; echo rea"d"y\r`],
      ...lines.map((line, index) => [index === 0 ? 'ready\r?\n' : 'written', `chunkflow ${line}\r`]),
      ['written', 'exit\r'],
    ] as [string, string][];
    const env = { PATH, PS1: '$ ', HOME: folder, RECORD: record };
    const { output, missing } = inTerminal(command, { cwd: folder, env, keys });
    assert.is(missing, null, `${missing}: ${stripVTControlCharacters(output)}`);
    return readFileSync(record, 'utf8')
      .trimEnd()
      .split('\n\n')
      .map((one) => one.split('\n'));
  };

  test(`${shell}, typed in a terminal`, () => {
    assert.equal(
      typed(TYPED.map(([line]) => line)),
      TYPED.map(([, becomes]) => becomes),
    );
  });

  test(`${shell}: what stands in a begun line does not run`, () => {
    const [args] = typed([`predict '$(touch ran)' --entry "flux.1-sch\t"`]);
    assert.equal(args!.slice(0, 3), ['predict', '$(touch ran)', '--entry']);
    assert.not.ok(existsSync(join(folder, 'ran')));
  });
}

test.after(() => rmSync(folder, { recursive: true, force: true }));

test.run();

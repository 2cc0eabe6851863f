import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { stripVTControlCharacters } from 'node:util';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { runCli } from '../support/runCli.ts';
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

const test = suite('completion');

async function completed(line: string): Promise<{ values: string[]; directive: string }> {
  const { code, stdout, stderr } = await runCli(['completion', 'words', '--', ...line.split(' ')]);
  assert.is(code, 0, stderr);
  const lines = stdout.trimEnd().split('\n');
  const directive = lines.pop()!;
  return { values: lines.map((one) => one.split('\t')[0]!), directive };
}

const LINES: [line: string, values: string[], directive: string][] = [
  ['pred', ['predict'], ':'],
  ['plot pre', ['predicted-vs-measured'], ':'],
  ['predict --mod', ['--model'], ':'],
  ['predict --model flux.1-d', ['flux.1-dev'], ':'],
  ['predict --model=flux.1-d', ['--model=flux.1-dev'], ':'],
  ['predict --model ./', [], ':files'],
  ['predict --machine rtx-409', ['rtx-4090', 'rtx-4090d'], ':'],
  ['predict --machine h200-x1-', ['h200-x1-colocated', 'h200-x1-fitted'], ':'],
  ['predict --plan chunkflow', ['chunkflow-paper'], ':'],
  ['predict --plan sgl', ['sglang'], ':'],
  ['predict --plan yield,chunk=8MiB,pi', ['yield,chunk=8MiB,piece='], ':nospace'],
  ['predict --cfg b', ['batched'], ':'],
  ['predict --machine h200-x2 --transport n', ['nvlink'], ':'],
  ['predict --machine h100-pcie-x2 --transport n', [], ':'],
  ['predict --machine h200-x2 --set gpu.copyEngine.h', ['gpu.copyEngine.h2d='], ':nospace'],
  ['plan --for comfyui-w', ['comfyui-wanvideowrapper'], ':'],
  ['predict --measured lay', ['layerwise=', 'layerwise-strided=', 'layerwise-drain='], ':nospace'],
  ['machines h100-pcie-x', ['h100-pcie-x2', 'h100-pcie-x4'], ':'],
  ['schema plan', ['plan-choice'], ':'],
  ['validate publ', ['published', 'published-steps'], ':'],
  ['fit any', [], ':files'],
  ['predict --size 1x', [], ':'],
  ['nothing --mod', [], ':'],
];

for (const [line, values, directive] of LINES)
  test(`chunkflow ${line}`, async () => {
    const answer = await completed(line);
    assert.equal(
      answer.values,
      values.filter((value) => value !== ''),
    );
    assert.is(answer.directive, directive);
  });

test('flags that are there are not offered again, but for those that repeat', async () => {
  const { values } = await completed('predict --model x --plan none --');
  assert.not.ok(values.includes('--model'));
  for (const flag of ['--plan', '--size', '--machine', '--json']) assert.ok(values.includes(flag), flag);
});

test('a script takes no words, and other shells are refused', async () => {
  assert.match(
    (await runCli(['completion', 'bash', 'x'])).stderr,
    /^error: completion bash: prints a script/,
  );
  assert.is((await runCli(['completion', 'tcsh'])).code, 2);
});

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

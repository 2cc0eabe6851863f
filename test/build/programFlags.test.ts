import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { BUNDLED_ARGUMENTS, PROGRAM_FLAGS, type ProgramFlag } from '../../build/programFlags.ts';
import { packageRoot } from '../../model/input/packageFiles.ts';

const test = suite('flags of generated programs');
const flags: readonly ProgramFlag[] = PROGRAM_FLAGS;
const textOf = (...path: string[]) => readFileSync(join(packageRoot, ...path), 'utf8');

/** Name and operand of every flag in the tables `{"--name", "OPERAND", "help", ...` of the runtime. */
function parsed(): string[] {
  const files = readdirSync(join(packageRoot, 'runtime'), { recursive: true, encoding: 'utf8' });
  return files
    .filter((name) => /(^|\/)options\.cpp$/.test(name))
    .flatMap((name) => [...textOf('runtime', name).matchAll(/\{"(--[a-z-]+)", "([^"]*)",/g)])
    .map(([, name, operand]) => `${name} ${operand}`);
}

test('are those that the runtime parses, each with what follows it', () => {
  assert.ok(parsed().length > 20);
  assert.equal(flags.map(({ name, operand }) => `${name} ${operand}`).sort(), parsed().sort());
});

test('the command line checks the choices that the runtime has', () => {
  for (const { name, operand, choices } of flags)
    if (choices !== undefined) assert.is(choices.join('|'), operand, name);
});

test('a switch takes no value anywhere, another flag takes one', () => {
  for (const { name, operand, measured, by, bundled } of flags) {
    assert.is(measured !== undefined, operand !== '' && by === undefined, name);
    if (bundled !== undefined) assert.is(bundled === true, operand === '', name);
  }
});

test('are listed in docs/runtime.md, word for word', () => {
  const WHO = { 'every run': '`measure` itself', calibrations: '`calibrate`', hand: 'by hand' };
  const rows = flags.map(({ name, operand, description, by }) => {
    const flag = operand === '' ? name : `${name} ${operand}`;
    return `| \`${flag.replaceAll('|', '\\|')}\` | ${description} | ${by === undefined ? '`measure`' : WHO[by]} |`;
  });
  const table = /\| Flag \|.*\n\|[-|]+\n((?:\|.*\n)+)/.exec(textOf('docs', 'runtime.md'))?.[1];
  assert.equal(table?.trimEnd().split('\n'), rows);
});

test('every flag in the text of docs/runtime.md is one of them, or of a command that the page shows', () => {
  const commands = ['build', 'bundle', 'generate', 'measure'].map((name) =>
    textOf('cli', 'commands', name, 'command.ts'),
  );
  const shared = readdirSync(join(packageRoot, 'cli', 'flags')).map((name) => textOf('cli', 'flags', name));
  const declared = [...commands, ...shared].join('\n');
  const named = new Set(
    [...textOf('docs', 'runtime.md').matchAll(/--[a-z][a-z-]*[a-z]/g)].map(([name]) => name),
  );
  const unknown = [...named].filter(
    (name) => !flags.some((flag) => flag.name === name) && !declared.includes(`${name} `),
  );
  assert.equal(unknown, []);
});

test('experiments give programs only these', () => {
  const files = readdirSync(join(packageRoot, 'experiments'), { recursive: true, encoding: 'utf8' });
  const given = files
    .filter((name) => name.endsWith('.yaml'))
    .flatMap((name) => textOf('experiments', name).match(/^measure:.*$/m) ?? [])
    .flatMap((line) => line.match(/--[a-z-]+/g) ?? []);
  assert.ok(given.length > 10);
  assert.equal(
    given.filter((name) => !flags.some((flag) => flag.name === name)),
    [],
  );
});

test('measure.sh of a bundle gives programs only these', () => {
  assert.equal(BUNDLED_ARGUMENTS, ['--rounds', '5', '--steps', '8', '--graph', '--timeline', '--verify']);
  const script = textOf('build', 'bundle', 'measure.sh');
  assert.is(script.split('@ARGUMENTS@').length, 3);
  assert.match(script, /"\$executable" --out "\$out" "\$@"/);
});

test.run();

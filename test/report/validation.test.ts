import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { packageRoot } from '../../model/input/packageFiles.ts';
import { UserError } from '../../model/input/userError.ts';
import { commandText } from '../../report/parts/commandText.ts';
import { type Committed, committedDatasets, committedPath } from '../../report/validation/committed.ts';
import { validateDataset } from '../../report/validation/validate.ts';
import { tableOf } from './reportParts.ts';

const validation = suite("the report of the project's own validation");

/** Commands of README's table, as a shell expands them. */
function readmeCommands(): string[] {
  const readme = readFileSync(join(packageRoot, 'README.md'), 'utf8');
  const section = readme.slice(readme.indexOf('## How far to trust it'));
  const commands = [...section.matchAll(/^\|.*`(chunkflow [^`]+)` \|$/gm)].map(([, command]) => command!);
  return commands.map((command) => {
    const { stdout } = spawnSync('bash', ['-c', `echo ${command}`], { cwd: packageRoot, encoding: 'utf8' });
    return stdout.trim();
  });
}

function commandOf(committed: Committed): string {
  switch (committed.kind) {
    case 'steps':
      return commandText(['validate', ...committed.files, '--machine', committed.machine]);
    case 'attached':
      return commandText([
        'validate',
        ...committed.files,
        '--profiles',
        committed.profiles,
        '--machine',
        committed.machine,
      ]);
    case 'published':
      return commandText(['validate', 'published-steps']);
    case 'choices':
      return commandText([
        'regret',
        committed.experiment,
        ...committed.files,
        '--machine',
        committed.machine,
      ]);
  }
}

validation("it predicts what README's table claims, row by row", () => {
  const commands = readmeCommands();
  assert.ok(commands.length >= 6);
  assert.equal(committedDatasets().map(commandOf), commands);
});

validation('a dataset has its finding, its errors, a chart and its command', () => {
  const four = validateDataset(committedDatasets().find(({ id }) => id === 'four')!);
  assert.is(four.finding.about, '48 steps of four H200s');
  assert.is(four.finding.standing, 'in part');
  assert.match(
    four.finding.says,
    /^95 of 100 within 6\.8 %, the farthest 7\.1 % off; MAPE 3\.1 %; order of plans: tau 0\.97/,
  );
  assert.equal(four.errors!.all.simulated.n, 48);
  assert.equal(
    four.parts.map(({ kind }) => kind),
    ['chart', 'table', 'table'],
  );
  const report = {
    title: '',
    subtitle: '',
    version: '',
    verdict: undefined as never,
    sections: [{ id: '', title: '', parts: four.parts }],
  };
  assert.is(tableOf(report, 'four-simulated').rows.at(-1)![1], 48);
});

validation('outside of a clone it says where the measurements are', () => {
  assert.throws(
    () => committedPath('experiments/pair/none.jsonl'),
    (error: unknown) =>
      error instanceof UserError &&
      /^validation: experiments\/pair\/none\.jsonl is not there; .* run this there$/.test(error.message),
  );
});

validation.run();

import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { packageRoot } from '../../../model/input/packageFiles.ts';
import { installPython } from '../../../scripts/python.mjs';
import { skip } from '../../support/skip.ts';

const counts = suite("counts of diffusers' classes");
const what = 'prove.py counts what is committed';
const installed = installPython({ say: (text) => process.stderr.write(`${text}\n`) });

if (!installed.ok) {
  skip(counts, what, installed.why);
} else {
  counts(what, () => {
    const { PYTHONPATH: _, ...env } = process.env;
    const script = join(packageRoot, 'experiments', 'catalogue', 'prove.py');
    const run = spawnSync(installed.python, [script, '--check'], { encoding: 'utf8', env });
    assert.is(run.status, 0, `${run.stdout}${run.stderr}`);
  });
}

counts.run();

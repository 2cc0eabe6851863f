import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { slurmOptions } from '../../cli/flags/slurm.ts';
import { arraySpec, numbersOfSpec } from '../../cluster/slurm/arraySpec.ts';
import { batchScript } from '../../cluster/slurm/batchScript.ts';
import { sbatchFlags, srunCommand } from '../../cluster/slurm/options.ts';

const texts = suite('texts for Slurm');

texts('numbers of an array are written in runs, and read again', () => {
  for (const [numbers, spec] of [
    [[0], '0'],
    [[0, 1, 2], '0-2'],
    [[9, 7, 8, 3, 3], '3,7-9'],
    [[5, 6], '5-6'],
  ] as const) {
    assert.is(arraySpec(numbers), spec);
    assert.equal(
      numbersOfSpec(spec, '--tasks'),
      [...new Set(numbers)].sort((a, b) => a - b),
    );
  }
  for (const spec of ['', '3-', '9-7', '1,,2', '1;2', '-1'])
    assert.throws(
      () => numbersOfSpec(spec, '--tasks'),
      /^--tasks ".*": expected numbers and ranges such as 3,7-9/,
    );
});

const JOB = { name: 'sweep', elements: [0, 1, 2, 5], folder: '/home/me', logs: '/home/me/100%/logs' };

texts('a script says what was asked, and hands the shell over to the command', () => {
  const options = { partition: 'gpu', time: '1:00:00', gpusPerNode: 2, atOnce: 4, extra: ['--exclusive'] };
  const script = batchScript({ ...JOB, command: ['node', "it's", '$HOME'], options, after: ['7', '8'] });
  const lines = script.split('\n');
  for (const flag of [
    '--array=0-2,5%4',
    '--output=/home/me/100%%/logs/%A_%a.log',
    '--open-mode=append',
    '--requeue',
    '--dependency=afterok:7:8',
    '--partition=gpu',
    '--time=1:00:00',
    '--gpus-per-node=2',
    '--exclusive',
  ])
    assert.ok(lines.includes(`#SBATCH ${flag}`), `${flag} in ${script}`);
  assert.is(lines.at(-2), "exec node 'it'\\''s' '$HOME'");
  assert.not.match(script, /--nodes|--account|--mem/);
});

texts('what is left out is not said', () => {
  assert.equal(sbatchFlags({}), []);
});

texts('a container is a flag of srun or a program behind it', () => {
  const mounts = ['/data:/data', '/scratch:/tmp'];
  assert.equal(srunCommand(['-n', '2'], undefined), ['srun', '-n', '2']);
  assert.equal(srunCommand(['-n', '2'], { by: 'pyxis', image: 'nvcr.io#nvidia/cuda', mounts }), [
    ...['srun', '-n', '2', '--container-image=nvcr.io#nvidia/cuda'],
    '--container-mounts=/data:/data,/scratch:/tmp',
  ]);
  assert.equal(srunCommand([], { by: 'apptainer', image: 'cuda.sif', mounts }), [
    ...['srun', 'apptainer', 'exec', '--nv', '--bind', '/data:/data', '--bind', '/scratch:/tmp', 'cuda.sif'],
  ]);
});

texts('an image needs to be told what runs it', () => {
  assert.throws(() => slurmOptions({ image: 'cuda.sif' }), /^--image: expected --container too/);
  assert.throws(() => slurmOptions({ mount: ['/a:/b'] }), /^--mount: expected --container too/);
  assert.throws(() => slurmOptions({ container: 'pyxis' }), /^--container pyxis: expected an image/);
  assert.is(slurmOptions({ container: 'pyxis', image: 'x' }).container?.image, 'x');
});

texts.run();

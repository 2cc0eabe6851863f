import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { buildPrograms } from '../../build/build.ts';
import { packageRoot } from '../../model/input/packageFiles.ts';
import { cudaWheels } from '../../scripts/cuda-wheels.mjs';
import { noCompiler } from '../support/compilers.ts';
import { skip } from '../support/skip.ts';

const compile = suite('CUDA compilation');
const wheels = cudaWheels();
const why = noCompiler() ?? (wheels.ok ? null : wheels.why);

if (why !== null) skip(compile, 'the golden example compiles with nvcc for sm_80, sm_90 and sm_100', why);
else {
  compile('the golden example compiles with nvcc for sm_80, sm_90 and sm_100, and links', async () => {
    const { programs } = await buildPrograms([join(packageRoot, 'generated', 'golden')], {
      backend: 'cuda',
      architectures: ['80', '90', '100'],
      // Nothing of it is run for long, so the C++ is compiled as fast as it can be; kernels are optimised as always.
      env: { ...process.env, CMAKE_BUILD_TYPE: 'None' },
    });
    const { status, stdout } = spawnSync(programs[0]!.executable, ['--describe'], { encoding: 'utf8' });
    assert.is(status, 0);
    assert.is(JSON.parse(stdout).backend, 'cuda');
  });
}

compile.run();

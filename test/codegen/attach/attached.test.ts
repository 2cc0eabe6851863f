import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { generateAttached } from '../../../codegen/attach/generateAttached.ts';
import { writeAttached } from '../../../codegen/attach/writeAttached.ts';
import { cudaWheels } from '../../../scripts/cuda-wheels.mjs';
import { compile, KEEPING_CXX, noCompiler } from '../../support/compilers.ts';
import { skip } from '../../support/skip.ts';
import { PLANS, toyModel, toyPlan } from './toyModel.ts';

const attached = suite('attached plans');
const FOLDER = join('out', 'test', 'attached');
const MODEL = { id: 'toy', layout: `sha256:${'0'.repeat(64)}` };

const why = noCompiler();
if (why !== null) skip(attached, 'libraries build and keep to every order of blocks', why);
else {
  /** Read as one source, since most of a compiler's time goes into the headers of the standard library. */
  const TOGETHER =
    'attached/attached attached/attached_rank attached/c_interface attached/copy_worker attached/weight_store ' +
    'attached/link ranks/shared_segment plan/memory device/pinned_memory device/host/device device/host/graph ' +
    'device/checksum';

  /** Compiles one source, or links. */
  const compiled = (sanitize: string, folder: string, ...args: string[]) => {
    const flags = ['-std=c++20', '-g1', `-fsanitize=${sanitize}`, '-fno-omit-frame-pointer'];
    compile(...flags, `-I${join(folder, 'runtime')}`, '-pthread', ...args);
  };

  const env = { ...process.env, TSAN_OPTIONS: 'halt_on_error=1', ASAN_OPTIONS: 'detect_leaks=1' };

  for (const sanitize of ['address,undefined', 'thread']) {
    const objects = join(FOLDER, `objects-${sanitize.slice(0, 7)}`);

    /** The runtime and what drives it, compiled once; each plan is linked to it. */
    const runtimeOf = (folder: string): Record<'drive' | 'driveRanks', string[]> => {
      rmSync(objects, { recursive: true, force: true });
      mkdirSync(objects, { recursive: true });
      const together = join(objects, 'together.cpp');
      writeFileSync(
        together,
        TOGETHER.split(' ')
          .map((name) => `#include "${name}.cpp"\n`)
          .join(''),
      );
      const object = (source: string, optimised = '-O0') => {
        const out = join(objects, `${basename(source)}.o`);
        compiled(sanitize, folder, optimised, '-o', out, '-c', source);
        return out;
      };
      const apart = ['device/host/pages', 'transport/staging'].map((name) =>
        join(folder, 'runtime', `${name}.cpp`),
      );
      const shared = [together, ...apart].map((source) => object(source));
      // They look at every byte, which takes longer than to optimise them.
      const driver = (name: string) => [...shared, object(join(import.meta.dirname, `${name}.cpp`), '-O1')];
      return { drive: driver('drive'), driveRanks: driver('driveRanks') };
    };

    attached(
      `any order of blocks, collectives, exceptions and changes: right bytes, ${sanitize} sanitizer`,
      () => {
        const write = (plan: string, ranks: number, name: string) => {
          const folder = join(FOLDER, name);
          writeAttached(generateAttached(toyModel(ranks), toyPlan(plan, ranks), MODEL), '{}\n', folder);
          return folder;
        };
        const runtime = runtimeOf(write('none', 2, 'plan-0'));
        const linked = (folder: string, driver: 'drive' | 'driveRanks') => {
          const program = join(objects, `${driver}-${basename(folder)}`);
          compiled(sanitize, folder, join(folder, 'attached_plan.cpp'), ...runtime[driver], '-o', program);
          return program;
        };
        // The thread sanitizer is slow, and what it looks for differs in the streams alone.
        const plans = sanitize === 'thread' ? PLANS.filter((_, index) => index % 3 === 0) : PLANS;
        for (const [index, plan] of plans.entries()) {
          const program = linked(write(plan, 2, `plan-${index}`), 'drive');
          const run = spawnSync(program, [String(17 + index), '16'], { encoding: 'utf8', env });
          assert.is(run.status, 0, `${plan}: ${run.stderr.slice(0, 3000)}`);
          assert.match(run.stdout, /[1-9]\d* begins, [1-9]\d* restarts/);
        }
        for (const [ranks, plan] of [
          [2, 'yield,chunk=1MiB,transport=staged-copy'],
          [3, 'layerwise,piece=64KiB,transport=staged-copy'],
        ] as const) {
          const program = linked(write(plan, ranks, `carried-${ranks}`), 'driveRanks');
          const run = spawnSync(program, ['5', '5'], { encoding: 'utf8', env });
          assert.is(run.status, 0, `${plan}: ${run.stdout}${run.stderr.slice(0, 3000)}`);
          assert.match(run.stdout, /[1-9]\d* exchanges/);
          if (sanitize === 'thread') continue;
          const killed = spawnSync(program, ['5', '5', '1'], { encoding: 'utf8', env, timeout: 300_000 });
          assert.is(killed.status, 0, `${plan}: ${killed.stdout}${killed.stderr.slice(0, 3000)}`);
          assert.match(killed.stdout, /rank 0: rank 1 has ended or detached; end this rank as well/);
        }
      },
    );
  }

  attached('a folder builds by itself, without the project', () => {
    const folder = join(FOLDER, 'alone');
    writeAttached(generateAttached(toyModel(), toyPlan('yield'), MODEL), '{}\n', folder);
    const out = join(FOLDER, 'alone.so');
    rmSync(out, { force: true });
    const built = spawnSync('sh', [join(folder, 'build.sh'), 'host', out], {
      encoding: 'utf8',
      env: { ...process.env, CXX: KEEPING_CXX },
    });
    assert.is(built.status, 0, built.stderr);
    assert.is(built.stderr, '', 'no warnings');
    assert.ok(existsSync(out));
    const wrong = spawnSync('sh', [join(folder, 'build.sh'), 'metal', out], { encoding: 'utf8' });
    assert.is(wrong.status, 2);
    assert.match(wrong.stderr, /^error: metal: expected host or cuda\n$/);
    const none = spawnSync('sh', [join(folder, 'build.sh'), 'host', out], {
      encoding: 'utf8',
      env: { ...process.env, CXX: 'no-such-compiler' },
    });
    assert.match(none.stderr, /^error: no-such-compiler is missing; get a C\+\+20 compiler/);
  });

  const wheels = cudaWheels();
  if (!wheels.ok) skip(attached, 'a folder builds for CUDA without nvcc', wheels.why);
  else {
    attached('a folder builds for CUDA without nvcc, and its kernel is PTX for every architecture', () => {
      const folder = join(FOLDER, 'cuda');
      writeAttached(generateAttached(toyModel(), toyPlan('yield'), MODEL), '{}\n', folder);
      const python = readdirSync(join(wheels.root, 'lib')).find((name) => name.startsWith('python3'));
      const parts = join(wheels.root, 'lib', python!, 'site-packages', 'nvidia', 'cu13');
      const built = spawnSync('sh', [join(folder, 'build.sh'), 'cuda', join(FOLDER, 'cuda.so')], {
        encoding: 'utf8',
        env: {
          ...process.env,
          CHUNKFLOW_CUDA_INCLUDE: join(parts, 'include'),
          CHUNKFLOW_CUDA_LIB: join(parts, 'lib'),
        },
      });
      assert.is(built.status, 0, built.stderr);
      assert.is(built.stderr, '', 'no warnings');
      const source = readFileSync(join(folder, 'runtime/attached/kernels_ptx.cpp'), 'utf8');
      const ptx = source.split('R"(')[1]!.split(')";')[0]!.trimStart();
      for (const architecture of ['75', '80', '90', '100', '120']) {
        const { status, stderr } = spawnSync(
          join(parts, 'bin', 'ptxas'),
          [`-arch=sm_${architecture}`, '-o', '/dev/null', '-'],
          { input: ptx, encoding: 'utf8' },
        );
        assert.is(status, 0, stderr);
      }
    });
  }
}

attached.run();

import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { runCli } from '../support/runCli.ts';

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
  ['validate publ', ['published', 'published-collectives', 'published-steps'], ':'],
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

test.run();

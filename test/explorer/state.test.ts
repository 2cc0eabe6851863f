import { spawnSync } from 'node:child_process';
import { Command } from 'commander';
import fc from 'fast-check';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { addMeasuredOptions } from '../../cli/flags/measured.ts';
import { addRequestOptions } from '../../cli/flags/request.ts';
import { addScenarioOptions } from '../../cli/flags/scenario.ts';
import { commandOf, type ExplorerState, stateOf, urlOf } from '../../explorer/state.ts';
import { ATTENTION_KERNELS, COMPUTE_DTYPES } from '../../model/dit/kinds.ts';
import { UserError } from '../../model/input/userError.ts';
import { EXCHANGE_STYLES, GUIDANCE_MODES } from '../../model/workload/workload.ts';

const test = suite("the explorer's state");

const text = fc.string({ unit: 'grapheme' });
const whole = fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER });
const texts = fc.array(text, { minLength: 1, maxLength: 3 });

/** Every field, each absent at times. */
const states: fc.Arbitrary<ExplorerState> = fc.record(
  {
    ...{ model: text, entry: text, dtype: text, profile: text, size: text },
    ...{ batch: whole, sp: whole, ring: whole, tp: whole, pp: whole },
    cfg: fc.constantFrom(...GUIDANCE_MODES),
    exchange: fc.constantFrom(...EXCHANGE_STYLES),
    ...{ textRows: whole, expertsOnGpu: whole, referenceImage: texts, blocks: whole },
    computeDtype: fc.constantFrom(...COMPUTE_DTYPES),
    attention: fc.constantFrom(...ATTENTION_KERNELS),
    eager: fc.constant(true),
    ...{ machine: text, gpus: text, pcie: text, topology: text, transport: text, set: texts },
    ...{ measured: text, measuredSize: text, measuredCollectives: text },
    ...{ plan: texts, resident: text, prefetch: text, chunk: text, slots: text },
    ...{ steps: whole, before: text, after: text, switch: text },
    ...{ gpuMemory: text, hostMemory: text },
  } satisfies Record<keyof ExplorerState, unknown>,
  { requiredKeys: [], noNullPrototype: true },
);

test('a link says all of a state, whatever its texts are', () => {
  fc.assert(
    fc.property(states, fc.constantFrom('', 'http://127.0.0.1:8417/', '../deep/path/?q=1'), (state, base) => {
      assert.equal(stateOf(urlOf(state, base)), state);
      assert.equal(stateOf(new URL(urlOf(state, base), 'http://x/y').href), state);
    }),
  );
});

test('settings are readable in a link', () => {
  assert.is(
    urlOf({ model: 'wan2.1-t2v-14b', machine: '2xrtx-4090,pcie=4x8', plan: ['none', 'yield,resident=0.25'] }),
    '#model=wan2.1-t2v-14b&machine=2xrtx-4090,pcie=4x8&plan=none&plan=yield,resident=0.25',
  );
  assert.is(urlOf({}, 'http://h/'), 'http://h/');
  assert.equal(stateOf('http://h/'), {});
});

test('a command line says all of a state that its command has flags for, through a shell', () => {
  fc.assert(
    fc.property(states, (given) => {
      // No argument of a program holds a zero byte.
      const state = JSON.parse(JSON.stringify(given).replaceAll('\\u0000', '')) as ExplorerState;
      const line = commandOf(state).replace(/^chunkflow predict/, "printf '%s\\0' 'with words'");
      const { stdout } = spawnSync('sh', ['-c', line], { encoding: 'utf8' });
      const command = addRequestOptions(addMeasuredOptions(addScenarioOptions(new Command()))).exitOverride();
      const words = stdout.split('\0').slice(1, -1);
      const { gpuMemory: _, hostMemory: __, ...said } = state;
      assert.equal(command.parse(words, { from: 'user' }).opts(), said);
    }),
    { numRuns: 60 },
  );
});

test('a command line has the flags of its command alone', () => {
  const state: ExplorerState = {
    ...{ model: 'flux.1-dev', machine: 'h200-x2', eager: true, plan: ['none', "it's"], gpuMemory: '12GiB' },
  };
  assert.is(
    commandOf(state),
    `chunkflow predict --model flux.1-dev --eager --machine h200-x2 --plan none --plan 'it'\\''s'`,
  );
  assert.is(
    commandOf(state, 'plan'),
    'chunkflow plan --model flux.1-dev --eager --machine h200-x2 --gpu-memory 12GiB',
  );
});

test('a wrong link has one line', () => {
  const cases: [string, string][] = [
    ['#modle=x', '"modle" is no field of a link; the nearest are model, dtype, profile'],
    ['#sp=0', 'sp: expected a whole number of at least 1, got "0"'],
    ['#sp=1e3', 'sp: expected a whole number of at least 1, got "1e3"'],
    ['#eager=off', 'eager: expected on, or leave it out, got "off"'],
    ['#cfg=both', `cfg: expected one of ${GUIDANCE_MODES.join(', ')}, got "both"`],
    ['#model=a&model=b', 'model is given twice; leave one out'],
    ['#%0a=<b>', '"\\n" is no field of a link; the nearest are sp, tp, pp'],
  ];
  for (const [url, message] of cases)
    assert.throws(
      () => stateOf(url),
      (error: unknown) => error instanceof UserError && error.message === message,
      url,
    );
  assert.throws(() => stateOf('#__proto__=1'), /is no field/);
});

test.run();

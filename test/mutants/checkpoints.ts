import type { MutantGroup } from './mutant.ts';

/** Headers of checkpoints, and units. */
export const READERS: readonly MutantGroup[] = [
  {
    file: 'model/dit/checkpoint/safetensors.ts',
    tests: ['test/model/dit/safetensors.test.ts'],
    mutants: [
      {
        breaks: 'offsets may hold more than the shape',
        original: 'if (end - begin !== bytes) {',
        mutated: 'if (end - begin < bytes) {',
      },
      {
        breaks: 'offsets may hold less than the shape',
        original: 'if (end - begin !== bytes) {',
        mutated: 'if (end - begin > bytes) {',
      },
      {
        breaks: "a tensor's bytes are its end",
        original: 'if (end - begin !== bytes) {',
        mutated: 'if (end !== bytes) {',
      },
      {
        breaks: 'a file may be cut short by a byte',
        original: 'if (end > dataBytes) {',
        mutated: 'if (end > dataBytes + 1) {',
      },
      {
        breaks: 'a file must go on behind its last tensor',
        original: 'if (end > dataBytes) {',
        mutated: 'if (end >= dataBytes) {',
      },
      {
        breaks: 'data begin at the start of the file',
        original: 'status.bytes - LENGTH_BYTES - Number(length)',
        mutated: 'status.bytes - Number(length)',
      },
      {
        breaks: 'the header counts as data',
        original: 'status.bytes - LENGTH_BYTES - Number(length)',
        mutated: 'status.bytes - LENGTH_BYTES',
      },
      {
        breaks: 'a header that fills the file is refused',
        original: 'if (dataBytes < 0) {',
        mutated: 'if (dataBytes <= 0) {',
      },
      {
        breaks: 'the header is read from the start of the file',
        original: 'files.part(file, LENGTH_BYTES, Number(length))',
        mutated: 'files.part(file, 0, Number(length))',
      },
      {
        breaks: 'a header just longer than allowed is read',
        original: 'if (length > BigInt(MAX_HEADER_BYTES)) {',
        mutated: 'if (length > 2n * BigInt(MAX_HEADER_BYTES)) {',
      },
      {
        breaks: 'the metadata are a tensor',
        original: "name !== '__metadata__'",
        mutated: 'true',
      },
      {
        breaks: "a dtype's width is that of bf16",
        original: '* BITS[dtype]!) / 8',
        mutated: '* 16) / 8',
      },
      {
        breaks: 'a scalar has no bytes',
        original: '(product, side) => product * side, 1)',
        mutated: '(product, side) => product * side, shape.length === 0 ? 0 : 1)',
      },
      {
        breaks: 'a name of the language is a dtype',
        original: 'if (!Object.hasOwn(BITS, dtype)) {',
        mutated: 'if (!(dtype in BITS)) {',
      },
    ],
  },
  {
    file: 'model/dit/checkpoint/huggingFaceIndex.ts',
    tests: ['test/model/dit/safetensors.test.ts'],
    mutants: [
      {
        breaks: 'a shard may lie outside the folder of its index',
        original: "shard !== files.nameOf(shard) || shard.includes('\\\\') || shard === '..'",
        mutated: 'false',
      },
      {
        breaks: 'a shard that is missing is not named',
        original: 'if (!files.exists(path)) {',
        mutated: 'if (false) {',
      },
      {
        breaks: 'a tensor that its shard lacks is left out',
        original: 'if (tensor !== undefined) return tensor;',
        mutated: 'if (tensor !== undefined || shard) return tensor!;',
      },
    ],
  },
  {
    file: 'model/input/quantity.ts',
    tests: ['test/model/input/quantity.test.ts'],
    mutants: [
      {
        breaks: 'a quantity may be negative',
        original: 'value < 0 || !Number.isFinite(value)',
        mutated: '!Number.isFinite(value)',
      },
      {
        breaks: 'a quantity may be infinite',
        original: 'value < 0 || !Number.isFinite(value)',
        mutated: 'value < 0',
      },
      {
        breaks: 'gigatransfers are read as tesla',
        original: 'if (/GT\\/s/.test(text)) {',
        mutated: 'if (false) {',
      },
      {
        breaks: 'whole numbers of bytes are off by a rounding',
        original: 'if (factor >= 1 && Math.abs(value - whole) < 1e-9 * whole) value = whole;',
        mutated: '',
      },
    ],
  },
  {
    file: 'model/physics/memory.ts',
    tests: ['test/model/physics/memory.test.ts'],
    mutants: [
      {
        breaks: 'experts share their residents',
        original: 'const residentBytes = workload.experts * sum(',
        mutated: 'const residentBytes = sum(',
      },
      {
        breaks: 'a slot is as large as the smallest streamed block',
        original: 'plan.slots * Math.max(0, ...streamed)',
        mutated: 'plan.slots * Math.min(...streamed)',
      },
      {
        breaks: 'one slot is counted',
        original: 'plan.slots * Math.max(0, ...streamed)',
        mutated: 'Math.max(0, ...streamed)',
      },
      {
        breaks: 'activations take no memory',
        original:
          'outsideBytes + residentBytes + slotBytes + activationBytes + collectiveBufferBytes + reserveBytes',
        mutated: 'outsideBytes + residentBytes + slotBytes + collectiveBufferBytes + reserveBytes',
      },
      {
        breaks: 'one rank pins staging of collectives',
        original: 'collectiveTransport(system, plan, workload.ranks)',
        mutated:
          "collectiveTransport(system, { transport: plan.transport === 'none' ? undefined : plan.transport }, 2)",
      },
      {
        breaks: 'residents are pinned on the host as well',
        original: '(ofExpert - sum(plan.blocks.map((block) => block.residentBytes)));',
        mutated: 'ofExpert;',
      },
    ],
  },
  {
    file: 'model/physics/rates.ts',
    tests: [
      'test/model/physics/rateTerms.test.ts',
      'test/model/physics/rates.test.ts',
      'test/model/physics/hostMemory.test.ts',
    ],
    mutants: [
      {
        breaks: 'of ranks that sit differently the best placed sets the pace',
        original: 'linkRates.indexOf(Math.min(...linkRates))',
        mutated: 'linkRates.indexOf(Math.max(...linkRates))',
      },
      {
        breaks: 'a collective weighs as much as a copy',
        original: '(resource.copies + weight * resource.collectives)',
        mutated: '(resource.copies + resource.collectives)',
      },
      {
        breaks: 'copies are held back last',
        original: 'const level = Math.min(copiesHeldAt, collectivesHeldAt);',
        mutated: 'const level = Math.max(copiesHeldAt, collectivesHeldAt);',
      },
      {
        breaks: 'what is left of a link ignores what the other class takes',
        original: '(resource.capacity - level * resource[other]) / resource[of]',
        mutated: 'resource.capacity / resource[of]',
      },
      {
        breaks: 'both directions share nothing',
        original: 'shared(system, down, up),',
        mutated: 'shared(system, down, []),',
      },
      {
        breaks: 'host memory favours no direction',
        original: 'writeWeightOf(system, gpus[0]!),',
        mutated: '1,',
      },
      {
        breaks: 'whom a soft limit favours gets more than it asked for',
        original: 'return ratesUnder(limits, wanted, softWeight);',
        mutated: 'return ratesUnder(limits, bound, softWeight);',
      },
      {
        breaks: 'directions of unlike speed go each at its own without a favour',
        original: 'if (weight !== 1) return moves;',
        mutated: 'if (weight !== 0) return moves;',
      },
      {
        breaks: 'copies to the host are as fast as the engine to the device',
        original: 'd2h: rateOf(up, d2hBytesPerS)',
        mutated: 'd2h: rateOf(up, h2dBytesPerS)',
      },
      {
        breaks: 'a soft limit serves whatever is asked of it',
        original: 'capacity: served(demand, resource.capacity, resource.sharpness)',
        mutated: 'capacity: Math.min(demand, resource.capacity)',
      },
      {
        breaks: 'what collectives ask of host memory does not count beside copies',
        original: 'wanted.copies * resource.copies + wanted.collectives * resource.collectives',
        mutated: 'wanted.copies * resource.copies',
      },
    ],
  },
];

import type { MutantGroup } from './mutant.ts';

/** Headers of checkpoints, and units. */
export const READERS: readonly MutantGroup[] = [
  {
    file: 'model/dit/safetensors.ts',
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
        original: 'status.size - LENGTH_BYTES - Number(length)',
        mutated: 'status.size - Number(length)',
      },
      {
        breaks: 'the header counts as data',
        original: 'status.size - LENGTH_BYTES - Number(length)',
        mutated: 'status.size - LENGTH_BYTES',
      },
      {
        breaks: 'a header that fills the file is refused',
        original: 'if (dataBytes < 0) {',
        mutated: 'if (dataBytes <= 0) {',
      },
      {
        breaks: 'the header is read from the start of the file',
        original: 'readSync(descriptor, header, 0, header.length, LENGTH_BYTES);',
        mutated: 'readSync(descriptor, header, 0, header.length, 0);',
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
];

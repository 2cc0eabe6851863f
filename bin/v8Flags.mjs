import { setFlagsFromString } from 'node:v8';

// Most commands and tests end before optimised code has earned its compiler's time, which was half of theirs: it comes in when a
// function has run some ten times as much as by V8's own measure; one of the solver's, whose largest take half a second to optimise,
// some hundreds of times.
// V8 before 12 measures a function by its bytecode, later ones by its calls.
setFlagsFromString(
  Number.parseInt(process.versions.v8, 10) < 12
    ? '--interrupt-budget=1000000'
    : '--invocation-count-for-turbofan=30000',
);
setFlagsFromString('--wasm-tiering-budget=1000000000');
// Most of the solver's functions never run; those that do are validated when they are compiled.
setFlagsFromString('--wasm-lazy-validation');

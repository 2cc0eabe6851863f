import type { MutantGroup } from './mutant.ts';

/** Names from outside in generated text: they stay inside comments, strings and identifiers. */
export const CODEGEN: readonly MutantGroup[] = [
  {
    file: 'codegen/escape.ts',
    tests: ['test/codegen/escape.test.ts'],
    mutants: [
      {
        breaks: 'a line end, or what a compiler may take for one, ends a comment',
        original: ".replace(/[^\\x20-\\x7e]+/g, ' ')",
        mutated: ".replace(/\\n+/g, ' ')",
      },
      {
        breaks: 'a backslash joins the next line to a comment',
        original: ".replaceAll('\\\\', '/')",
        mutated: '',
      },
      {
        breaks: 'the trigraph of a backslash joins the next line to a comment',
        original: ".replace(/\\?(?=\\?)/g, '? ')",
        mutated: '',
      },
      {
        breaks: 'three question marks leave a trigraph in a comment',
        original: ".replace(/\\?(?=\\?)/g, '? ')",
        mutated: ".replaceAll('??', '? ?')",
      },
      {
        breaks: 'a quote ends a string',
        original: "!^~']/.test(character)",
        mutated: '!^~\'"]/.test(character)',
      },
      {
        breaks: 'a backslash in a string escapes what follows',
        original: "!^~']/.test(character)",
        mutated: "!^~'\\\\]/.test(character)",
      },
      {
        breaks: 'a question mark in a string begins a trigraph',
        original: "!^~']/.test(character)",
        mutated: "!^~'?]/.test(character)",
      },
      {
        breaks: 'an escape swallows the digit behind it',
        original: "byte.toString(8).padStart(3, '0')",
        mutated: 'byte.toString(8)',
      },
      {
        breaks: 'a string holds characters, not bytes',
        original: "Buffer.from(text, 'utf8')",
        mutated: "Buffer.from(text, 'latin1')",
      },
      {
        breaks: 'an identifier starts with a digit',
        original: '/^[a-z]/.test(words)',
        mutated: "words !== ''",
      },
      {
        breaks: 'an identifier is a word of the language',
        original: 'return TAKEN.has(name) ? `${name}_` : name;',
        mutated: 'return name;',
      },
      {
        breaks: 'an identifier has no end',
        original: '.slice(0, 60)',
        mutated: '',
      },
      {
        breaks: 'a long identifier ends in an underscore, as those of the runtime do',
        original: ".slice(0, 60)\n    .replace(/_+$/, '')",
        mutated: '.slice(0, 60)',
      },
      {
        breaks: 'a name that was made unique is handed out again',
        original: 'if (this.#used.has(candidate)) continue;',
        mutated: 'if (copy === 1 && this.#used.has(candidate)) continue;',
      },
      {
        breaks: 'a fraction is a whole number',
        original: 'if (!Number.isSafeInteger(value)) throw',
        mutated: 'if (!Number.isFinite(value)) throw',
      },
      {
        breaks: 'a size may be negative',
        original: '!Number.isSafeInteger(value) || value < 0',
        mutated: '!Number.isSafeInteger(value)',
      },
      {
        breaks: 'a whole number as a double is an int',
        original: '/[.e]/.test(text) ? text : `${text}.0`',
        mutated: 'text',
      },
    ],
  },
  {
    file: 'codegen/attach/hooks.ts',
    tests: ['test/codegen/attach/hooks.test.ts'],
    mutants: [
      {
        breaks: 'what compute has to be marked behind is marked before it',
        original: '(behindCompute ?? hooks.at(-1)!.statements).push(own);',
        mutated: 'hooks.at(-1)!.statements.push(own);',
      },
      {
        breaks: "a collective's copies are all issued before it",
        original:
          "hooks.push({ at: { point: 'collective begins', collective: exchanged }, statements: behindCompute });\n        hooks.push({ at: { point: 'collective ends', collective: exchanged }, statements: [] });",
        mutated:
          "hooks.push({ at: { point: 'collective begins', collective: exchanged }, statements: [] });\n        hooks.push({ at: { point: 'collective ends', collective: exchanged }, statements: behindCompute });",
      },
      {
        breaks: "the block's last statements are dropped",
        original: 'statements: behindCompute ?? [] });\n  return hooks;',
        mutated: 'statements: [] });\n  return hooks;',
      },
    ],
  },
  {
    file: 'codegen/attach/modelStream.ts',
    tests: ['test/codegen/attach/hooks.test.ts'],
    mutants: [
      {
        breaks: 'waits of the model for copies are left out',
        original: "own.kind === 'after' && isOfTheModel(own.stream) && marked.get(own.ref.point) === true",
        mutated: "own.kind === 'after' && isOfTheModel(own.stream)",
      },
      {
        breaks: 'waits of copies for the model are left out',
        original: "own.kind === 'after' && isOfTheModel(own.stream) && marked.get(own.ref.point) === true",
        mutated: "own.kind === 'after' && marked.get(own.ref.point) === true",
      },
      {
        breaks: 'points that nobody waits for are kept',
        original: 'awaited.has(key(position, own.point)) ? [',
        mutated: 'used.has(own.point) ? [',
      },
    ],
  },
  {
    file: 'codegen/attach/generateAttached.ts',
    tests: ['test/codegen/attach/attached.test.ts'],
    mutants: [
      {
        breaks: 'a block begins in a slot that is not its own',
        original: 'slotOf.set(op.target!.position, op.target!.slot);',
        mutated: 'slotOf.set(op.target!.position, 0);',
      },
      {
        breaks: 'slots come round too early',
        original: 'whole(ringPeriod(program))',
        mutated: 'whole(1)',
      },
      {
        breaks: 'a gather claims too little staging',
        original: "messageBytes(segment, ranks) * (segment.collective === 'all-gather' ? 1 : ranks - 1)",
        mutated: 'messageBytes(segment, ranks) / 2',
      },
    ],
  },
  {
    file: 'codegen/view/routines.ts',
    tests: ['test/codegen/routines.test.ts'],
    mutants: [
      {
        breaks: 'a column of bytes is shared with one of slots',
        original: 'other.type === type && other',
        mutated: 'other',
      },
      {
        breaks: 'the block before is called the next one',
        original: "return behind === 1 ? 'previous' :",
        mutated: "return behind === 1 ? 'next' :",
      },
      {
        breaks: 'distances do not go round the step',
        original: '(value - group[index]!.position + stepLength) % stepLength',
        mutated: 'value - group[index]!.position',
      },
    ],
  },
  {
    file: 'codegen/view/routineView.ts',
    tests: ['test/codegen/routines.test.ts'],
    mutants: [
      {
        breaks: 'the first position speaks for all in a comment',
        original: "fields[name]!.kind === 'constant'",
        mutated: 'fields[name] !== undefined',
      },
    ],
  },
  {
    file: 'codegen/view/callArguments.ts',
    tests: ['test/codegen/callArguments.test.ts'],
    mutants: [
      {
        breaks: 'a shape stands before whatever comes first',
        original: 'index === first ? [shape]',
        mutated: 'index === 0 ? [shape]',
      },
      {
        breaks: 'a call with other arguments is printed',
        original: 'fields.length !== args.length',
        mutated: 'fields.length < args.length',
      },
    ],
  },
];

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
];

/** A command line of words, to paste into a POSIX shell. @example commandText(['plot', "it's"]) // "chunkflow plot 'it'\\''s'" */
export function commandText(words: readonly string[]): string {
  return ['chunkflow', ...words.map(shellWord)].join(' ');
}

function shellWord(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
}

import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { UserError } from '../../../model/input/userError.ts';
import { type ImportedText, readImportedText } from '../../../studies/imports/text/importedText.ts';

export const fixtures = join(import.meta.dirname, 'fixtures');

/** A fixture's text under its bare name, with one piece replaced; the piece must be there. */
export function fixtureText(name: string, piece: string | RegExp = '', by = ''): ImportedText {
  const { text } = readImportedText(join(fixtures, name));
  const edited = text.replace(piece, by);
  if (piece !== '') assert.is.not(edited, text, `${name} has no ${piece}`);
  return { file: name, text: edited, lines: edited.split('\n') };
}

/** Asserts that `run` throws a UserError of one line that matches. */
export function refuses(run: () => unknown, message: RegExp): void {
  let error: unknown;
  try {
    run();
  } catch (thrown) {
    error = thrown;
  }
  assert.instance(error, UserError);
  assert.match((error as UserError).message, message);
  assert.not.match((error as UserError).message, /\n/, 'one line');
}

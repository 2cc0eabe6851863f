import { z } from 'zod';
import { documentFormats } from '../../../documents/documents.ts';
import type { SchemaName } from '../../../documents/names.ts';
import { jsonText, type Output } from '../../output.ts';

/** Prints the JSON Schema of one command's --json document, or of a file that people or others write: what has a default may be left out. */
export function run(name: SchemaName, _flags: object, output: Output): void {
  output.result(jsonText(z.toJSONSchema(documentFormats[name], { io: 'input' })));
}

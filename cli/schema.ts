import { z } from 'zod';
import { jsonText, type Output } from './output.ts';
import { type DocumentName, documentSchemas } from './outputSchema.ts';

/** Prints the JSON Schema of one command's --json document, or of a file that others write. */
export function schema(name: DocumentName, output: Output): void {
  output.result(jsonText(z.toJSONSchema(documentSchemas[name])));
}

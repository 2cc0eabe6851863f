import { z } from 'zod';
import { type DocumentName, documentSchemas } from '../model/outputSchema.ts';
import { jsonText, type Output } from './output.ts';

/** Prints the JSON Schema of one command's --json document, or of a file that others write. */
export function schema(name: DocumentName, output: Output): void {
  output.result(jsonText(z.toJSONSchema(documentSchemas[name])));
}

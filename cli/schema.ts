import { z } from 'zod';
import { type OutputName, outputSchemas } from '../model/outputSchema.ts';
import { jsonText, type Output } from './output.ts';

/** Prints the JSON Schema of one command's --json document. */
export function schema(name: OutputName, output: Output): void {
  output.result(jsonText(z.toJSONSchema(outputSchemas[name])));
}

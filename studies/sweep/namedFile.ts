import { existsSync } from 'node:fs';
import { isAbsolute, join } from 'node:path';

/** What a sweep names: a file beside the sweep's own where there is one of that name, else the text as it is. */
export function namedFrom(folder: string, text: string): string {
  // A plan may be a line of a file: plans.jsonl#name.
  const [, file, line] = /^(.*?\.jsonl)(#.*)$/s.exec(text) ?? [null, text, ''];
  if (file === '' || isAbsolute(file!)) return text;
  const beside = join(folder, file!);
  return existsSync(beside) ? `${beside}${line}` : text;
}

import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { parquetMetadata } from 'hyparquet';
import { FACTS_KEY, type PartFacts } from './part.ts';

/** Bytes from the end in which a footer is looked for first. */
const TAIL_BYTES = 64 * 1024;

/** What the footer of a part says; reads no rows. */
export function partFacts(file: string): PartFacts {
  const descriptor = openSync(file, 'r');
  try {
    const { size } = fstatSync(descriptor);
    const tail = (bytes: number) => {
      const content = Buffer.alloc(Math.min(size, bytes));
      readSync(descriptor, content, 0, content.length, size - content.length);
      return content;
    };
    const end = tail(TAIL_BYTES);
    const footerBytes = end.readUInt32LE(end.length - 8) + 8;
    const footer = footerBytes <= end.length ? end : tail(footerBytes);
    const bytes = footer.buffer.slice(footer.byteOffset, footer.byteOffset + footer.length) as ArrayBuffer;
    const { key_value_metadata: entries = [] } = parquetMetadata(bytes);
    return JSON.parse(entries.find(({ key }) => key === FACTS_KEY)!.value!) as PartFacts;
  } finally {
    closeSync(descriptor);
  }
}

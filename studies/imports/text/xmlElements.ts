import { SaxesParser } from 'saxes';
import { UserError } from '../../../model/input/userError.ts';
import type { ImportedText } from './importedText.ts';

/** Elements inside each other; readers recurse, so there must be an end. NCCL's own files have seven or eight. */
const MAX_DEPTH = 64;

/** An element of an XML file with the line where it begins. */
export interface XmlElement {
  name: string;
  attributes: Readonly<Record<string, string>>;
  children: XmlElement[];
  line: number;
}

/**
 * The root element of an XML text. Text between elements is refused: the formats that are read here have
 * none.
 *
 * @throws UserError with file and line of what is no well-formed XML, which is the last line of a file cut
 * short.
 */
export function parseXml({ file, text }: ImportedText): XmlElement {
  const parser = new SaxesParser<{ xmlns: false; position: false }>({ xmlns: false, position: false });
  const open: XmlElement[] = [];
  let root: XmlElement | undefined;
  let line = 1;
  parser.on('error', ({ message }) => {
    const above = open.at(-1);
    const inside = above === undefined ? '' : ` inside <${above.name}> of line ${above.line}`;
    throw new UserError(`is no whole XML: ${message.replace(/\.$/, '')}${inside}; get the file again`, {
      file,
      line: parser.line,
    });
  });
  parser.on('opentagstart', () => {
    line = parser.line;
  });
  parser.on('opentag', ({ name, attributes }) => {
    if (open.length === MAX_DEPTH)
      throw new UserError(
        `<${name}> is nested more than ${MAX_DEPTH} levels deep; no machine is: get the file again`,
        { file, line },
      );
    const element: XmlElement = { name, attributes, children: [], line };
    open.at(-1)?.children.push(element);
    root ??= element;
    open.push(element);
  });
  parser.on('closetag', () => {
    open.pop();
  });
  parser.on('text', (between) => {
    if (between.trim() === '') return;
    throw new UserError(`text ${JSON.stringify(between.trim())} between elements; expected none`, {
      file,
      // The parser has read on to the next element.
      line: parser.line - between.trimStart().split('\n').length + 1,
    });
  });
  parser.write(text.trimEnd()).close();
  return root!;
}

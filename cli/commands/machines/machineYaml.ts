import { Document, isMap, visit } from 'yaml';

/** A machine file's value as YAML, each number on a line of its own. */
export function machineYaml(value: unknown): string {
  const document = new Document(value, { aliasDuplicateObjects: false });
  visit(document, {
    Map: (_, map) => {
      if (map.has('is')) map.flow = true;
    },
  });
  if (isMap(document.contents)) document.contents.flow = false;
  return document.toString({ lineWidth: 0, flowCollectionPadding: false });
}

import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import Handlebars from 'handlebars';
import { packageRoot } from '../model/input/packageFiles.ts';

const FOLDER = join(packageRoot, 'cuda-templates');

/** Our own Handlebars: C++ is not HTML, so nothing is escaped here; the view holds what may be printed and nothing else. */
function load(): Map<string, HandlebarsTemplateDelegate> {
  const engine = Handlebars.create();
  const options = { noEscape: true, strict: true, knownHelpersOnly: true } as const;
  for (const file of readdirSync(join(FOLDER, 'statements')).sort()) {
    const source = readFileSync(join(FOLDER, 'statements', file), 'utf8').trimEnd();
    engine.registerPartial(file.replace(/\.hbs$/, ''), engine.compile(source, options));
  }
  return new Map(
    readdirSync(FOLDER)
      .filter((file) => file.endsWith('.hbs'))
      .map((file) => [
        file.replace(/\.hbs$/, ''),
        engine.compile(readFileSync(join(FOLDER, file), 'utf8'), options),
      ]),
  );
}

let templates: Map<string, HandlebarsTemplateDelegate> | undefined;

/** Text of one file from its template and a view that has been checked. */
export function render(name: string, view: object): string {
  templates ??= load();
  const template = templates.get(name);
  if (template === undefined) throw new Error(`no template ${name}`);
  return template(view);
}

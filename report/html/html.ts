import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import Handlebars from 'handlebars';
import { packageRoot } from '../../model/input/packageFiles.ts';
import { CHART_STYLE, chartScriptTexts } from '../../studies/plots/html.ts';
import type { Report } from '../report.ts';
import { pageView } from './view.ts';

const FOLDER = join(packageRoot, 'report', 'html', 'page');

/** Templates that others include, by their file's name. */
const PARTIALS = ['table', 'rows', 'chart', 'command'];

/**
 * A report as one HTML page that opens from disk and asks for nothing: its style, scripts and data are in it. Only these scripts may
 * run in it, whatever a name in the report contains.
 */
export function reportHtml(report: Report): string {
  const hasCharts = report.sections.some(({ parts }) => parts.some(({ kind }) => kind === 'chart'));
  const scripts = [...(hasCharts ? chartScriptTexts() : []), `(() => {\n${pageFile('page.mjs')}})();`];
  return pageTemplate()({
    ...pageView(report),
    style: `${CHART_STYLE}${pageFile('page.css')}`,
    scripts,
    policy: policyOf(scripts),
  });
}

/** Nothing from outside, and no script but those; Vega compiles its expressions by Function, and its tooltips bring styles. */
function policyOf(scripts: readonly string[]): string {
  const hashes = scripts.map((text) => `'sha256-${createHash('sha256').update(text).digest('base64')}'`);
  return [
    "default-src 'none'",
    `script-src ${hashes.join(' ')} 'unsafe-eval'`,
    "style-src 'unsafe-inline'",
    'img-src data:',
    "base-uri 'none'",
    "form-action 'none'",
  ].join('; ');
}

function pageFile(name: string): string {
  return readFileSync(join(FOLDER, name), 'utf8');
}

let template: HandlebarsTemplateDelegate | undefined;

/** Handlebars escapes what it prints, but for the parts that stand in three braces: style, scripts, and charts' data as JSON. */
function pageTemplate(): HandlebarsTemplateDelegate {
  if (template !== undefined) return template;
  const engine = Handlebars.create();
  const options = { strict: true, knownHelpersOnly: true } as const;
  for (const name of PARTIALS) engine.registerPartial(name, engine.compile(pageFile(`${name}.hbs`), options));
  template = engine.compile(pageFile('page.hbs'), options);
  return template;
}

import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { packageRoot } from '../../../model/input/packageFiles.ts';
import { THEMES } from '../../../studies/plots/theme.ts';

const test = suite("styles of the explorer's page");

const folder = join(packageRoot, 'explorer', 'page', 'styles');
const sheets = new Map(readdirSync(folder).map((name) => [name, readFileSync(join(folder, name), 'utf8')]));
const all = [...sheets.values()].join('\n');

/** Custom properties of the first rule behind a text. */
function declared(behind: string): Map<string, string> {
  const base = sheets.get('base.css')!;
  const rule = /:root \{([^}]*)\}/.exec(base.slice(base.indexOf(behind)))![1]!;
  return new Map([...rule.matchAll(/--([\w-]+):\s*([^;]+);/g)].map(([, name, value]) => [name!, value!]));
}

for (const [scheme, behind] of [
  ['light', ''],
  ['dark', 'prefers-color-scheme: dark'],
] as const)
  test(`colours are the charts' own, ${scheme}`, () => {
    const colours = declared(behind);
    const { roles, series } = THEMES[scheme];
    const theme = {
      ...roles,
      ...Object.fromEntries(series.map((colour, place) => [`series${place}`, colour])),
    };
    for (const [name, colour] of Object.entries(theme)) assert.is(colours.get(name), colour, name);
  });

test('light and dark say the same colours, and all that are used', () => {
  const [light, dark] = [declared(''), declared('prefers-color-scheme: dark')];
  assert.equal([...dark.keys()].sort(), [...light.keys()].sort());
  // Of one slider: how far it is moved.
  const used = [...all.matchAll(/var\(--([\w-]+)/g)]
    .map(([, name]) => name!)
    .filter((name) => name !== 'share');
  assert.equal(
    [...new Set(used)].filter((name) => !light.has(name)),
    [],
  );
});

test('every sheet is in the page, and none asks for anything', () => {
  const page = readFileSync(join(packageRoot, 'explorer', 'page', 'page.css'), 'utf8');
  const imported = [...page.matchAll(/@import "\.\/styles\/([^"]+)";/g)].map(([, name]) => name!);
  assert.equal([...imported].sort(), [...sheets.keys()].sort());
  assert.not.match(all, /url\(|@import|@font-face/);
});

test.run();

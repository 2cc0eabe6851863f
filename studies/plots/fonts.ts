import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';

/** The font of every chart, as it is shipped: a drawing must not depend on what a machine has. */
export const FONT_FILES = { regular: fontFile('DejaVuSans.ttf'), bold: fontFile('DejaVuSans-Bold.ttf') };

/** @throws Error where the font is not there: a drawing without it would have no text and say nothing of it. */
function fontFile(name: string): string {
  const packageFile = createRequire(import.meta.url).resolve('dejavu-fonts-ttf/package.json');
  const file = join(dirname(packageFile), 'ttf', name);
  if (!existsSync(file)) throw new Error(`${file}: the font of charts is not there`);
  return file;
}

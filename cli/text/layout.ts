import { WriteStream } from 'node:tty';
import { styleText } from 'node:util';

/** How text is laid out for whoever reads it. */
export interface Layout {
  /** Columns that a line may take: tables fold and sentences wrap there. */
  width: number;
  colour: boolean;
}

/** Text that goes into a file, a pipe or a page: the same everywhere, whatever terminal it was asked for in. */
export const PIPED: Layout = { width: 80, colour: false };

/** Narrower terminals get lines of this width, which they break themselves. */
const LEAST_WIDTH = 40;

/** What a text means, for those who see colours; the words say it, too. */
export type Tone = 'best' | 'refused' | 'aside' | 'title';

const STYLES = {
  best: ['bold', 'green'],
  refused: 'red',
  aside: 'dim',
  title: 'bold',
} as const;

/**
 * The layout of a stream: a terminal's own width, 80 columns elsewhere; `COLUMNS` stands above both. Colours are a terminal's that has
 * any; `NO_COLOR` takes them away and `FORCE_COLOR` gives them to whatever reads, as in Node.
 */
export function layoutOf(
  stream: { isTTY?: boolean; columns?: number },
  env: NodeJS.ProcessEnv = process.env,
): Layout {
  const asked = Number(env.COLUMNS);
  const columns = Number.isInteger(asked) && asked > 0 ? asked : stream.isTTY ? stream.columns : undefined;
  const mayColour = stream.isTTY === true || env.FORCE_COLOR !== undefined;
  return {
    width: Math.max(LEAST_WIDTH, columns || PIPED.width),
    // Depth 1 is black and white; Node reads the variables.
    colour: mayColour && WriteStream.prototype.getColorDepth(env) > 1,
  };
}

/** A text in its tone, where there are colours. */
export function toned(text: string, tone: Tone | null, { colour }: Layout): string {
  if (!colour || tone === null || text === '') return text;
  return styleText([...([STYLES[tone]].flat() as ('bold' | 'green')[])], text, { validateStream: false });
}

// @ts-check
// A chart at a width. Runs in Node and in pages, which hold this text: it imports nothing.

/** A group narrower than this is put below its neighbour. Pixels. */
const NARROWEST = 260;
/** What stands before and behind a legend's text. Pixels. */
const SYMBOL_PX = 44;
const LONGEST_LEGEND_PX = 260;
/** Lines that a title may have. */
const LINES = 4;
/** What axes take of a group's width before it is measured. Pixels. */
const AXES_PX = 60;
const LEAST_PX = 80;
/** Paper that Vega leaves on the left and on the right, together. Pixels. */
const PADDING_PX = 12;
/** Share of a group's width that the labels of an axis may take. */
const AXIS_SHARE = 0.38;
const ROUNDS = 4;
/** Stands for a blank and a per cent sign while lines are broken. */
const TIE = '\u00a0%';

/** Keys whose texts are colours; everything else that a specification says may be a name that somebody chose. */
const COLOUR_KEYS = new Set(
  'color fill stroke range value background labelColor titleColor gridColor domainColor tickColor subtitleColor'.split(
    ' ',
  ),
);

/**
 * How a chart is to look: its width in pixels, its colours by role, Vega-Lite's configuration, whether it has its title in it, and how
 * wide a text of some font size is.
 *
 * @typedef {{ width: number, colours: Record<string, string>, config: any, titled: boolean, textWidth: TextWidth }} Look
 * @typedef {(text: string, fontPx: number, isBold: boolean) => number} TextWidth
 */

/**
 * The chart as a Vega-Lite specification whose drawing is as wide as asked: axes take what their labels need, so it is measured and
 * drawn again.
 *
 * @param {import('../chart.ts').Chart} chart
 * @param {Look} look
 * @param {(spec: any) => Promise<number>} widthOf of a drawing, pixels
 * @returns {Promise<any>}
 */
export async function fitChart(chart, look, widthOf) {
  const columns = columnsAt(chart, look.width);
  let inner = look.width / columns - AXES_PX;
  let spec = specAt(chart, look, columns, inner);
  for (let round = 0; round < ROUNDS; round += 1) {
    const over = (await widthOf(spec)) - look.width;
    if (Math.abs(over) < 1.5) break;
    inner = Math.max(LEAST_PX, inner - over / columns);
    spec = specAt(chart, look, columns, inner);
  }
  return spec;
}

/** @param {import('../chart.ts').Chart} chart @param {number} width */
function columnsAt({ columns, groups }, width) {
  return Math.max(1, Math.min(columns, groups.length, Math.floor(width / NARROWEST)));
}

/**
 * @param {import('../chart.ts').Chart} chart
 * @param {Look} look
 * @param {number} columns
 * @param {number} inner width of a view without its axes
 */
function specAt(chart, look, columns, inner) {
  const { width, colours, config, titled, textWidth } = look;
  const { title, subtitle, groups, rows, guides, legend, resolve } = chart;
  const views = groups.map((group) => groupAt(group, Math.floor(inner), look));
  // A group's heading would take the place of the chart's title.
  const isAlone = groups.length === 1 && groups[0]?.heading === undefined;
  const titles = config.title;
  const room = width - PADDING_PX;
  const lines = subtitle.flatMap((line) =>
    wrapped(line, room, (text) => textWidth(text, titles.subtitleFontSize, false)),
  );
  const heading = {
    text: wrapped(title, room, (text) => textWidth(text, titles.fontSize, true)),
    ...(lines.length > 0 && { subtitle: lines }),
  };
  return {
    $schema: 'https://vega.github.io/schema/vega-lite/v6.json',
    ...(titled && { title: heading }),
    datasets: { rows, ...guides },
    .../** @type {any} */ (coloured(isAlone ? views[0] : { concat: views, columns, spacing: 24 }, colours)),
    ...(resolve && !isAlone && { resolve }),
    config: coloured(configAt(look, columns, width - (width / columns - inner), legend ?? []), colours),
  };
}

/** @param {import('../chart.ts').Group} group @param {number} width @param {Look} look */
function groupAt({ heading, views, resolve }, width, { config, textWidth }) {
  const drawn = views.map((view) => ({ ...view, width, height: heightAt(view.height, width) }));
  const title = heading && {
    title: {
      text: wrapped(heading, width, (text) => textWidth(text, config.axis.titleFontSize, true)),
      fontSize: config.axis.titleFontSize,
      anchor: 'start',
      offset: 6,
      frame: 'group',
    },
  };
  return drawn.length === 1
    ? { ...title, ...drawn[0] }
    : { ...title, vconcat: drawn, spacing: 10, ...(resolve && { resolve }) };
}

/** @param {import('../chart.ts').View['height']} height @param {number} width */
function heightAt(height, width) {
  if (typeof height === 'number' || 'step' in height) return height;
  return Math.round(Math.min(width * height.ofWidth, height.most ?? Number.POSITIVE_INFINITY));
}

/**
 * @param {Look} look
 * @param {number} columns
 * @param {number} room that legends have beside the first group's axis
 * @param {readonly string[]} legend
 */
function configAt({ config, width, textWidth }, columns, room, legend) {
  const { labelFontSize } = config.legend;
  const limit = Math.min(LONGEST_LEGEND_PX, room - SYMBOL_PX);
  const widths = legend.map((text) => textWidth(text, labelFontSize, false));
  const legendColumns = Math.max(1, Math.floor(room / (Math.min(limit, Math.max(0, ...widths)) + SYMBOL_PX)));
  return {
    ...config,
    legend: { ...config.legend, columns: legendColumns, labelLimit: limit, titleLimit: room },
    axis: { ...config.axis, labelLimit: Math.round((AXIS_SHARE * width) / columns) },
    title: { ...config.title, limit: width - PADDING_PX },
  };
}

/**
 * A text in lines of a width; words that are longer are cut, and so is the last line where there are more.
 *
 * @param {string} text @param {number} width @param {(text: string) => number} widthOf
 * @returns {string[]}
 */
export function wrapped(text, width, widthOf) {
  /** @type {string[]} */
  const lines = [];
  // A number and its unit stay together.
  for (const word of text.replaceAll(' %', TIE).split(' ')) {
    const last = lines.at(-1);
    if (last !== undefined && widthOf(`${last} ${word}`) <= width)
      lines[lines.length - 1] = `${last} ${word}`;
    else lines.push(...pieces(word, width, widthOf));
    if (lines.length > LINES) break;
  }
  const shown = lines.length <= LINES ? lines : [...lines.slice(0, LINES - 1), `${lines[LINES - 1]}\u2026`];
  return shown.map((line) => line.replaceAll(TIE, ' %'));
}

/** @param {string} word @param {number} width @param {(text: string) => number} widthOf @returns {string[]} */
function pieces(word, width, widthOf) {
  /** @type {string[]} */
  const found = [];
  let piece = '';
  for (const letter of word) {
    if (piece !== '' && widthOf(piece + letter) > width) {
      found.push(piece);
      piece = '';
      if (found.length > LINES) return found;
    }
    piece += letter;
  }
  return [...found, piece];
}

/** @param {any} value @param {Record<string, string>} colours @param {boolean} [isColour] @returns {unknown} */
function coloured(value, colours, isColour = false) {
  if (typeof value === 'string') {
    const role = isColour && value.startsWith('role:') ? colours[value.slice('role:'.length)] : undefined;
    return role ?? value;
  }
  if (Array.isArray(value)) return value.map((inner) => coloured(inner, colours, isColour));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, inner]) => [key, coloured(inner, colours, COLOUR_KEYS.has(key))]),
  );
}

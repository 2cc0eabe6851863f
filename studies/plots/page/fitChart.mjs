// @ts-check
// A chart at a width. Runs in Node and in pages, which hold this text: it imports nothing.

/** A group narrower than this is put below its neighbour. Pixels. */
const NARROWEST = 260;
/** Shares of the font's size that letters take on average, and what stands before and behind a legend's text. Pixels. */
const LETTER = 0.54;
const BOLD_LETTER = 0.66;
const SYMBOL_PX = 34;
const LONGEST_LEGEND_PX = 260;
/** Lines that a title may have. */
const LINES = 4;
/** What axes take of a group's width before it is measured. */
const AXES_PX = 60;
const LEAST_PX = 80;
const ROUNDS = 3;

/** Keys whose texts are colours; everything else that a specification says may be a name that somebody chose. */
const COLOUR_KEYS = new Set(
  'color fill stroke range value background labelColor titleColor gridColor domainColor tickColor subtitleColor'.split(
    ' ',
  ),
);

/**
 * The chart as a Vega-Lite specification whose drawing is as wide as asked: axes take what their labels need, so it is measured and
 * drawn again.
 *
 * @param {import('../chart.ts').Chart} chart
 * @param {{ width: number, colours: Record<string, string>, config: object, titled: boolean }} look
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
 * @param {{ width: number, colours: Record<string, string>, config: any, titled: boolean }} look
 * @param {number} columns
 * @param {number} inner width of a view without its axes
 */
function specAt(chart, { width, colours, config, titled }, columns, inner) {
  const { title, subtitle, groups, rows, guides, legend, resolve } = chart;
  const views = groups.map((group) => groupAt(group, Math.floor(inner), config));
  // A group's heading would take the place of the chart's title.
  const isAlone = groups.length === 1 && groups[0]?.heading === undefined;
  const titles = config.title;
  const lines = subtitle.flatMap((line) => wrapped(line, width, titles.subtitleFontSize * LETTER));
  const heading = {
    text: wrapped(title, width, titles.fontSize * BOLD_LETTER),
    ...(lines.length > 0 && { subtitle: lines }),
  };
  return {
    $schema: 'https://vega.github.io/schema/vega-lite/v6.json',
    ...(titled && { title: heading }),
    datasets: { rows, ...guides },
    .../** @type {any} */ (coloured(isAlone ? views[0] : { concat: views, columns, spacing: 24 }, colours)),
    ...(resolve && !isAlone && { resolve }),
    config: coloured(configAt(config, width, legend ?? []), colours),
  };
}

/** @param {import('../chart.ts').Group} group @param {number} width @param {any} config */
function groupAt({ heading, views, resolve }, width, config) {
  const drawn = views.map((view) => ({ ...view, width, height: heightAt(view.height, width) }));
  const title = heading && {
    title: {
      text: wrapped(heading, width, config.axis.titleFontSize * BOLD_LETTER),
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

/** @param {any} config @param {number} width @param {readonly string[]} legend */
function configAt(config, width, legend) {
  const { labelFontSize } = config.legend;
  const limit = Math.min(LONGEST_LEGEND_PX, width - SYMBOL_PX);
  const longest = Math.min(limit, Math.max(0, ...legend.map((text) => text.length)) * labelFontSize * LETTER);
  const columns = Math.max(1, Math.floor(width / (longest + SYMBOL_PX)));
  return {
    ...config,
    legend: { ...config.legend, columns, labelLimit: limit, titleLimit: width },
    axis: { ...config.axis, labelLimit: Math.round(width * 0.3) },
    title: { ...config.title, limit: width },
  };
}

/**
 * A text in lines of a width; words that are longer are cut, and so is the last line where there are more.
 *
 * @param {string} text @param {number} width @param {number} letter width of one, pixels
 * @returns {string[]}
 */
export function wrapped(text, width, letter) {
  const room = Math.max(8, Math.floor(width / letter));
  const pieces = text.split(' ').flatMap((word) => word.match(new RegExp(`.{1,${room}}`, 'gsu')) ?? ['']);
  /** @type {string[]} */
  const lines = [];
  for (const piece of pieces) {
    const line = lines.at(-1);
    if (line !== undefined && line.length + 1 + piece.length <= room)
      lines[lines.length - 1] = `${line} ${piece}`;
    else lines.push(piece);
  }
  if (lines.length <= LINES) return lines;
  return [...lines.slice(0, LINES - 1), `${lines[LINES - 1]}\u2026`];
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

// Draws the charts of a page, each as wide as its figure, and again where that changes. In pages only, behind Vega and `fitChart`.

/* global vega, vegaLite, vegaEmbed, fitChart */

const measuring = document.createElement('canvas').getContext('2d');
let measuringFont = '';

/** @param {any} spec @returns {Promise<number>} */
async function widthOfDrawing(spec) {
  const view = new vega.View(vega.parse(vegaLite.compile(spec).spec), { renderer: 'none' });
  const svg = await view.toSVG();
  view.finalize();
  return Number(/ width="([\d.]+)"/.exec(svg)?.[1]);
}

/** Width of a text in the page's font. @param {string} text @param {number} fontPx @param {boolean} isBold */
function textWidth(text, fontPx, isBold) {
  measuring.font = `${isBold ? 'bold ' : ''}${fontPx}px ${measuringFont}`;
  return measuring.measureText(text).width;
}

/** @param {Element} figure @param {any} look */
function drawFigure(figure, look) {
  const chart = JSON.parse(figure.querySelector('script')?.textContent ?? '');
  const place = /** @type {HTMLElement} */ (figure.querySelector('.chart-drawing'));
  let drawnAt = 0;
  /** @type {any} */
  let drawing = null;
  async function draw() {
    const width = Math.floor(place.clientWidth);
    // A redraw may bring a scroll bar, which takes its pixels.
    if (width === 0 || Math.abs(width - drawnAt) < 4) return;
    drawnAt = width;
    const spec = await fitChart(chart, { ...look, width, titled: false, textWidth }, widthOfDrawing);
    if (drawnAt !== width) return;
    drawing?.finalize();
    drawing = await vegaEmbed(place, spec, { renderer: 'svg', actions: false, tooltip: { theme: 'chart' } });
    // The place has a role and says what is drawn; marks without a name would only be in a screen reader's way.
    place.querySelector('svg')?.setAttribute('aria-hidden', 'true');
    figure.setAttribute('data-drawn', String(width));
  }
  let pending = 0;
  new ResizeObserver(() => {
    cancelAnimationFrame(pending);
    pending = requestAnimationFrame(draw);
  }).observe(place);
}

/** @param {any} look */
export function drawCharts(look) {
  measuringFont = look.config.font;
  for (const figure of document.querySelectorAll('figure.chart')) drawFigure(figure, look);
}

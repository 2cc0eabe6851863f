import PDFDocument from 'pdfkit';
import svgToPdf from 'svg-to-pdfkit';
import { type Chart, printableChart } from './chart.ts';
import { FONT_FILES } from './fonts.ts';
import { type Look, renderSvg, SCREEN_LOOK, sizeOf } from './render.ts';
import { PT_PER_PX } from './size.ts';

/** A PDF says when it was made; the same chart must give the same bytes. */
const MADE = new Date(0);

/** A chart as one PDF page of its own size: vectors, with the font embedded, so that its text can be searched and copied. */
export async function chartPdf(chart: Chart, look: Look = SCREEN_LOOK): Promise<Uint8Array> {
  const svg = await renderSvg(chart, { ...look, width: { ...look.width, mm: null } });
  const { width, height } = sizeOf(svg);
  const size: [number, number] = [width * PT_PER_PX, height * PT_PER_PX];
  const { title } = printableChart(chart);
  const document = new PDFDocument({
    ...{ size, margin: 0 },
    info: { Title: title, CreationDate: MADE, Producer: 'chunkflow', Creator: 'chunkflow' },
  });
  const parts: Buffer[] = [];
  document.on('data', (part: Buffer) => parts.push(part));
  const ended = new Promise((resolve, reject) => {
    document.on('end', resolve);
    document.on('error', reject);
  });
  svgToPdf(document, svg, 0, 0, {
    ...{ width: size[0], height: size[1] },
    fontCallback: (_family, bold) => (bold ? FONT_FILES.bold : FONT_FILES.regular),
    warningCallback: (warning) => {
      throw new Error(`PDF: ${warning}`);
    },
  });
  document.end();
  await ended;
  return Buffer.concat(parts);
}

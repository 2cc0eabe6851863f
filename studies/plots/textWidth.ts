import PDFDocument from 'pdfkit';
import * as vega from 'vega';
import { FONT_FILES } from './fonts.ts';

/** Size at which texts are measured; widths are proportional to it. */
const MEASURED_PX = 100;
const widths = new Map<string, number>();
const measuring = new PDFDocument({ autoFirstPage: false }).fontSize(MEASURED_PX);

interface TextItem {
  fontSize?: number;
  fontWeight?: string | number;
  text?: unknown;
}

/** Width of a line of text in the charts' font, pixels: without a canvas Vega would guess, a third too wide. */
function textWidth(item: TextItem, given: unknown): number {
  const text = String(given ?? item.text ?? '');
  const bold = item.fontWeight === 'bold' || Number(item.fontWeight) >= 600;
  const key = `${bold} ${text}`;
  let width = widths.get(key);
  if (width === undefined) {
    width = measuring.font(bold ? FONT_FILES.bold : FONT_FILES.regular).widthOfString(text);
    widths.set(key, width);
  }
  return (width * (item.fontSize ?? 11)) / MEASURED_PX;
}

/** Has Vega measure texts so. */
export function measureWithFont(): void {
  (vega as unknown as { textMetrics: { width: typeof textWidth } }).textMetrics.width = textWidth;
}

import PDFDocument from 'pdfkit';
import * as vega from 'vega';
import { FONT_FILES } from './fonts.ts';
import { FONT_PX } from './theme.ts';

/** Size at which texts are measured; widths are proportional to it. */
const MEASURED_PX = 100;
const widths = new Map<string, number>();
const measuring = new PDFDocument({ autoFirstPage: false }).fontSize(MEASURED_PX);

interface TextItem {
  fontSize?: number;
  fontWeight?: string | number;
  text?: unknown;
  /** Width at which the text is cut; 0 for none. */
  limit?: number;
}

/** Width of a line of text in the charts' font, pixels. */
export function textWidth(text: string, fontPx: number, bold: boolean): number {
  const key = `${bold} ${text}`;
  let width = widths.get(key);
  if (width === undefined) {
    width = measuring.font(bold ? FONT_FILES.bold : FONT_FILES.regular).widthOfString(text);
    widths.set(key, width);
  }
  return (width * fontPx) / MEASURED_PX;
}

/** Has Vega measure texts so: without a canvas it would guess, a third too wide. */
export function measureWithFont(): void {
  const { textMetrics } = vega as unknown as {
    textMetrics: { width: (item: TextItem, given: unknown) => number };
  };
  textMetrics.width = (item, given) => {
    const bold = item.fontWeight === 'bold' || Number(item.fontWeight) >= 600;
    const width = textWidth(String(given ?? item.text ?? ''), item.fontSize ?? FONT_PX, bold);
    // A text that is longer is cut, which Vega leaves to this function.
    return item.limit === undefined || item.limit <= 0 ? width : Math.min(width, item.limit);
  };
}

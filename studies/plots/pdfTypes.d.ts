// Neither package has types; these are the parts that charts use.

declare module 'pdfkit' {
  import type { Readable } from 'node:stream';

  interface PdfOptions {
    size?: [number, number];
    margin?: number;
    autoFirstPage?: boolean;
    compress?: boolean;
    info?: { Title?: string; CreationDate?: Date; Producer?: string; Creator?: string };
  }

  interface PdfDocument extends Readable {
    font(nameOrFile: string): PdfDocument;
    registerFont(name: string, file: string): PdfDocument;
    fontSize(points: number): PdfDocument;
    widthOfString(text: string): number;
    end(): void;
  }

  const PDFDocument: new (options?: PdfOptions) => PdfDocument;
  export default PDFDocument;
  export type { PdfDocument };
}

declare module 'svg-to-pdfkit' {
  import type { PdfDocument } from 'pdfkit';

  interface SvgOptions {
    width?: number;
    height?: number;
    /** PDF points of an SVG unit are 1 by default in place of 0.75. */
    assumePt?: boolean;
    fontCallback?(family: string, bold: boolean, italic: boolean): string;
    warningCallback?(warning: string): void;
  }

  export default function svgToPdf(
    document: PdfDocument,
    svg: string,
    x: number,
    y: number,
    options?: SvgOptions,
  ): void;
}

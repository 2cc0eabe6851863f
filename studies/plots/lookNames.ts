export const THEME_NAMES = ['light', 'dark'] as const;
export type ThemeName = (typeof THEME_NAMES)[number];

/** Widths of a chart as a file: of a screen, of one column of a two-column paper, and of its page. */
export const WIDTH_NAMES = ['screen', 'column', 'page'] as const;
export type WidthName = (typeof WIDTH_NAMES)[number];

import type { ThemeName } from './lookNames.ts';

/** What a colour is for. Specifications name roles; a theme, or a page's style sheet, says which colour each is. */
export const ROLES = ['paper', 'ink', 'soft', 'line', 'grid', 'band'] as const;
/** Series that are told apart by colour; each chart tells them apart by shape or by place as well. */
export const SERIES = 8;

export type Role = (typeof ROLES)[number] | `series${number}`;

export interface Theme {
  roles: Readonly<Record<(typeof ROLES)[number], string>>;
  series: readonly string[];
}

/**
 * Okabe and Ito's palette, moved until every colour stands out from the paper by 3:1 (WCAG's bound for graphics) and every two from
 * each other to the deuteranope and the protanope, which a test computes. Seventh and eighth are for what is only compared with.
 */
export const THEMES: Readonly<Record<ThemeName, Theme>> = {
  light: {
    roles: {
      paper: '#ffffff',
      ink: '#1b1f24',
      soft: '#59616b',
      line: '#7c848e',
      grid: '#e3e6ea',
      band: '#dfe4ea',
    },
    series: ['#0072b2', '#de670c', '#08a05e', '#cd79a7', '#a85301', '#2d99e0', '#222222', '#766f78'],
  },
  dark: {
    roles: {
      paper: '#14171c',
      ink: '#eceff3',
      soft: '#aab2bd',
      line: '#848d99',
      grid: '#2a3038',
      band: '#2d343d',
    },
    series: ['#499fe2', '#ff7f3f', '#43bf85', '#ffa1c6', '#f5c04a', '#6cd1ff', '#f2f2f2', '#898a8a'],
  },
};

/** A role as a specification names it in place of a colour. */
export function role(of: Role): string {
  return `role:${of}`;
}

/** The colour of a series by its place; behind the last they begin again. */
export function seriesRole(index: number): string {
  return role(`series${index % SERIES}`);
}

/** Colours by role, for drawings that stand by themselves. */
export function coloursOf(name: ThemeName): Record<string, string> {
  const { roles, series } = THEMES[name];
  return { ...roles, ...Object.fromEntries(series.map((colour, index) => [`series${index}`, colour])) };
}

/** Colours by role for pages, whose style sheet has them: they follow the reader's scheme, and paper is printed light. */
export function styledColours(): Record<string, string> {
  return Object.fromEntries(Object.keys(coloursOf('light')).map((name) => [name, `var(--chart-${name})`]));
}

/** The style sheet's part of `styledColours`: declarations for one theme. */
export function colourDeclarations(name: ThemeName): string {
  return Object.entries(coloursOf(name))
    .map(([of, colour]) => `--chart-${of}:${colour}`)
    .join(';');
}

/** Pixels, at 96 to the inch; a column's chart is printed at this size. */
export const FONT_PX = 10;
/** The shipped font; pages of machines without it take what they have. */
export const FONT = 'DejaVu Sans';

/** Look of every chart. @param fontPx of labels: pages have more room than paper. */
export function chartConfig(font: string, fontPx = FONT_PX): object {
  const axis = {
    ...{ labelFontSize: fontPx, titleFontSize: fontPx + 1, titleFontWeight: 'normal', titlePadding: 6 },
    ...{ labelColor: role('soft'), titleColor: role('ink'), gridColor: role('grid') },
    ...{
      domainColor: role('line'),
      tickColor: role('line'),
      labelOverlap: 'greedy',
      labelSeparation: 4,
      labelFlush: false,
    },
  };
  return {
    font,
    background: role('paper'),
    view: { stroke: null },
    mark: { color: role('series0') },
    text: { color: role('ink'), fontSize: fontPx },
    rule: { color: role('line') },
    axis,
    legend: {
      ...{ labelFontSize: fontPx, titleFontSize: fontPx, titleFontWeight: 'normal', orient: 'top' },
      ...{
        labelColor: role('ink'),
        titleColor: role('soft'),
        rowPadding: 3,
        columnPadding: 14,
        offset: 10,
        symbolOpacity: 1,
      },
      layout: { top: { direction: 'vertical', margin: 6, anchor: 'start' } },
    },
    title: {
      ...{ fontSize: fontPx + 3, anchor: 'start', offset: 10, color: role('ink') },
      ...{
        subtitleColor: role('soft'),
        subtitleFontSize: fontPx,
        subtitlePadding: 5,
        subtitleLineHeight: 14,
      },
    },
  };
}
